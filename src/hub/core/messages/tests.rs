//! Queues over a real store.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    super::tests::{Hub, id},
    *,
};
use crate::{hub::ports::DeviceService, iothub::IfMatch, task::Stop};

fn message(text: &'static str) -> Message {
    Message { payload: Bytes::from_static(text.as_bytes()), ..Message::default() }
}

fn code(failure: Failure) -> u32 {
    failure.code.number()
}

impl Hub {
    async fn next(&self, after: u64) -> Option<Delivery> {
        self.core.next_message(&device_link(&id("d1")), after, NonZeroU16::new(7)).await.unwrap()
    }

    async fn count(&self) -> u32 {
        let identity = self.core.identity(&id("d1")).await.unwrap();
        let (twin, _) = self.core.twin(&device_link(&id("d1"))).await.unwrap();
        let twin: Value = serde_json::from_str(&twin).unwrap();
        let query = "SELECT cloudToDeviceMessageCount FROM devices WHERE deviceId = 'd1'";
        let page = self.core.query(query, 1, None).await.unwrap();
        let found: Value = serde_json::from_str(&page.body).unwrap();
        let count = identity.cloud_to_device_message_count;
        let listed = self.core.identities(1).await.unwrap();
        assert_eq!(
            (&twin["cloudToDeviceMessageCount"], listed[0].cloud_to_device_message_count),
            (&json!(count), count)
        );
        assert_eq!(found, json!([{ "cloudToDeviceMessageCount": count }]));
        count
    }

    async fn documents(&self) -> usize {
        let all = async |kind| self.core.store.documents(kind, "", None, 100).await.unwrap().len();
        all(Kind::Queue).await + all(Kind::Message).await + all(Kind::Expiry).await
    }
}

#[tokio::test]
async fn messages_wait_in_their_order_until_the_device_has_them() {
    let hub = Hub::with(&["d1", "d2"]).await;
    for text in ["a", "b"] {
        hub.core.send_message(&id("d1"), message(text)).await.unwrap();
    }
    assert_eq!(hub.core.links.take(), ["mail d1", "mail d1"]);
    assert_eq!(hub.count().await, 2);
    let first = hub.next(0).await.unwrap();
    assert_eq!((&*first.payload, first.again, first.packet), (b"a".as_slice(), false, NonZeroU16::new(7)));
    assert_eq!(first.properties.get("$.to"), Some("/devices/d1/messages/devicebound"));
    let second = hub.next(first.sequence).await.unwrap();
    assert_eq!((&*second.payload, hub.next(second.sequence).await), (b"b".as_slice(), None));
    hub.core.complete(&id("d1"), first.sequence).await.unwrap();
    let again = hub.next(0).await.unwrap();
    assert_eq!((again.sequence, again.again), (second.sequence, true));
    hub.core.complete(&id("d1"), second.sequence).await.unwrap();
    assert_eq!((hub.count().await, hub.documents().await), (0, 0));
}

#[tokio::test]
async fn messages_survive_a_restart_but_not_their_device() {
    let hub = Hub::with(&["d1"]).await;
    hub.core.send_message(&id("d1"), message("a")).await.unwrap();
    let Hub { core, folder } = hub;
    drop(core);
    let hub = Hub { core: super::super::tests::open(&folder), folder };
    assert_eq!(hub.count().await, 1);
    hub.core.delete_identity(&id("d1"), Some(&IfMatch::Any)).await.unwrap();
    assert_eq!(hub.documents().await, 1, "that it would have ended some day");
    hub.core.expire_due(time::now() + LONGEST, &Stop::new()).await.unwrap();
    assert_eq!(hub.documents().await, 0);
    assert_eq!(hub.core.send_message(&id("d1"), message("a")).await.map_err(code), Err(404_001));
}

#[tokio::test]
async fn the_fifty_first_message_and_one_that_is_too_long_are_refused() {
    let hub = Hub::with(&["d1"]).await;
    let long = Message { payload: vec![0; 1 << 16].into(), ..Message::default() };
    assert_eq!(hub.core.send_message(&id("d1"), long).await.map_err(code), Err(413_001));
    let late = Message { expires: Some(time::now() + Duration::from_hours(49)), ..Message::default() };
    assert_eq!(hub.core.send_message(&id("d1"), late).await.map_err(code), Err(400_004));
    let mut last = 0;
    for _ in 0..50 {
        let sent = hub.core.send_message(&id("d1"), message("x")).await.unwrap();
        assert!(sent.sequence > last);
        last = sent.sequence;
    }
    assert_eq!(hub.core.send_message(&id("d1"), message("x")).await.map_err(code), Err(403_004));
    assert_eq!(hub.core.purge_messages(&id("d1")).await, Ok(50));
    assert_eq!((hub.count().await, hub.documents().await), (0, 0));
    assert_eq!(hub.core.purge_messages(&id("d2")).await.map_err(code), Err(404_001));
}

#[tokio::test]
async fn a_message_that_has_expired_counts_no_more_although_nobody_looked_for_it() {
    let hub = Hub::with(&["d1"]).await;
    hub.core.send_message(&id("d1"), message("a")).await.unwrap();
    let mut record = hub.core.store.get(&device_link(&id("d1"))).await.unwrap().unwrap();
    record.session.waiting = Waiting::from_iter([millis(time::now()) + 60_000, millis(time::now()) - 1]);
    assert_eq!(hub.core.presence.of(&record).messages, 1);
}

#[tokio::test]
async fn a_lock_is_for_one_holder_and_is_lost_when_it_is_settled() {
    let hub = Hub::with(&["d1"]).await;
    let device = id("d1");
    hub.core.send_message(&device, message("a")).await.unwrap();
    let held = hub.core.receive_message(&device).await.unwrap().unwrap();
    assert_eq!(hub.core.receive_message(&device).await.unwrap(), None);
    assert_eq!(hub.core.settle_message(&device, "other", Settlement::Complete).await.map_err(code), Err(412_002));
    hub.core.settle_message(&device, &held.token, Settlement::Abandon).await.unwrap();
    assert_eq!(hub.core.settle_message(&device, &held.token, Settlement::Complete).await.map_err(code), Err(412_002));
    let held = hub.core.receive_message(&device).await.unwrap().unwrap();
    assert_eq!((held.deliveries, &*held.payload), (2, b"a".as_slice()));
    hub.core.settle_message(&device, &held.token, Settlement::Complete).await.unwrap();
    assert_eq!(hub.count().await, 0);
}

#[tokio::test]
async fn a_sender_hears_of_the_ends_it_asked_for() {
    let hub = Hub::with(&["d1"]).await;
    let device = id("d1");
    let send = async |ack, name: &str| {
        let properties = Properties::from_iter([("$.mid", name)]);
        let message = Message { properties, ack, ..Message::default() };
        hub.core.send_message(&device, message).await.unwrap().sequence
    };
    assert_eq!(hub.core.receive_feedback().await.unwrap(), None);
    for (ack, name) in [(Ack::None, "n"), (Ack::Positive, "p"), (Ack::Negative, "m")] {
        let sequence = send(ack, name).await;
        hub.core.complete(&device, sequence).await.unwrap();
    }
    send(Ack::Full, "f").await;
    let held = hub.core.receive_message(&device).await.unwrap().unwrap();
    hub.core.settle_message(&device, &held.token, Settlement::Reject).await.unwrap();
    send(Ack::Positive, "q").await;
    hub.core.purge_messages(&device).await.unwrap();
    let mut heard = Vec::new();
    while let Some(feedback) = hub.core.receive_feedback().await.unwrap() {
        let records: Vec<Value> = serde_json::from_slice(&feedback.payload).unwrap();
        heard.push(format!("{} {}", records[0]["originalMessageId"], records[0]["statusCode"]));
        assert_eq!(records[0]["deviceId"], json!("d1"));
        hub.core.settle_feedback(&feedback.token, Settlement::Complete).await.unwrap();
    }
    assert_eq!(heard, [r#""p" "Success""#, r#""f" "Rejected""#]);
    assert_eq!(hub.documents().await, 0);
}

#[tokio::test]
async fn a_message_that_nobody_fetches_goes_when_it_ends_and_no_other_one() {
    let hub = Hub::with(&["d1", "d2"]).await;
    let now = time::now();
    let send = async |device: &str, minutes, ack| {
        let expires = Some(now + Duration::from_mins(minutes));
        let message =
            Message { properties: Properties::from_iter([("$.mid", device)]), ack, expires, ..Message::default() };
        hub.core.send_message(&id(device), message).await.unwrap();
    };
    for count in 0..40 {
        send("d1", 1 + count % 2, Ack::None).await;
        send("d2", 1 + 2 * (count % 2), Ack::None).await;
    }
    send("d2", 1, Ack::Full).await;
    let expire = async |minutes| {
        hub.core.expire_due(now + Duration::from_mins(minutes), &Stop::new()).await.unwrap();
        let queue = async |device: &str| hub.core.store.document(Kind::Queue, &head_id(device)).await.unwrap();
        let count = async |device| queue(device).await.map_or(0, |head| Queue::read(&head.body).unwrap().waiting(0));
        (count("d1").await, count("d2").await)
    };
    assert_eq!(expire(0).await, (40, 41));
    assert_eq!(expire(1).await, (20, 20));
    assert_eq!(expire(2).await, (0, 20));
    assert_eq!(expire(3).await, (0, 0));
    let feedback = hub.core.receive_feedback().await.unwrap().unwrap();
    let records: Value = serde_json::from_slice(&feedback.payload).unwrap();
    assert_eq!((&records[0]["originalMessageId"], &records[0]["statusCode"]), (&json!("d2"), &json!("Expired")));
    expire(120).await;
    assert_eq!(hub.documents().await, 0, "feedback ends as well");
}

#[tokio::test(start_paused = true)]
async fn messages_end_without_anybody_touching_them() {
    let hub = Hub::with(&["d1"]).await;
    let expires = Some(time::now() + Duration::from_millis(20));
    hub.core.send_message(&id("d1"), Message { expires, ack: Ack::Negative, ..Message::default() }).await.unwrap();
    let stop = Stop::new();
    let heard = async {
        while hub.core.receive_feedback().await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        stop.request();
    };
    tokio::join!(hub.core.expire_messages(&stop), heard);
}
