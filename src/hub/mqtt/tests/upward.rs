//! What devices ask for.

use super::*;
use crate::hub::ports::{Fault, Links as _};

const GET: &str = "$iothub/twin/GET/?$rid=";
const PATCH: &str = "$iothub/twin/PATCH/properties/reported/?$rid=";

#[tokio::test(start_paused = true)]
async fn a_twin_is_got_with_the_request_id_verbatim() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 0).await;
    device.publish(&format!("{GET}aB-7/%20"), " ").await;
    let twin = r#"{"desired":{"$version":1},"reported":{"$version":1}}"#;
    assert_eq!(device.message().await, ("$iothub/twin/res/200/?$rid=aB-7/%20".to_owned(), twin.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_reported_patch_answers_204_with_the_new_version_and_no_body() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1/m", &[RESPONSES], 0).await;
    device.publish(&format!("{PATCH}1&$version=41"), r#"{"a":null}"#).await;
    assert_eq!(device.message().await, ("$iothub/twin/res/204/?$rid=1&$version=1".to_owned(), String::new()));
    hub.core.asked(r#"patch d1/m {"a":null} Some(41)"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_comes_as_status_and_as_body() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 0).await;
    hub.core.state().fault = Some(Fault { code: 412_001, message: "moved".to_owned() });
    for topic in [format!("{GET}1"), format!("{PATCH}1")] {
        device.publish(&topic, "{}").await;
        let (topic, body) = device.message().await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((topic.as_str(), &body["errorCode"]), ("$iothub/twin/res/412/?$rid=1", &412_001.into()));
        assert_eq!(body["message"], "moved");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_subscription_there_is_no_response() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 0).await;
    device.send(&client::unsubscribe(7, &[RESPONSES])).await;
    assert_eq!(device.receive().await, Packet::of(0xB0, b"\0\x07"));
    device.send(&client::publish(&format!("{GET}1"), Some(9), false, b" ")).await;
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x09"), "accepted, but not answered");
    device.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_acknowledged_and_answered_in_their_order() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 1).await;
    hub.core.hold();
    let packets = [
        client::publish(&format!("{PATCH}a"), Some(1), false, b"{}"),
        client::publish(&format!("{GET}b"), Some(2), false, b""),
        client::publish("devices/d1/messages/events/k=v/", Some(3), false, b"hi"),
        client::publish("$iothub/methods/res/200/?$rid=77", Some(4), false, b"{}"),
    ];
    device.send(&packets.concat()).await;
    device.hears_nothing().await;
    hub.core.release();
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x01"));
    assert_eq!(device.published().await.0, "$iothub/twin/res/204/?$rid=a&$version=1");
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x02"));
    assert_eq!(device.published().await.0, "$iothub/twin/res/200/?$rid=b");
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x03"));
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x04"));
    assert_eq!(hub.core.log()[1..], ["patch d1 {} None", "twin d1", "telemetry d1 k=v hi"]);
}

#[tokio::test(start_paused = true)]
async fn a_core_that_never_answers_is_a_fault_in_the_end() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 0).await;
    hub.core.hold();
    let start = tokio::time::Instant::now();
    device.publish(&format!("{GET}1"), " ").await;
    assert_eq!(device.message().await.0, "$iothub/twin/res/500/?$rid=1");
    assert_eq!(start.elapsed(), Limits::default().request);
}

#[tokio::test(start_paused = true)]
async fn a_core_that_hangs_holds_many_requests_no_longer_than_one() {
    let hub = Hub::new();
    let mut device = hub.subscribed("d1", &[RESPONSES], 0).await;
    hub.core.hold();
    let start = tokio::time::Instant::now();
    for rid in 0..40 {
        device.publish(&format!("{GET}{rid}"), " ").await;
    }
    device.send(&client::PINGREQ).await;
    let mut answered = Vec::new();
    for _ in 0..41 {
        match device.receive().await {
            packet if packet.first == 0xD0 => {}
            packet => answered.push(packet.published().0),
        }
    }
    let wanted = (0..40).map(|rid| format!("$iothub/twin/res/500/?$rid={rid}"));
    assert_eq!(answered, wanted.collect::<Vec<_>>());
    assert!(start.elapsed() <= Limits::default().request * 3, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_cannot_be_kept_closes_without_acknowledgement() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.core.state().fault = Some(Fault { code: 503_001, message: "no disk".to_owned() });
    device.send(&client::subscribe(1, &[(DESIRED, 0)])).await;
    assert_eq!(device.closed().await, *b"");
}

#[tokio::test(start_paused = true)]
async fn with_too_many_requests_under_way_the_device_is_not_read() {
    let hub = Hub::new();
    let mut device = hub.open_with(None, 256);
    device.send(&ConnectPacket::of("d1").bytes()).await;
    device.receive().await;
    hub.core.hold();
    let packet = client::publish("devices/d1/messages/events/", None, false, &[b'x'; 100]);
    let flood = async {
        for sent in 0..1000 {
            if tokio::time::timeout(seconds(1), device.stream.write_all(&packet)).await.is_err() {
                return sent;
            }
        }
        1000
    };
    let sent = flood.await;
    assert!((17..30).contains(&sent), "{sent} were taken");
    hub.core.release();
    device.stream.write_all(&packet).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retained_message_is_telemetry_with_a_property() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1/m")).await;
    for topic in ["devices/d1/modules/m/messages/events/", "devices/d1/modules/m/messages/events/a=b"] {
        device.send(&client::publish(topic, None, true, b"x")).await;
    }
    hub.core.asked("telemetry d1/m mqtt-retain=true x").await;
    hub.core.asked("telemetry d1/m a=b&mqtt-retain=true x").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_256_kb_is_taken_and_a_greater_one_closes() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    let topic = "devices/d1/messages/events/";
    device.send(&client::publish(topic, Some(1), false, &vec![b'x'; 262_144])).await;
    assert_eq!(device.receive().await, Packet::of(0x40, b"\0\x01"));
    hub.core.asked("telemetry d1  262144 bytes").await;
    device.send(&client::publish(topic, Some(2), false, &vec![b'x'; 262_145])).await;
    assert_eq!(device.closed().await, *b"");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_core_does_not_take_closes_without_acknowledgement() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.core.state().fault = Some(Fault { code: 429_002, message: "too fast".to_owned() });
    device.send(&client::publish("devices/d1/messages/events/", Some(1), false, b"x")).await;
    assert_eq!(device.closed().await, *b"");
}

#[tokio::test(start_paused = true)]
async fn subscribing_with_qos_2_grants_1() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(3, &[(METHODS, 2), ("devices/d1/messages/devicebound/#", 0)])).await;
    assert_eq!(device.receive().await, Packet::of(0x90, b"\0\x03\x01\0"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_documented_closes() {
    let hub = Hub::new();
    for packet in [
        client::subscribe(1, &[(RESPONSES, 0), ("a/b", 0)]),
        client::subscribe(1, &[("devices/d2/messages/devicebound/#", 0)]),
        client::unsubscribe(1, &["#"]),
        client::publish("a/b", None, false, b""),
        client::publish(&format!("{PATCH}1&$version=x"), None, false, b"{}"),
        client::publish("devices/d2/messages/events/", Some(1), false, b""),
        // QoS 2, a packet of a server, an acknowledgement of nothing.
        client::packet(0x34, b"\0\x01t\0\x01"),
        client::packet(0xD0, b""),
        client::packet(0x40, b"\0\0"),
    ] {
        let mut device = hub.connect(&ConnectPacket::of("d1")).await;
        device.send(&packet).await;
        assert_eq!(device.closed().await, *b"", "{packet:x?}");
    }
    assert_eq!(hub.links.connected(), 0);
}
