//! `windows.wifi`: the networks that the device knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::YesNo;

/// The networks that the device knows. A profile that changes under the same name is not applied again: give it
/// another name. Removals come before additions, so a device can cut its own link. The client says `completed` even
/// when nothing worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wifi {
    /// Profiles by name, or `"no"` to leave the device alone.
    pub apply_properties: WifiProfiles,
    /// Whether the device reports the names of its profiles. It does so only together with an application.
    pub report_properties: YesNo,
}

/// The profiles to apply, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WifiProfiles {
    /// Leave the device alone.
    No,
    /// Add and remove these. A name equals the one inside the profile's XML.
    Profiles(BTreeMap<String, WifiProfile>),
}

/// One profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WifiProfile {
    /// To be removed.
    Uninstall,
    /// To be added.
    Add(WifiFile),
}

/// Where a profile comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WifiFile {
    /// The WLAN profile as `container\file.xml` in the external storage. Its key is in clear text there.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/]+\\[^\\/]+$")))]
    pub profile: String,
}

/// Reads a word, or else an object.
fn word_or<'de, D, T>(
    input: D,
    word: &str,
    none: T,
    some: impl FnOnce(Value) -> serde_json::Result<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    match Value::deserialize(input)? {
        Value::String(text) if text == word => Ok(none),
        object @ Value::Object(_) => some(object).map_err(D::Error::custom),
        _ => Err(D::Error::custom(format!("expected an object or \"{word}\""))),
    }
}

impl Serialize for WifiProfiles {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => output.serialize_str("no"),
            Self::Profiles(profiles) => profiles.serialize(output),
        }
    }
}

impl<'de> Deserialize<'de> for WifiProfiles {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        word_or(input, "no", Self::No, |object| serde_json::from_value(object).map(Self::Profiles))
    }
}

impl Serialize for WifiProfile {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uninstall => output.serialize_str("uninstall"),
            Self::Add(file) => file.serialize(output),
        }
    }
}

impl<'de> Deserialize<'de> for WifiProfile {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        word_or(input, "uninstall", Self::Uninstall, |object| serde_json::from_value(object).map(Self::Add))
    }
}

#[cfg(feature = "cli")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{BTreeMap, WifiFile, WifiProfile, WifiProfiles};

    impl JsonSchema for WifiProfiles {
        fn schema_name() -> Cow<'static, str> {
            "WifiProfiles".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            or_word(BTreeMap::<String, WifiProfile>::json_schema(generator), "no")
        }
    }

    impl JsonSchema for WifiProfile {
        fn schema_name() -> Cow<'static, str> {
            "WifiProfile".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            or_word(WifiFile::json_schema(generator), "uninstall")
        }
    }

    /// Not `anyOf`: a validator then says what is wrong with the object. Each keyword minds its own type.
    fn or_word(mut schema: Schema, word: &str) -> Schema {
        let also = json_schema!({"type": ["object", "string"], "pattern": format!("^{word}$"), "examples": [word]});
        for (keyword, value) in also.as_object().into_iter().flatten() {
            schema.insert(keyword.clone(), value.clone());
        }
        schema
    }
}
