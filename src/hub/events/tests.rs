//! What leaves, and what does not hold anybody up.

use std::{
    io::{self, Write},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{iothub::DeviceIdentity, twin::DeviceId};

/// Remembers all that was written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Lets one write through for each word that it is sent; an empty one makes the write fail. With nobody left to send,
/// all writes go through.
struct Gate(Receiver<&'static str>, Kept);

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.recv() == Ok("") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn outlet(writer: impl Write + Send + 'static, kinds: &[EventKind]) -> (Outlet, Arc<Meter>) {
    let meter = Meter::new();
    let events = Events { target: EventTarget::Writer(EventWriter::new(writer)), kinds: kinds.to_vec() };
    (Outlet::open(&events, "hub", Arc::clone(&meter)).unwrap(), meter)
}

fn gate() -> (Sender<&'static str>, Gate, Kept) {
    let (open, gate) = channel();
    let kept = Kept::default();
    (open, Gate(gate, kept.clone()), kept)
}

fn link() -> LinkId {
    LinkId { device: DeviceId::new("d1").unwrap(), module: Some("m".into()) }
}

fn record() -> Record {
    Record::fresh(link(), &DeviceIdentity { device_id: "d1".to_owned(), ..DeviceIdentity::default() }, 7, "T").unwrap()
}

async fn message(properties: &str, payload: &'static [u8]) -> Value {
    let kept = Kept::default();
    let (outlet, _) = outlet(kept.clone(), &EventKind::ALL);
    outlet.telemetry(&link(), properties, Bytes::from_static(payload)).await.unwrap();
    kept.lines().remove(0)
}

#[tokio::test]
async fn a_message_has_its_properties_decoded_and_its_body_as_json() {
    let bag = "%24.ct=application%2Fjson&%24.ce=utf-8&%24.mid=7&k%20v=a%2Bb%2Fc&empty=&null/";
    let line = message(bag, b"{\"t\":\n 21.0}").await;
    assert_eq!(line["properties"], json!({"k v": "a+b/c", "empty": "", "null": null}));
    assert_eq!(line["body"].to_string(), r#"{"t":21.0}"#);
    let system = &line["systemProperties"];
    assert_eq!((&system["message-id"], &system["content-type"]), (&json!("7"), &json!("application/json")));
    let from = (&system["iothub-connection-device-id"], &system["iothub-connection-module-id"]);
    assert_eq!(from, (&json!("d1"), &json!("m")));
    assert_eq!(system["iothub-message-source"], json!("Telemetry"));
    assert!(system["iothub-enqueuedtime"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_body_that_is_no_json_or_does_not_say_so_is_base64() {
    for (properties, payload) in
        [("", b"{}".as_slice()), ("%24.ct=application%2Fjson", b"{"), ("%24.ct=text%2Fplain", b"\xff")]
    {
        let line = message(properties, payload).await;
        assert!(line.get("body").is_none() && line["bodyBase64"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_device_cannot_pretend_to_be_another_one() {
    let line =
        message("iothub-connection-device-id=d2&IoTHub-Connection-Module-Id=x&iothub-message-source=y", b"").await;
    assert_eq!(line["systemProperties"]["iothub-connection-device-id"], json!("d1"));
    assert_eq!(line["systemProperties"]["iothub-message-source"], json!("Telemetry"));
    assert_eq!((&line["properties"], line.to_string().contains("d2")), (&json!({}), false));
}

#[tokio::test]
async fn a_message_is_accepted_only_when_the_sink_has_it() {
    let (open, gate, kept) = gate();
    let (outlet, meter) = outlet(gate, &EventKind::ALL);
    let waiting = tokio::spawn({
        let outlet = outlet.clone();
        async move { outlet.telemetry(&link(), "", Bytes::new()).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished() && kept.lines().is_empty());
    open.send("go").unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(kept.lines().len(), 1);
    open.send("").unwrap();
    let refused = outlet.telemetry(&link(), "", Bytes::new()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::ServiceUnavailable);
    open.send("go").unwrap();
    assert_eq!(outlet.telemetry(&link(), "", Bytes::new()).await, Ok(()), "the sink is well again");
    assert!(meter.text().contains(r#"twinops_hub_events_total{source="Telemetry"} 2"#), "{}", meter.text());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_a_stuck_sink_does_not_take_is_not_accepted() {
    let (open, gate, _) = gate();
    let (outlet, _) = outlet(gate, &EventKind::ALL);
    let refused = outlet.telemetry(&link(), "", Bytes::new()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::ServiceUnavailable);
    // What is left of it must not hold up the end of the test.
    drop(open);
}

#[test]
fn events_that_find_the_queue_full_are_dropped_and_counted() {
    let (open, gate, kept) = gate();
    let (outlet, meter) = outlet(gate, &EventKind::ALL);
    let (before, mut after) = (outlet.before(&record()), record());
    let big: Map = [("tag".to_owned(), Value::from("x".repeat(1 << 20)))].into_iter().collect();
    after.tags = Some(Value::Object(big).to_string().into());
    for _ in 0..40 {
        outlet.twin_written(TwinOperation::Update, &before, &after);
    }
    let text = meter.text();
    let dropped = text
        .lines()
        .find_map(|line| line.strip_prefix(r#"twinops_hub_events_dropped_total{source="twinChangeEvents"} "#));
    let dropped: usize = dropped.unwrap().parse().unwrap();
    assert!((20..40).contains(&dropped), "{dropped}");
    drop(open);
    drop(outlet);
    assert_eq!(kept.lines().len(), 40 - dropped, "whatever was not dropped arrives, also at the end");
}

#[test]
fn a_write_tells_what_it_changed_and_a_replacement_everything() {
    let kept = Kept::default();
    let (outlet, _) = outlet(kept.clone(), &[EventKind::TwinChanges]);
    let mut after = record();
    after.tags = Some(r#"{"site":"oslo"}"#.into());
    after.version = 3;
    let before = outlet.before(&record());
    outlet.twin_written(TwinOperation::Update, &before, &after);
    outlet.twin_written(TwinOperation::Replace, &before, &after);
    let patch: Map = [("fw".to_owned(), Value::from(1))].into_iter().collect();
    outlet.reported(&patch, &after);
    outlet.lifecycle(Lifecycle::Created, &after);
    drop(outlet);
    let lines = kept.lines();
    let words: Vec<_> = lines.iter().map(|line| line["properties"]["opType"].as_str().unwrap()).collect();
    assert_eq!(words, ["updateTwin", "replaceTwin", "updateTwin"], "nobody asked for identities");
    assert_eq!(lines[0]["body"], json!({"version": 3, "tags": {"site": "oslo"}}));
    let desired = json!({"$metadata": {"$lastUpdated": "T"}, "$version": 1});
    assert_eq!(lines[1]["body"]["properties"], json!({"desired": desired, "reported": desired}));
    assert_eq!(lines[2]["body"]["properties"]["reported"]["fw"], json!(1));
    let properties = &lines[0]["properties"];
    assert_eq!((&properties["hubName"], &properties["moduleId"]), (&json!("hub"), &json!("m")));
    assert_eq!(properties["iothub-message-schema"], json!("twinChangeNotification"));
}

#[test]
fn sequence_numbers_of_connections_grow_as_text() {
    let kept = Kept::default();
    let (outlet, _) = outlet(kept.clone(), &EventKind::ALL);
    for is_connected in [true, false, true, false] {
        outlet.connection(&link(), is_connected);
    }
    drop(outlet);
    let numbers: Vec<_> =
        kept.lines().iter().map(|line| line["body"]["sequenceNumber"].as_str().unwrap().to_owned()).collect();
    assert!(numbers.len() == 4 && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(kept.lines()[1]["properties"]["opType"], json!("moduleDisconnected"));
}

proptest! {
    #[test]
    fn whatever_a_device_sends_is_one_line_of_json(properties in ".*", payload in proptest::collection::vec(any::<u8>(), 0..64)) {
        for bag in [properties.clone(), format!("%24.ct=application%2Fjson&{properties}")] {
            if let Some(line) = telemetry::line(&link(), &bag, &payload) {
                prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
                let parsed: Value = serde_json::from_slice(&line).unwrap();
                prop_assert_eq!(&parsed["systemProperties"]["iothub-connection-device-id"], "d1");
            }
        }
    }
}
