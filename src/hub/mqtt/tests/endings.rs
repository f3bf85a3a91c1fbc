//! How links end.

use std::time::SystemTime;

use bytes::Bytes;
use tokio::time::Instant;

use super::*;
use crate::hub::{
    mqtt::{connection::Connection, mailbox::Mailbox},
    ports::{Links as _, PeerCertificates},
};

fn with_will(name: &str) -> ConnectPacket {
    let will = Some((format!("devices/{name}/messages/events/a=b"), b"dead".to_vec()));
    ConnectPacket { will, ..ConnectPacket::of(name) }
}

const WILL: &str = "telemetry d1 a=b&iothub-MessageType=Will dead";

#[tokio::test(start_paused = true)]
async fn silence_is_borne_for_one_and_a_half_times_the_keep_alive() {
    for (keep_alive, most) in [(60, 90), (1177, 1765), (2000, 1767), (0, 1767)] {
        let hub = Hub::new();
        let mut device = hub.connect(&ConnectPacket { keep_alive, ..ConnectPacket::of("d1") }).await;
        let start = Instant::now();
        device.closed().await;
        assert_eq!(start.elapsed().as_secs(), most);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_and_keeps_the_link() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    let start = Instant::now();
    for _ in 0..10 {
        tokio::time::advance(seconds(80)).await;
        device.hears_nothing().await;
    }
    device.closed().await;
    assert_eq!(start.elapsed(), seconds(890));
}

#[tokio::test(start_paused = true)]
async fn a_link_ends_with_its_token() {
    let hub = Hub::new();
    hub.core.state().expires = Some(SystemTime::now() + seconds(30));
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    let start = Instant::now();
    device.closed().await;
    assert!((seconds(25)..=seconds(30)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_takes_over_and_the_core_sees_no_gap() {
    let hub = Hub::new();
    let mut first = hub.subscribed("d1", &[DESIRED], 0).await;
    let mut second = hub.subscribed("d1", &[DESIRED], 0).await;
    assert_eq!(first.closed().await, *b"");
    hub.links.desired(&link("d1"), 2, Bytes::new());
    assert_eq!(second.message().await.0, "$iothub/twin/PATCH/properties/desired/?$version=2");
    assert_eq!(hub.links.connected(), 1);
    assert!(!hub.core.log().contains(&"disconnected d1".to_owned()));
    second.send(&client::DISCONNECT).await;
    second.closed().await;
    assert_eq!(hub.core.log().last().unwrap(), "disconnected d1");
}

#[tokio::test(start_paused = true)]
async fn a_module_does_not_take_over_from_its_device() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    let mut module = hub.connect(&ConnectPacket::of("d1/m")).await;
    device.hears_nothing().await;
    module.hears_nothing().await;
    assert_eq!(hub.links.connected(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_hub_cuts_a_link() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.links.cut(&link("d2"));
    device.hears_nothing().await;
    hub.links.cut(&link("d1"));
    assert_eq!(device.closed().await, *b"");
    assert_eq!(hub.core.log().last().unwrap(), "disconnected d1");
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_takes_the_will_with_it() {
    let hub = Hub::new();
    let mut device = hub.connect(&with_will("d1")).await;
    device.send(&client::DISCONNECT).await;
    device.closed().await;
    assert!(!hub.core.log().contains(&WILL.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn any_other_end_delivers_the_will() {
    for end in ["gone", "silent", "taken over", "forbidden"] {
        let hub = Hub::new();
        let mut device = hub.connect(&with_will("d1")).await;
        match end {
            "gone" => device.stream = duplex(1).0,
            "silent" => {}
            "taken over" => drop(hub.connect(&ConnectPacket::of("d1")).await),
            _ => device.publish("a/b", "").await,
        }
        hub.core.asked(WILL).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_goodbye_is_done() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.core.hold();
    let patch = client::publish("$iothub/twin/PATCH/properties/reported/?$rid=1", None, false, b"{}");
    device.send(&[patch.as_slice(), &patch, &client::DISCONNECT].concat()).await;
    drop(device.stream);
    tokio::time::advance(seconds(1)).await;
    hub.core.release();
    device.task.await.unwrap();
    assert_eq!(hub.core.log()[1..], ["patch d1 {} None", "patch d1 {} None", "disconnected d1"]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_right_after_a_goodbye_is_not_thought_lost() {
    let hub = Hub::new();
    let mut device = hub.connect(&with_will("d1")).await;
    hub.core.hold();
    device.publish("devices/d1/messages/events/", "x").await;
    device.send(&client::DISCONNECT).await;
    tokio::time::advance(seconds(1)).await;
    let _again = hub.connect(&ConnectPacket::of("d1")).await;
    device.closed().await;
    hub.core.release();
    assert_eq!(hub.core.log().len(), 2, "{:?}", hub.core.log());
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_goodbye_is_not_looked_at() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    device.send(&[client::DISCONNECT, client::PINGREQ].concat()).await;
    assert_eq!(device.closed().await, *b"");
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_was_received_and_no_will_is_delivered() {
    let hub = Hub::new();
    let mut device = hub.connect(&with_will("d1")).await;
    let mut unknown = hub.open();
    hub.core.hold();
    device.send(&client::publish("devices/d1/messages/events/", Some(1), false, b"x")).await;
    device.hears_nothing().await;
    hub.stop.request();
    assert_eq!(unknown.closed().await, *b"");
    hub.core.release();
    assert_eq!(device.closed().await, b"\x40\x02\0\x01");
    assert_eq!(hub.core.log()[1..], ["telemetry d1  x", "disconnected d1"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever() {
    let hub = Hub::new();
    let mut device = hub.connect(&ConnectPacket::of("d1")).await;
    hub.core.hold();
    device.publish("devices/d1/messages/events/", "x").await;
    device.hears_nothing().await;
    let start = Instant::now();
    hub.stop.request();
    device.closed().await;
    assert_eq!(start.elapsed(), Limits::default().drain);
}

#[tokio::test(start_paused = true)]
async fn few_links_end_at_once_and_many_one_after_the_other() {
    for (links, least, most) in [(20, 0, 0), (3100, 2, 3), (20_000, 4, 5)] {
        let hub = Hub::with(Limits { spread: seconds(5), ..Limits::default() });
        let mut devices = tokio::task::JoinSet::new();
        for number in 0..links {
            let mut device = hub.open_with(None, 256);
            device.send(&ConnectPacket { keep_alive: 0, ..ConnectPacket::of(&format!("d{number}")) }.bytes()).await;
            assert_eq!(device.receive().await, Packet::of(0x20, b"\0\0"));
            devices.spawn(async move {
                device.closed().await;
                Instant::now()
            });
        }
        let start = Instant::now();
        hub.stop.request();
        let mut ends = devices.join_all().await;
        ends.sort_unstable();
        let half = ends[ends.len() / 2] - start;
        let last = ends[ends.len() - 1] - start;
        assert!((seconds(least)..=seconds(most)).contains(&last), "{last:?} for {links}");
        assert!(half >= last / 3 && half <= last * 2 / 3, "{half:?} of {last:?} for {links}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_waits_for_its_end_is_served_until_then() {
    let hub = Hub::with(Limits { spread: seconds(3600), ..Limits::default() });
    let mut devices = Vec::new();
    for number in 0..200 {
        devices.push(hub.subscribed(&format!("d{number}"), &[RESPONSES], 0).await);
    }
    hub.stop.request();
    tokio::task::yield_now().await;
    let mut served = 0;
    for device in &mut devices {
        let request = client::publish("$iothub/twin/GET/?$rid=1", None, false, b" ");
        // Some have ended by now: the first of them do at once.
        if device.stream.write_all(&request).await.is_ok() && device.stream.read_u8().await.is_ok() {
            served += 1;
        }
    }
    assert!(served > 150, "{served}");
    for device in devices {
        device.task.await.unwrap();
    }
}

/// A subscribed device whose stream holds next to nothing.
async fn narrow(hub: &Hub) -> Device {
    let mut device = hub.open_with(None, 64);
    device.send(&ConnectPacket::of("d1").bytes()).await;
    device.receive().await;
    device.send(&client::subscribe(1, &[(DESIRED, 0), (RESPONSES, 0)])).await;
    device.receive().await;
    device
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_read_is_cut_when_too_much_waits() {
    let hub = Hub::new();
    let device = narrow(&hub).await;
    let patch = Bytes::from(vec![b' '; 1 << 16]);
    for version in 1..1000 {
        hub.links.desired(&link("d1"), version, patch.clone());
        tokio::task::yield_now().await;
    }
    device.task.await.unwrap();
    assert_eq!(hub.links.connected(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_read_is_cut_in_time() {
    let hub = Hub::new();
    let device = narrow(&hub).await;
    let start = Instant::now();
    hub.links.desired(&link("d1"), 2, Bytes::from(vec![b' '; 100]));
    device.task.await.unwrap();
    assert_eq!(start.elapsed(), Limits::default().stall);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_reads_slowly_is_borne() {
    let hub = Hub::new();
    let mut device = narrow(&hub).await;
    for version in 2..6 {
        hub.links.desired(&link("d1"), version, Bytes::from(vec![b' '; 100]));
    }
    for version in 2..6 {
        tokio::time::advance(seconds(50)).await;
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        assert_eq!(device.message().await.0, topic);
        device.send(&client::PINGREQ).await;
    }
}

#[tokio::test]
async fn an_idle_link_is_small() {
    let hub = Hub::new();
    let (stream, _far) = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, far)
    };
    let task = Arc::clone(&hub.server).serve_link(stream, PeerCertificates::default(), PEER, hub.stop.clone());
    let parts = [
        size_of_val(&task),
        size_of::<Connection<tokio::net::TcpStream, Core>>(),
        size_of::<tokio::time::Sleep>(),
        size_of::<Mailbox>(),
    ];
    assert!(parts.iter().sum::<usize>() <= 1500, "{parts:?} bytes");
}
