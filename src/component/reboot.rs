//! The component `reboot`: when a device restarts by schedule.

use serde::{Deserialize, Serialize};

/// When the device restarts by schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Reboot {
    /// One restart, in UTC with whole seconds: `2027-01-10T02:00:00Z`. Passed over when it lies in the past.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = INSTANT)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// A restart every day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<Daily>,
    /// A restart every week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Weekly>,
}

/// A time of every day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Daily {
    /// `HH:MM`. Quote it in YAML.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = TIME)))]
    pub time: String,
    /// Which clock.
    pub zone: Clock,
}

/// A time of a day of every week, by the local clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Weekly {
    /// The day.
    pub day: Weekday,
    /// `HH:MM`. Quote it in YAML.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = TIME)))]
    pub time: String,
}

/// Which clock a time is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Clock {
    /// UTC.
    Utc,
    /// The device's own.
    Local,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "days need no words")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

#[cfg(feature = "cli")]
const TIME: &str = r"^([01][0-9]|2[0-3]):[0-5][0-9]$";
#[cfg(feature = "cli")]
const INSTANT: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$";
