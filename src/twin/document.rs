//! A twin as a whole, owned.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{DeviceId, Map};

/// A device twin in the shape of the REST API (protocol reference 5.1). Members that nobody here asks for are
/// dropped on reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Twin {
    /// The device.
    pub device_id: DeviceId,
    /// Set for the twin of a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<String>,
    /// Moves with every write of tags or desired, and with nothing else. Opaque.
    pub etag: String,
    /// Counts every change of tags, desired and reported.
    #[serde(default)]
    pub version: u64,
    /// `enabled` or `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `Connected` or `Disconnected`; may lag by minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_state: Option<String>,
    /// ISO 8601, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<String>,
    /// The Plug and Play model that the device announced; empty or absent when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The operator's own words on the device.
    #[serde(default)]
    pub tags: Map,
    /// Desired and reported.
    #[serde(default)]
    pub properties: TwinProperties,
}

/// Both halves of a twin's properties.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TwinProperties {
    /// What the device should be.
    #[serde(default)]
    pub desired: Properties,
    /// What the device says it is.
    #[serde(default)]
    pub reported: Properties,
}

/// One half of a twin's properties: the values, and apart from them what the hub keeps about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// The values, without `$metadata` and `$version`.
    pub values: Map,
    /// The `$metadata` tree (protocol reference 5.2); null when the source did not carry it.
    pub metadata: Value,
    /// `$version`: counts the accepted writes of this half.
    pub version: u64,
}

impl Twin {
    /// Whether the hub believes the device to be connected.
    pub fn is_connected(&self) -> bool {
        self.connection_state.as_deref() == Some("Connected")
    }
}

impl Properties {
    /// Splits a section as it stands on the wire.
    pub fn from_wire(mut section: Map) -> Self {
        let metadata = section.remove("$metadata").unwrap_or(Value::Null);
        let version = section.remove("$version").and_then(|v| v.as_u64()).unwrap_or(0);
        Self { values: section, metadata, version }
    }

    /// The metadata of the value at `keys`, e.g. its `$lastUpdated`; `None` when the hub did not tell.
    pub fn metadata_at(&self, keys: &[std::sync::Arc<str>]) -> Option<&Map> {
        keys.iter().try_fold(self.metadata.as_object()?, |node, key| node.get(&**key)?.as_object())
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Map::deserialize(input).map(Self::from_wire)
    }
}

impl Serialize for Properties {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = output.serialize_map(None)?;
        for (key, value) in &self.values {
            map.serialize_entry(key, value)?;
        }
        if !self.metadata.is_null() {
            map.serialize_entry("$metadata", &self.metadata)?;
        }
        map.serialize_entry("$version", &self.version)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_twin_of_the_rest_api_is_read_and_written_back() {
        let wire = json!({
            "deviceId": "d1", "etag": "AAAAAAAAAAI=", "version": 4, "status": "enabled",
            "connectionState": "Connected", "tags": {"site": "munich"},
            "properties": {
                "desired": {"fw": {"channel": "stable"}, "$metadata": {"$lastUpdated": "x"}, "$version": 2},
                "reported": {"fw": "1.2", "$version": 2}
            }
        });
        let twin: Twin = serde_json::from_value(wire.clone()).unwrap();
        assert!(twin.is_connected());
        assert_eq!(twin.properties.desired.version, 2);
        assert_eq!(Value::Object(twin.properties.desired.values.clone()), json!({"fw": {"channel": "stable"}}));
        assert_eq!(serde_json::to_value(&twin).unwrap(), wire);
    }

    #[test]
    fn metadata_is_found_by_path() {
        let section = json!({"$metadata": {"a": {"b": {"$lastUpdatedVersion": 3}}}, "$version": 3});
        let properties: Properties = serde_json::from_value(section).unwrap();
        let found = properties.metadata_at(&["a".into(), "b".into()]).unwrap();
        assert_eq!(found["$lastUpdatedVersion"], json!(3));
    }
}
