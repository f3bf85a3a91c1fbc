//! What a write changed in a twin, and how it is told (protocol reference 10).

use serde_json::{Value, json};

use crate::{
    hub::record::{Half, Record},
    twin::Map,
};

/// What is remembered of a twin before a write: nothing where nobody asks for it.
#[derive(Debug)]
pub(crate) struct Before(Option<Sections>);

#[derive(Debug)]
struct Sections {
    tags: Option<Box<str>>,
    desired: Half,
}

impl Before {
    pub(super) fn of(record: Option<&Record>) -> Self {
        Self(record.map(|record| Sections { tags: record.tags.clone(), desired: record.desired.clone() }))
    }
}

/// The sections that a write of the service changed, with what changed in them. Nothing if it cannot be told.
pub(super) fn delta(before: &Before, record: &Record) -> Option<String> {
    let old = before.0.as_ref()?;
    let mut body = Map::new();
    body.insert("version".into(), record.version.into());
    if old.tags != record.tags {
        let tags = |text: Option<&str>| text.map_or(Ok(Map::new()), serde_json::from_str).ok();
        let changed = difference(&tags(old.tags.as_deref())?, &tags(record.tags.as_deref())?);
        body.insert("tags".into(), Value::Object(changed));
    }
    if old.desired.version != record.desired.version {
        let changed = difference(&map(&old.desired.values)?, &map(&record.desired.values)?);
        body.insert("properties".into(), json!({ "desired": stamped(changed, &record.desired)? }));
    }
    Some(Value::Object(body).to_string())
}

/// The whole twin after a replacement.
pub(super) fn whole(record: &Record) -> String {
    let mut body = format!("{{\"version\":{},\"tags\":{}", record.version, record.tags.as_deref().unwrap_or("{}"));
    body.push_str(",\"properties\":{\"desired\":");
    record.desired.write(&mut body, true);
    body.push_str(",\"reported\":");
    record.reported.write(&mut body, true);
    body.push_str("}}");
    body
}

/// What a device reported. Nothing if it cannot be told.
pub(super) fn reported(patch: &Map, record: &Record) -> Option<String> {
    let reported = stamped(patch.clone(), &record.reported)?;
    Some(json!({ "version": record.version, "properties": { "reported": reported } }).to_string())
}

fn map(text: &str) -> Option<Map> {
    serde_json::from_str(text).ok()
}

/// What has to be merged into `old` to make `new` of it.
fn difference(old: &Map, new: &Map) -> Map {
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter_map(|(key, value)| match (old.get(key), value) {
        (Some(before), now) if before == now => None,
        (Some(Value::Object(before)), Value::Object(now)) => {
            Some((key.clone(), Value::Object(difference(before, now))))
        }
        _ => Some((key.clone(), value.clone())),
    });
    gone.chain(changed).collect()
}

/// The changed part of a half with the part of its metadata that belongs to it, and its version.
fn stamped(mut changed: Map, half: &Half) -> Option<Value> {
    let metadata = stamps(&map(&half.metadata)?, &changed);
    changed.insert("$metadata".into(), Value::Object(metadata));
    changed.insert("$version".into(), half.version.into());
    Some(Value::Object(changed))
}

/// The hub's members of a node of the metadata, and the same for every member that changed.
fn stamps(metadata: &Map, changed: &Map) -> Map {
    let kept = metadata.iter().filter_map(|(key, value)| match (value, changed.get(key)) {
        _ if key.starts_with('$') => Some((key.clone(), value.clone())),
        (Value::Object(below), Some(Value::Object(changed))) => {
            Some((key.clone(), Value::Object(stamps(below, changed))))
        }
        (below, Some(_)) => Some((key.clone(), below.clone())),
        (_, None) => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::twin::{merge, sample};

    proptest! {
        #[test]
        fn a_difference_merged_into_the_old_makes_the_new(old in sample::section(), new in sample::section()) {
            let mut merged = old.clone();
            merge(&mut merged, &difference(&old, &new));
            prop_assert_eq!(merged, new);
        }
    }

    #[test]
    fn metadata_of_what_did_not_change_is_left_out() {
        let metadata = json!({"$lastUpdated": "T", "a": {"$lastUpdated": "T", "x": {"$lastUpdated": "U"}}, "b": {}});
        let (Value::Object(metadata), Value::Object(changed)) = (metadata, json!({"a": {"x": 1}, "gone": null})) else {
            unreachable!("objects");
        };
        let kept = json!({"$lastUpdated": "T", "a": {"$lastUpdated": "T", "x": {"$lastUpdated": "U"}}});
        assert_eq!(Value::Object(stamps(&metadata, &changed)), kept);
    }
}
