//! How devices are let in, and how not.

use super::*;
use crate::hub::ports::{Links as _, Qos, Refusal, Subscriptions};

/// What a hub in this state answers to these bytes before it closes.
async fn refused(hub: &Hub, bytes: &[u8]) -> Vec<u8> {
    let mut device = hub.open();
    device.send(bytes).await;
    let answer = device.closed().await;
    assert_eq!(hub.links.connected(), 0);
    answer
}

#[tokio::test(start_paused = true)]
async fn a_device_is_let_in_with_what_it_said() {
    let hub = Hub::new();
    let mut packet = ConnectPacket::of("d1/m1");
    packet.username = Some("hub/d1/m1/?api-version=2020-09-30&model-id=dtmi%3Aa%3Bb;1".to_owned());
    let _device = hub.connect(&packet).await;
    assert_eq!(hub.core.log(), [r#"connect d1/m1 Some("token") None false Some("dtmi:a;b;1")"#]);
    assert_eq!(hub.links.connected(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_reaches_the_core() {
    let hub = Hub::new();
    let mut device = hub.open_with(Some(b"DER"), 1 << 16);
    device.send(&ConnectPacket { password: None, ..ConnectPacket::of("d1") }.bytes()).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\0\0"));
    assert_eq!(hub.core.log(), ["connect d1 None Some(3) false None"]);
}

#[tokio::test(start_paused = true)]
async fn whom_the_core_refuses_gets_its_code_and_is_closed() {
    let hub = Hub::new();
    for (refusal, code) in [(Refusal::NotAuthorized, 5), (Refusal::Unavailable, 3)] {
        hub.core.state().refusal = Some(refusal);
        assert_eq!(refused(&hub, &ConnectPacket::of("d1").bytes()).await, [0x20, 2, 0, code]);
    }
    assert!(!hub.core.log().iter().any(|line| line.starts_with("disconnected")), "nobody was connected");
}

#[tokio::test(start_paused = true)]
async fn other_protocol_levels_are_refused_in_their_own_words() {
    let hub = Hub::new();
    assert_eq!(refused(&hub, b"\x10\x0C\x00\x06MQIsdp\x03\x02\x00\x3C").await, [0x20, 2, 0, 1]);
    assert_eq!(refused(&hub, b"\x10\x0D\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x00").await, [0x20, 3, 0, 0x84, 0]);
}

#[tokio::test(start_paused = true)]
async fn names_that_are_none_are_refused_before_the_core_is_asked() {
    let hub = Hub::new();
    let name = |client: &str, user: Option<&str>| {
        let username = user.map(str::to_owned);
        ConnectPacket { client_id: client.to_owned(), username, password: None, ..ConnectPacket::of("") }.bytes()
    };
    assert_eq!(refused(&hub, &name("d1", Some("h/d2/?a=b"))).await, [0x20, 2, 0, 5]);
    assert_eq!(refused(&hub, &name("d1", None)).await, [0x20, 2, 0, 5]);
    assert_eq!(refused(&hub, &name("d 1", Some("h/d 1/?a=b"))).await, [0x20, 2, 0, 5]);
    assert_eq!(refused(&hub, &name("", Some("h//?a=b"))).await, [0x20, 2, 0, 2]);
    assert!(hub.core.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_will_for_a_foreign_topic_closes() {
    let hub = Hub::new();
    let will = Some(("devices/d2/messages/events/".to_owned(), vec![]));
    assert_eq!(refused(&hub, &ConnectPacket { will, ..ConnectPacket::of("d1") }.bytes()).await, *b"");
}

#[tokio::test(start_paused = true)]
async fn anything_but_a_connect_closes() {
    let hub = Hub::new();
    assert_eq!(refused(&hub, &client::PINGREQ).await, *b"");
    assert_eq!(refused(&hub, b"GET / HTTP/1.1\r\n").await, *b"");
    // A packet that announces more than anybody unknown may send is not waited for.
    assert_eq!(refused(&hub, b"\x10\xFF\xFF\x7F").await, *b"");
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_closed_in_time() {
    let hub = Hub::new();
    let start = tokio::time::Instant::now();
    assert_eq!(refused(&hub, b"\x10\x20\x00\x04MQ").await, *b"");
    assert_eq!(start.elapsed(), Limits::default().connect);
}

#[tokio::test(start_paused = true)]
async fn a_connect_may_come_in_pieces_and_with_what_follows_it() {
    let hub = Hub::new();
    let mut device = hub.open_with(None, 3);
    let all = [ConnectPacket::of("d1").bytes(), client::PINGREQ.to_vec()].concat();
    device.send(&all).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\0\0"));
    assert_eq!(device.receive().await, Packet::of(0xD0, b""));
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_on_one_link_closes() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&ConnectPacket::of("d1").bytes()).await;
    assert_eq!(device.closed().await, *b"");
}

#[tokio::test(start_paused = true)]
async fn subscriptions_of_an_unclean_session_outlive_the_link() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(RESPONSES, 1), (DESIRED, 0)])).await;
    assert_eq!(device.receive().await, Packet::of(0x90, b"\0\x01\x01\0"));
    let kept = Subscriptions {
        twin_responses: Some(Qos::AtLeastOnce),
        desired: Some(Qos::AtMostOnce),
        ..Subscriptions::default()
    };
    assert_eq!(hub.core.state().kept[&link("d1")], kept, "kept before it is acknowledged");
    drop(device.stream);
    device.task.await.unwrap();

    let mut device = hub.open();
    device.send(&ConnectPacket::of("d1").bytes()).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\x01\0"), "the session is present");
    device.publish("$iothub/twin/GET/?$rid=1", " ").await;
    assert_eq!(device.published().await.0, "$iothub/twin/res/200/?$rid=1");
}

#[tokio::test(start_paused = true)]
async fn a_clean_session_starts_with_nothing_and_leaves_nothing() {
    let hub = Hub::new();
    let all = Subscriptions { methods: Some(Qos::AtMostOnce), ..Subscriptions::default() };
    hub.core.state().kept.insert(link("d1"), all);
    let _device = hub.subscribed("d1", &[RESPONSES], 0).await;
    assert!(hub.core.state().kept.is_empty());
}
