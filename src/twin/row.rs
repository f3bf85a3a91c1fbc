//! A twin borrowed from the bytes that it arrived in.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{DeviceId, Map, Properties, Twin};

/// A twin whose sections are still text: as the lines of a snapshot and the rows of a query are read.
///
/// Comparing the text of a component with what is wanted is several times cheaper than building its tree, and most
/// twins of a fleet are as they should be.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TwinRow<'a> {
    /// The device, not checked yet.
    #[serde(borrow)]
    pub device_id: Cow<'a, str>,
    /// Set for the twin of a module.
    #[serde(borrow, default)]
    pub module_id: Option<Cow<'a, str>>,
    /// Opaque; empty in projections.
    #[serde(borrow, default)]
    pub etag: Cow<'a, str>,
    /// The edition of the device's identity.
    #[serde(borrow, default)]
    pub device_etag: Option<Cow<'a, str>>,
    /// `enabled` or `disabled`.
    #[serde(borrow, default)]
    pub status: Option<Cow<'a, str>>,
    /// `Connected` or `Disconnected`.
    #[serde(borrow, default)]
    pub connection_state: Option<Cow<'a, str>>,
    /// ISO 8601, UTC.
    #[serde(borrow, default)]
    pub last_activity_time: Option<Cow<'a, str>>,
    /// The Plug and Play model that the device announced.
    #[serde(borrow, default)]
    pub model_id: Option<Cow<'a, str>>,
    /// The text of the tags.
    #[serde(borrow, default)]
    pub tags: Option<&'a RawValue>,
    /// The configurations that apply to the twin, by id; absent when none does (protocol reference 5.1).
    #[serde(borrow, default)]
    pub configurations: Option<&'a RawValue>,
    /// Desired and reported.
    #[serde(borrow, default)]
    pub properties: PropertiesRow<'a>,
}

/// Both halves of a row's properties.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PropertiesRow<'a> {
    /// What the device should be.
    #[serde(borrow, default)]
    pub desired: SectionRow<'a>,
    /// What the device says it is.
    #[serde(borrow, default)]
    pub reported: SectionRow<'a>,
}

/// One half of a row's properties: its components in the order in which they came, each still text.
#[derive(Debug, Clone, Default)]
pub struct SectionRow<'a> {
    /// Name and text of each component.
    pub members: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// The text of `$metadata`.
    pub metadata: Option<&'a RawValue>,
    /// `$version`.
    pub version: u64,
}

/// The row is not the twin it claims to be.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Broken JSON, or members of other types.
    #[error("a twin cannot be read")]
    Json(#[from] serde_json::Error),
    /// The id breaks the rules for ids.
    #[error("a twin has an impossible device id")]
    Id(#[from] super::IdError),
}

impl<'a> TwinRow<'a> {
    /// Reads one twin from its JSON text.
    ///
    /// # Errors
    /// When the text is no twin.
    pub fn parse(text: &'a str) -> Result<Self, RowError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The device's name, checked.
    ///
    /// # Errors
    /// When no device can be called that.
    pub fn id(&self) -> Result<DeviceId, RowError> {
        Ok(DeviceId::new(&self.device_id)?)
    }

    /// The tags as a tree; empty when the twin has none.
    ///
    /// # Errors
    /// When they are no object.
    pub fn tags(&self) -> Result<Map, RowError> {
        Ok(self.tags.map_or_else(|| Ok(Map::new()), |text| serde_json::from_str(text.get()))?)
    }

    /// Whether the hub believes the device to be connected.
    pub fn is_connected(&self) -> bool {
        self.connection_state.as_deref() == Some("Connected")
    }

    /// The whole twin as a tree: for the few that need a closer look.
    ///
    /// # Errors
    /// When a part is not what it should be.
    pub fn to_twin(&self) -> Result<Twin, RowError> {
        let own = |text: &Option<Cow<'a, str>>| text.as_deref().map(str::to_owned);
        Ok(Twin {
            device_id: self.id()?,
            module_id: own(&self.module_id),
            etag: self.etag.clone().into_owned(),
            version: 0,
            status: own(&self.status),
            connection_state: own(&self.connection_state),
            last_activity_time: own(&self.last_activity_time),
            model_id: own(&self.model_id),
            tags: self.tags()?,
            properties: super::document::TwinProperties {
                desired: self.properties.desired.to_properties()?,
                reported: self.properties.reported.to_properties()?,
            },
        })
    }
}

impl<'a> SectionRow<'a> {
    /// The text of one component.
    pub fn member(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, text)| text.get())
    }

    /// One component as a tree; `None` when it is absent.
    ///
    /// # Errors
    /// When its text is broken.
    pub fn value(&self, name: &str) -> Result<Option<Value>, RowError> {
        Ok(self.member(name).map(serde_json::from_str).transpose()?)
    }

    /// The values of this half as a tree.
    ///
    /// # Errors
    /// When a member's text is broken.
    pub fn values(&self) -> Result<Map, RowError> {
        let tree =
            |(key, text): &(Cow<'a, str>, &RawValue)| Ok((key.clone().into_owned(), serde_json::from_str(text.get())?));
        self.members.iter().map(tree).collect()
    }

    /// This half with its metadata as a tree.
    ///
    /// # Errors
    /// When a member's text is broken.
    pub fn to_properties(&self) -> Result<Properties, RowError> {
        let metadata = self.metadata.map_or(Ok(Value::Null), |text| serde_json::from_str(text.get()))?;
        Ok(Properties { values: self.values()?, metadata, version: self.version })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SectionRow<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = SectionRow<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of properties")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SectionRow<'de>, A::Error> {
                let mut section = SectionRow::default();
                while let Some(key) = map.next_key::<Name<'de>>()? {
                    match &*key.0 {
                        "$metadata" => section.metadata = Some(map.next_value()?),
                        "$version" => section.version = map.next_value()?,
                        name if name.starts_with('$') => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => section.members.push((key.0, map.next_value()?)),
                    }
                }
                Ok(section)
            }
        }
        input.deserialize_map(Members)
    }
}

/// A key that borrows wherever the text holds it without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"{"deviceId":"d1","etag":"e","connectionState":"Connected","tags":{"site":"oslo"},
        "properties":{"desired":{"b":{"x": 1},"a":2,"$metadata":{"$lastUpdated":"t"},"$version":7},
        "reported":{"$version":3}},"capabilities":{"iotEdge":false}}"#;

    #[test]
    fn a_row_and_the_twin_it_stands_for_agree() {
        let row = TwinRow::parse(TEXT).unwrap();
        let mut twin: Twin = serde_json::from_str(TEXT).unwrap();
        twin.version = 0;
        assert_eq!(row.to_twin().unwrap(), twin);
    }

    #[test]
    fn components_keep_their_text() {
        let row = TwinRow::parse(TEXT).unwrap();
        assert_eq!(row.properties.desired.member("b"), Some(r#"{"x": 1}"#));
        assert_eq!(row.properties.desired.value("a").unwrap(), Some(json!(2)));
        assert_eq!(row.properties.desired.version, 7);
        assert!(matches!(row.device_id, Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_twin_is_an_error() {
        for text in ["", "{}", r#"{"deviceId":1}"#, r#"{"deviceId":"d","properties":{"desired":[]}}"#] {
            assert!(TwinRow::parse(text).is_err(), "{text}");
        }
    }
}
