//! Twins as the hub shows them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// As much of a twin as the model foretells.
pub(crate) fn known(mut twin: Value) -> Value {
    const FORESEEN: [&str; 8] =
        ["deviceId", "moduleId", "etag", "version", "status", "connectionState", "properties", "tags"];
    let members = twin.as_object_mut().unwrap();
    members.retain(|key, _| FORESEEN.contains(&key.as_str()));
    for half in ["desired", "reported"] {
        twin["properties"][half].as_object_mut().unwrap().remove("$metadata");
    }
    twin
}

/// Whether metadata has the shape of what it is about.
fn mirrors(values: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
    let keys =
        |map: &Map<String, Value>| map.keys().filter(|key| !key.starts_with('$')).cloned().collect::<BTreeSet<_>>();
    let below = |(key, value): (&String, &Value)| {
        key.starts_with('$') || mirrors(value.as_object().unwrap_or(&Map::new()), metadata[key].as_object().unwrap())
    };
    keys(values) == keys(metadata) && metadata.contains_key("$lastUpdated") && values.iter().all(below)
}

/// What holds of the metadata of every twin.
pub(crate) fn check_metadata(twin: &Value) {
    for half in ["desired", "reported"] {
        let mut values = twin["properties"][half].as_object().unwrap().clone();
        let metadata = values.remove("$metadata").unwrap();
        assert!(mirrors(&values, metadata.as_object().unwrap()), "metadata of {half}: {twin}");
        let stamp = metadata.get("$lastUpdatedVersion");
        let expected = Some(&values["$version"]).filter(|version| half == "desired" && **version != json!(1));
        assert_eq!(stamp, expected, "metadata of {half}: {twin}");
    }
}
