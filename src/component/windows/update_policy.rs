//! `windows.windowsUpdatePolicy`: when and which updates are installed.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::{SourcePriority, YesNo};

/// When and which updates Windows installs. What was set once stays set on the device, even when it is left out later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowsUpdatePolicy {
    /// The settings to apply, or `"no"` to leave the device alone.
    pub apply_properties: Apply,
    /// Whether the device reports its settings back. The client fails when this is left out.
    pub report_properties: YesNo,
}

/// The settings to apply, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apply {
    /// Leave the device alone.
    No,
    /// Apply these.
    Settings(Box<UpdateSettings>),
}

/// Settings of Windows Update; what is left out is not applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateSettings {
    /// Local hour at which the hours without restarts begin, 0 to 23.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_hours_start: Option<u8>,
    /// Local hour at which they end, 0 to 23; at most 18 hours after the start.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_hours_end: Option<u8>,
    /// 0: ask before downloading. 1: install, ask for restarts. 2: install and restart. 3: install at the scheduled
    /// time. 4: as 2, without control by users. 5: off.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 5)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_auto_update: Option<u8>,
    /// 0 cuts the device off from every update service and the Store; 1 does not.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_update_service: Option<u8>,
    /// 2, 4, 8: preview builds, fast, slow and release. 16: general availability. 32: only before Windows 10 1903.
    #[cfg_attr(feature = "cli", schemars(extend("enum" = [2, 4, 8, 16, 32])))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_readiness_level: Option<u8>,
    /// Days that feature updates wait, 0 to 365.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 365)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_feature_updates_period: Option<u16>,
    /// Days that quality updates wait, 0 to 30.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 30)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_quality_updates_period: Option<u16>,
    /// 1 holds feature updates back; Windows ends the pause after 60 days at most.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_feature_updates: Option<u8>,
    /// 1 holds quality updates back; Windows ends the pause after 35 days.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_quality_updates: Option<u8>,
    /// 0: every day. 1 (Sunday) to 7 (Saturday). Needs `allowAutoUpdate: 3`.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 7)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_install_day: Option<u8>,
    /// Local hour, 0 to 23. Needs `allowAutoUpdate: 3`.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_install_time: Option<u8>,
    /// The ring of Windows IoT Core; other editions fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// Who wins when an app on the device sets the same; `remote` when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_priority: Option<SourcePriority>,
}

/// A ring of Windows IoT Core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Ring {
    /// First.
    EarlyAdopter,
    /// Second.
    Preview,
    /// Last.
    GeneralAvailability,
}

impl Serialize for Apply {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => YesNo::No.serialize(output),
            Self::Settings(settings) => settings.serialize(output),
        }
    }
}

impl<'de> Deserialize<'de> for Apply {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Value::deserialize(input)? {
            Value::String(text) if text == "no" => Ok(Self::No),
            settings @ Value::Object(_) => {
                UpdateSettings::deserialize(settings).map(|s| Self::Settings(Box::new(s))).map_err(D::Error::custom)
            }
            other => Err(D::Error::custom(format!("expected settings or \"no\", found {other}"))),
        }
    }
}

#[cfg(feature = "cli")]
impl schemars::JsonSchema for Apply {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Apply".into()
    }

    /// Not `anyOf`: of settings a validator then says which one is wrong. Each keyword minds its own type.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = UpdateSettings::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["object", "string"]));
        schema.insert("pattern".to_owned(), "^no$".into());
        schema
    }
}
