//! Messages of the service that wait for devices.

use std::num::NonZeroU16;

use bytes::Bytes;

use super::*;
use crate::{
    hub::ports::{Delivery, Links as _},
    iothub::Properties,
};

const MAIL: &str = "devices/d1/messages/devicebound/#";

/// Puts a message into the core's queue.
fn put(hub: &Hub, sequence: u64) {
    let properties = Properties::from_iter([("$.mid", sequence.to_string())]);
    let payload = Bytes::from_static(b"hello");
    hub.core.state().mail.push(Delivery { sequence, packet: None, again: false, properties, payload });
}

fn topic(sequence: u64) -> String {
    format!("devices/d1/messages/devicebound/%24.mid={sequence}")
}

/// A device of an unclean session that is subscribed to messages with quality of service 1.
async fn subscribed(hub: &Hub) -> Device {
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(MAIL, 1)])).await;
    assert_eq!(device.receive().await.first, 0x90);
    device
}

#[tokio::test(start_paused = true)]
async fn waiting_messages_come_after_the_subscription_and_are_completed_by_their_acknowledgement() {
    let hub = Hub::new();
    put(&hub, 10);
    put(&hub, 11);
    let mut device = subscribed(&hub).await;
    assert_eq!(device.published().await, (topic(10), Some(1), "hello".to_owned()));
    assert_eq!(device.published().await, (topic(11), Some(2), "hello".to_owned()));
    device.send(&client::puback(2)).await;
    hub.core.asked("complete d1 11").await;
    device.send(&client::puback(1)).await;
    hub.core.asked("complete d1 10").await;
    assert!(hub.core.state().mail.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_with_qos_0_is_complete_once_it_is_sent() {
    let hub = Hub::new();
    put(&hub, 1);
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(MAIL, 0)])).await;
    device.receive().await;
    assert_eq!(device.message().await, (topic(1), "hello".to_owned()));
    hub.core.asked("complete d1 1").await;
}

#[tokio::test(start_paused = true)]
async fn the_bell_brings_a_message_to_who_is_subscribed_and_asks_nobody_else() {
    let hub = Hub::new();
    let mut deaf = hub.connect(&ConnectPacket::of("d2")).await;
    let mut device = subscribed(&hub).await;
    hub.core.asked("mail d1 after 0").await;
    put(&hub, 5);
    for name in ["d1", "d2", "d3"] {
        hub.links.mail(&link(name));
    }
    assert_eq!(device.published().await.0, topic(5));
    deaf.hears_nothing().await;
    assert!(!hub.core.log().iter().any(|line| line.starts_with("mail d2")));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_acknowledged_comes_again_in_order_with_its_packet_and_marked() {
    let hub = Hub::new();
    put(&hub, 1);
    put(&hub, 2);
    let mut device = subscribed(&hub).await;
    device.published().await;
    device.published().await;
    drop(device.stream);
    device.task.await.unwrap();
    put(&hub, 3);
    let mut device = hub.open();
    device.send(&ConnectPacket::of("d1").bytes()).await;
    assert_eq!(device.receive().await, Packet::of(0x20, b"\x01\0"));
    for (sequence, id) in [(1, 1), (2, 2)] {
        let packet = device.receive().await;
        assert_eq!(packet.first, 0x3A, "QoS 1 and DUP");
        let packet = Packet { first: 0x32, ..packet };
        assert_eq!(packet.published(), (topic(sequence), Some(id), "hello".to_owned()));
    }
    let (topic_of_new, id, _) = device.published().await;
    assert_eq!(topic_of_new, topic(3));
    assert!(id.is_some_and(|id| id > 2), "{id:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_window_of_messages_is_on_its_way() {
    let hub = Hub::new();
    for sequence in 1..=20 {
        put(&hub, sequence);
    }
    let mut device = subscribed(&hub).await;
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(device.published().await.1.unwrap());
    }
    device.hears_nothing().await;
    device.send(&client::puback(ids[0])).await;
    assert_eq!(device.published().await.0, topic(17));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_sent_to_who_unsubscribes_and_waits_for_the_next_time() {
    let hub = Hub::new();
    let mut device = subscribed(&hub).await;
    device.send(&client::unsubscribe(2, &[MAIL])).await;
    assert_eq!(device.receive().await.first, 0xB0);
    put(&hub, 1);
    hub.links.mail(&link("d1"));
    device.hears_nothing().await;
    device.send(&client::subscribe(3, &[(MAIL, 1)])).await;
    assert_eq!(device.receive().await.first, 0x90);
    assert_eq!(device.published().await.0, topic(1));
}

#[tokio::test(start_paused = true)]
async fn a_packet_that_is_taken_is_not_taken_again_for_a_message() {
    let hub = Hub::new();
    put(&hub, 1);
    hub.core.state().mail[0].packet = NonZeroU16::new(1);
    hub.core.state().mail[0].again = true;
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&client::subscribe(1, &[(DESIRED, 1)])).await;
    device.receive().await;
    hub.links.desired(&link("d1"), 2, Bytes::new());
    assert_eq!(device.published().await.1, Some(1));
    device.send(&client::subscribe(2, &[(MAIL, 1)])).await;
    device.receive().await;
    let packet = device.receive().await;
    assert_eq!((packet.first, Packet { first: 0x32, ..packet }.published().1), (0x3A, Some(2)));
}
