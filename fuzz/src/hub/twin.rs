//! Writes of one twin by service and device: a refused one changes nothing, an accepted one fits, and a device that
//! merges what it is told has what the hub has.

use serde_json::Value;

use super::{
    ports::LinkId,
    record::{
        DigitalPatch, Half, Mode, Presence, Record, TwinWrite, device_view, digital_view, parse_report, twin_view,
    },
};
use crate::{
    iothub::DeviceIdentity,
    twin::{DeviceId, Map, Section, Twin, TwinRow, limits, merge, same},
};

/// What parts one write from the next; no JSON has it.
const BETWEEN: u8 = 0;

/// The input is bodies of writes; the first byte of each says whose it is.
pub fn twin(input: &[u8]) {
    let link = LinkId { device: DeviceId::new("d1").expect("a name"), module: None };
    let identity = DeviceIdentity { device_id: "d1".to_owned(), ..DeviceIdentity::default() };
    let mut record = Record::fresh(link, &identity, 7, "T").expect("an identity");
    let mut device = Map::new();
    for step in input.split(|byte| *byte == BETWEEN) {
        let Some((&kind, body)) = step.split_first() else { continue };
        let before = record.clone();
        let done = match kind % 4 {
            0 => service(&mut record, body, Mode::Merge),
            1 => service(&mut record, body, Mode::Replace),
            2 => report(&mut record, body),
            _ => digital(&mut record, body),
        };
        match done {
            None => assert_eq!(record, before, "a refused write changes nothing"),
            Some(told) => {
                told.iter().for_each(|patch| merge(&mut device, patch));
                assert!(record.version - before.version <= 1 && record.etag - before.etag <= 1);
            }
        }
        is_fit(&record);
        assert_eq!(device, values(&record.desired), "the device has what the hub has");
    }
    is_shown(&record);
}

/// What the device is told, if the write is not refused.
fn service(record: &mut Record, body: &[u8], mode: Mode) -> Option<Option<Map>> {
    let write = TwinWrite::parse(body, mode).ok()?;
    apply(record, &write)
}

fn apply(record: &mut Record, write: &TwinWrite) -> Option<Option<Map>> {
    let told = write.apply(record, "U").ok()?;
    let mut again = record.clone();
    write.apply(&mut again, "V").expect("what was taken once is taken twice");
    assert_eq!((&again.tags, &again.desired.values), (&record.tags, &record.desired.values), "merging is idempotent");
    Some(told.map(|text| {
        let mut patch: Map = serde_json::from_slice(&text).expect("an object");
        assert_eq!(patch.remove("$version"), Some(record.desired.version.into()));
        patch
    }))
}

fn report(record: &mut Record, body: &[u8]) -> Option<Option<Map>> {
    let patch = parse_report(body).ok()?;
    let version = record.reported.version;
    assert!(record.clone().report(&patch, Some(version + 1), "U").is_err(), "another version is refused");
    record.report(&patch, Some(version), "U").ok()?;
    let once = record.reported.values.clone();
    let mut again = record.clone();
    again.report(&patch, None, "V").expect("what was taken once is taken twice");
    assert_eq!(again.reported.values, once, "merging is idempotent");
    Some(None)
}

fn digital(record: &mut Record, body: &[u8]) -> Option<Option<Map>> {
    let write = DigitalPatch::parse(body).ok()?.write(record).ok()?;
    apply(record, &write)
}

fn values(half: &Half) -> Map {
    serde_json::from_str(&half.values).expect("a section is an object")
}

/// What is kept, a hub may keep, and its metadata has its shape.
fn is_fit(record: &Record) {
    let tags = record.tags.as_deref().map_or_else(Map::new, |tags| serde_json::from_str(tags).expect("an object"));
    is_within_limits(Section::Tags, &tags);
    for (section, half) in [(Section::Desired, &record.desired), (Section::Reported, &record.reported)] {
        let values = values(half);
        is_within_limits(section, &values);
        let metadata: Value = serde_json::from_str(&half.metadata).expect("metadata");
        assert_eq!(shape(&Value::Object(values)), shape(&metadata));
    }
}

pub(super) fn is_within_limits(section: Section, values: &Map) {
    let found = limits::check(section, values);
    assert!(found.is_empty() && limits::size(values) <= section.capacity(), "{found:?}");
}

/// Objects and their keys; the hub's own members are none.
fn shape(values: &Value) -> Value {
    let members = values.as_object().into_iter().flatten().filter(|(key, _)| !key.starts_with('$'));
    Value::Object(members.map(|(key, below)| (key.clone(), shape(below))).collect())
}

/// Every view of the twin can be read, and says the same.
fn is_shown(record: &Record) {
    let text = twin_view(record, &Presence::default()).expect("a view");
    let twin: Twin = serde_json::from_str(&text).expect("a twin");
    let row = TwinRow::parse(&text).and_then(|row| row.to_twin()).expect("a twin");
    assert_eq!(Twin { version: 0, ..twin.clone() }, row);
    assert_eq!(twin.properties.desired.values, values(&record.desired));
    let device: Value = serde_json::from_slice(&device_view(record)).expect("a view");
    let mut reported = values(&record.reported);
    reported.insert("$version".to_owned(), record.reported.version.into());
    assert!(same(&device["reported"], &Value::Object(reported)));
    digital_view(record).expect("a view");
}
