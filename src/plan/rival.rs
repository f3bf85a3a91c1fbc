//! Who else writes a path: an IoT Hub configuration, which says so in the metadata, or somebody who puts the same value
//! back again and again. Neither is fought.
//!
//! Of the second kind nothing is known but what the twin holds. So the marker counts: `returned` has, for each path and
//! wanted value, how often that value was written again because something else stood there. What has been written
//! [`RETURNS`] times in vain is left as it is, until a commit wants another value there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Why, diff::Change, marker::Marker};
use crate::twin::{Map, PropertyPath, RowError, Section, TwinRow};

/// So often a value that came back is written again.
pub(super) const RETURNS: u32 = 2;

/// Somebody else who writes a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rival {
    /// The IoT Hub configuration of this id.
    Configuration(String),
    /// Nobody knows who: our value has been written so often, and something else stands there again.
    Unknown(u32),
}

/// How often values came back, by [`key`].
pub(super) type Returned = BTreeMap<String, u32>;

/// How often values of this twin came back, by its marker.
pub(super) fn returned(marker: &Marker<'_>) -> Returned {
    marker.returned.iter().map(|(key, times)| (key.to_string(), *times)).collect()
}

/// How often what a change sets was written in vain already; `None` where nothing came back.
pub(super) fn times(section: Section, change: &Change, returned: &Returned) -> Option<u32> {
    matches!(change.why, Why::Edited { .. }).then(|| returned.get(&key(section, change)).copied().unwrap_or(0))
}

/// The rival that a change of a twin has: the hub's word counts before what was counted.
pub(super) fn of(
    section: Section,
    change: &Change,
    metadata: &Value,
    applied: &Map,
    returned: &Returned,
) -> Option<Rival> {
    // What a configuration wrote that is gone, or targets the twin no more, stays behind and is nobody's.
    if let Some(id) = configuration(section, change, metadata).filter(|id| applied.contains_key(id)) {
        return Some(Rival::Configuration(id));
    }
    times(section, change, returned).filter(|times| *times >= RETURNS).map(Rival::Unknown)
}

/// The configurations that apply to a twin, by id.
pub(super) fn applied(row: &TwinRow<'_>) -> Result<Map, RowError> {
    Ok(row.configurations.map(|text| serde_json::from_str(text.get())).transpose()?.unwrap_or_default())
}

/// The IoT Hub configuration that wrote the value last (protocol reference 8.4).
fn configuration(section: Section, change: &Change, metadata: &Value) -> Option<String> {
    if section != Section::Desired {
        return None;
    }
    let node = change.keys.iter().try_fold(metadata, |node, key| node.get(&**key))?;
    Some(node.get("$lastUpdatedBy")?.as_str()?.to_owned())
}

/// How the counts of the marker change with `written`; `all` are the changes before rivals were left alone. What nobody
/// contests any more is taken out when the marker comes to name another commit. `None`: nothing changes.
pub(super) fn counted(
    before: &Returned,
    all: &[(Section, Change)],
    written: &[(Section, Change)],
    is_same_revision: bool,
) -> Option<Value> {
    let mut told = Map::new();
    let mut seen = BTreeSet::new();
    for (section, change) in all {
        let Some(times) = times(*section, change, before) else { continue };
        let key = key(*section, change);
        if written.iter().any(|(to, other)| to == section && other.keys == change.keys) {
            told.insert(key.clone(), json!(times + 1));
        }
        seen.insert(key);
    }
    if !is_same_revision {
        let gone = before.keys().filter(|key| !seen.contains(*key));
        told.extend(gone.map(|key| (key.clone(), Value::Null)));
    }
    (!told.is_empty()).then_some(Value::Object(told))
}

/// A path and the value that is wanted there, as short as a tag allows: another value begins anew.
pub(super) fn key(section: Section, change: &Change) -> String {
    let path: PropertyPath = section.path(change.keys.iter().cloned());
    let text = format!("{path}\n{}", change.to.as_ref().unwrap_or(&Value::Null));
    let mut key = String::new();
    for byte in &Sha256::digest(text.as_bytes())[..8] {
        let _infallible = write!(key, "{byte:02x}");
    }
    key
}
