//! What holds whatever devices send and however their links race.

use proptest::{collection::vec, prelude::*};
use tokio::runtime::Builder;

use super::*;
use crate::hub::ports::Links as _;

/// Good packets, and bytes that are none.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let good = prop::sample::select(vec![
        client::PINGREQ.to_vec(),
        client::puback(1),
        client::subscribe(2, &[(RESPONSES, 1), (METHODS, 0)]),
        client::unsubscribe(3, &[METHODS]),
        client::publish("$iothub/twin/GET/?$rid=1", Some(4), false, b" "),
        client::publish("$iothub/twin/PATCH/properties/reported/?$rid=2", None, false, b"{}"),
        client::publish("$iothub/methods/res/200/?$rid=3", Some(5), false, b""),
        client::publish("devices/d1/messages/events/", None, true, b"x"),
    ]);
    prop_oneof![8 => good, 1 => vec(any::<u8>(), 0..20)]
}

proptest! {
    #[test]
    fn nothing_a_device_sends_breaks_its_link(packets in vec(anything(), 0..40), buffer in 1..200_usize) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let hub = Hub::new();
            let device = hub.open_with(None, buffer);
            let (mut far, mut near) = tokio::io::split(device.stream);
            let say = async {
                // The hub may close at any of them.
                let _ = near.write_all(&[ConnectPacket::of("d1").bytes(), packets.concat()].concat()).await;
                let _ = near.shutdown().await;
            };
            let hear = async {
                let mut heard = Vec::new();
                let _ = far.read_to_end(&mut heard).await;
            };
            tokio::join!(say, hear);
            device.task.await.expect("the link ended without a panic");
            assert_eq!(hub.links.connected(), 0);
            assert_eq!(hub.core.log().last().map(String::as_str), Some("disconnected d1"));
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_links_race_the_core_ends_up_knowing_whether_the_device_is_there() {
    let hub = Arc::new(Hub::new());
    for _ in 0..20 {
        let racing = (0..16).map(|_| {
            let hub = Arc::clone(&hub);
            tokio::spawn(async move {
                let mut device = hub.open();
                device.send(&ConnectPacket::of("d1").bytes()).await;
                device.receive().await;
                drop(device.stream);
                device.task.await.unwrap();
            })
        });
        for racer in racing.collect::<Vec<_>>() {
            racer.await.unwrap();
        }
        assert_eq!(hub.core.log().last().map(String::as_str), Some("disconnected d1"));
        assert_eq!(hub.links.connected(), 0);
        let mut last = hub.connect(&ConnectPacket::of("d1")).await;
        last.hears_nothing().await;
        assert!(hub.core.log().last().is_some_and(|line| line.starts_with("connect d1")));
        assert_eq!(hub.links.connected(), 1);
        drop(last.stream);
        last.task.await.unwrap();
    }
}
