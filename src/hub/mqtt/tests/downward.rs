//! What the hub has for devices.

use bytes::Bytes;

use super::*;
use crate::hub::ports::{Links as _, MethodAnswer, MethodFault};

#[tokio::test(start_paused = true)]
async fn desired_patches_come_in_order_with_the_granted_quality() {
    let hub = Hub::new();
    for (name, qos) in [("d1", 0), ("d2", 1)] {
        let mut device = hub.subscribed(name, &[DESIRED], qos).await;
        for version in [2, 3] {
            hub.links.desired(&link(name), version, Bytes::from(format!(r#"{{"$version":{version}}}"#)));
        }
        for version in [2_u16, 3] {
            let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
            let id = (qos == 1).then_some(version - 1);
            assert_eq!(device.published().await, (topic, id, format!(r#"{{"$version":{version}}}"#)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn desired_patches_are_lost_on_who_is_not_subscribed_or_not_there() {
    let hub = Hub::new();
    let patch = || Bytes::from_static(b"{}");
    hub.links.desired(&link("d1"), 2, patch());
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.links.desired(&link("d1"), 3, patch());
    device.send(&client::subscribe(1, &[(DESIRED, 0)])).await;
    assert_eq!(device.receive().await.first, 0x90);
    hub.links.desired(&link("d1"), 4, patch());
    assert_eq!(device.message().await.0, "$iothub/twin/PATCH/properties/desired/?$version=4");
}

#[tokio::test(start_paused = true)]
async fn messages_beyond_the_window_of_unacknowledged_ones_go_with_qos_0() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[DESIRED], 1).await;
    let mut ids = Vec::new();
    for version in 1..=66 {
        hub.links.desired(&link("d1"), version, Bytes::new());
        ids.push(device.published().await.1);
    }
    assert_eq!(ids, (1..=64).map(Some).chain([None, None]).collect::<Vec<_>>());
    device.send(&client::puback(5)).await;
    device.hears_nothing().await;
    hub.links.desired(&link("d1"), 67, Bytes::new());
    assert_eq!(device.published().await.1, Some(65));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_after_a_reconnect() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(DESIRED, 1)])).await;
    device.receive().await;
    hub.links.desired(&link("d1"), 2, Bytes::new());
    assert_eq!(device.published().await.1, Some(1));
    let mut again = hub.open();
    again.send(&ConnectPacket::of("d1").bytes()).await;
    assert_eq!(again.receive().await, Packet::of(0x20, b"\x01\0"));
    again.hears_nothing().await;
}

/// Calls a method on `d1`.
fn call(hub: &Hub, payload: &'static str, connect: u64) -> JoinHandle<Result<MethodAnswer, MethodFault>> {
    let links = Arc::clone(&hub.links);
    tokio::spawn(async move { links.call(&link("d1"), "reboot", payload.into(), seconds(connect), seconds(10)).await })
}

/// The request id at the end of a topic.
fn rid(topic: &str) -> &str {
    topic.strip_prefix("$iothub/methods/POST/reboot/?$rid=").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_method_is_called_with_qos_0_and_its_answer_comes_back() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[METHODS], 1).await;
    for (payload, sent, answer, received) in
        [(r#"{"a":1}"#, r#"{"a":1}"#, "[2]", "[2]"), ("", "null", "", "null"), ("\"\"", "\"\"", "\"\"", "\"\"")]
    {
        let calling = call(&hub, payload, 0);
        let (topic, body) = device.message().await;
        assert_eq!(body, sent);
        device.publish(&format!("$iothub/methods/res/-1/?$rid={}", rid(&topic)), answer).await;
        let payload = Bytes::from_static(received.as_bytes());
        assert_eq!(calling.await.unwrap(), Ok(MethodAnswer { status: -1, payload }));
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_in_time_there_is_none_and_a_late_one_is_dropped() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[METHODS], 0).await;
    let start = tokio::time::Instant::now();
    let calling = call(&hub, "1", 0);
    let (topic, _) = device.message().await;
    assert_eq!(calling.await.unwrap(), Err(MethodFault::NoAnswer));
    assert_eq!(start.elapsed(), seconds(10));
    device.publish(&format!("$iothub/methods/res/200/?$rid={}", rid(&topic)), "1").await;
    device.publish("$iothub/methods/res/200/?$rid=not-even-hex", "1").await;
    device.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn another_device_cannot_answer() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[METHODS], 0).await;
    let mut other = hub.subscribed("d2", &[METHODS], 0).await;
    let calling = call(&hub, "1", 0);
    let (topic, _) = device.message().await;
    other.publish(&format!("$iothub/methods/res/200/?$rid={}", rid(&topic)), "1").await;
    other.hears_nothing().await;
    assert_eq!(calling.await.unwrap(), Err(MethodFault::NoAnswer));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_ends_its_calls() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[METHODS], 0).await;
    let calling = call(&hub, "1", 0);
    device.message().await;
    let start = tokio::time::Instant::now();
    drop(device.stream);
    assert_eq!(calling.await.unwrap(), Err(MethodFault::NoAnswer));
    assert_eq!(start.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_not_subscribed_is_not_online() {
    let hub = Hub::new();
    let _device = hub.subscribed("d1", &[DESIRED], 0).await;
    assert_eq!(call(&hub, "1", 0).await.unwrap(), Err(MethodFault::NotOnline));
    let start = tokio::time::Instant::now();
    assert_eq!(call(&hub, "1", 30).await.unwrap(), Err(MethodFault::NotOnline));
    assert_eq!(start.elapsed(), seconds(30));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_device_to_subscribe_or_to_come_back() {
    let hub = Hub::new();
    let calling = call(&hub, "1", 30);
    tokio::task::yield_now().await;
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(METHODS, 0)])).await;
    // The call may come before the acknowledgement of the subscription.
    let two = [device.receive().await, device.receive().await];
    assert!(two.iter().any(|packet| packet.first == 0x30) && two.iter().any(|packet| packet.first == 0x90));
    drop(device.stream);
    assert_eq!(calling.await.unwrap(), Err(MethodFault::NoAnswer));

    device.task.await.unwrap();
    let calling = call(&hub, "1", 30);
    tokio::task::yield_now().await;
    let mut device = hub.open();
    device.send(&ConnectPacket::of("d1").bytes()).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\x01\0"));
    let (topic, _) = device.message().await;
    device.publish(&format!("$iothub/methods/res/200/?$rid={}", rid(&topic)), "1").await;
    assert_eq!(calling.await.unwrap().map(|answer| answer.status), Ok(200));
}
