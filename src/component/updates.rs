//! The component `updates`: when and which updates of the operating system are installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// When and which updates of the operating system are installed. What a device cannot do is answered as unsupported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Updates {
    /// How far the device goes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<UpdateMode>,
    /// Hours in which the device does not restart for updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_hours: Option<ActiveHours>,
    /// When updates are installed, with `mode: scheduled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<UpdateSchedule>,
    /// How long updates wait after they come out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer: Option<Defer>,
    /// From when on updates are held back. Windows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// The release to stay on. Windows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// When a waiting update is installed whatever else is set. Windows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// Whether the device restarts by itself when an update needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reboot: Option<UpdateReboot>,
    /// Whether drivers are updated as well. Windows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drivers: Option<bool>,
    /// Updates that may be installed, by their GUIDs; cannot be taken back. Windows only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[expect(clippy::zero_sized_map_values, reason = "the shape of the twin: an id, and the one word there is")]
    pub approvals: BTreeMap<String, Approval>,
    /// Packages that stay at their version. Linux only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_packages: Option<Vec<String>>,
}

/// How far a device goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum UpdateMode {
    /// Nothing happens.
    Disabled,
    /// It looks for updates and tells.
    Notify,
    /// It fetches them.
    Download,
    /// It installs them when they come.
    Auto,
    /// It installs them at the scheduled time.
    Scheduled,
}

/// Local hours; may cross midnight, and span at most 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActiveHours {
    /// The first hour, 0 to 23.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    pub start: u8,
    /// The hour at which they end, 0 to 23.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    pub end: u8,
}

/// When updates are installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSchedule {
    /// The day.
    pub day: UpdateDay,
    /// Local time, `HH:MM`. Quote it in YAML.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$")))]
    pub time: String,
}

/// A day of the week, or every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "days need no words")]
pub enum UpdateDay {
    Daily,
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// How long updates wait after they come out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defer {
    /// Days that fixes wait, 0 to 30.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 30)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_days: Option<u16>,
    /// Days that new releases wait, 0 to 365.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 365)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_days: Option<u16>,
}

/// From when on updates are held back; Windows ends a pause after 35 days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pause {
    /// The day from which fixes are held back, `YYYY-MM-DD`. Quote it in YAML.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = DATE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// The day from which new releases are held back, `YYYY-MM-DD`. Quote it in YAML.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = DATE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
}

#[cfg(feature = "cli")]
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// The release to stay on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The product, e.g. `Windows 11`.
    pub product: String,
    /// The release, e.g. `24H2`.
    pub release: String,
}

/// When a waiting update is installed whatever else is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Deadline {
    /// Days for fixes, 2 to 30.
    #[cfg_attr(feature = "cli", schemars(range(min = 2, max = 30)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_days: Option<u8>,
    /// Days for new releases, 2 to 30.
    #[cfg_attr(feature = "cli", schemars(range(min = 2, max = 30)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_days: Option<u8>,
    /// Days after the deadline until the restart, 0 to 7.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 7)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u8>,
}

/// Whether a device restarts by itself when an update needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum UpdateReboot {
    /// At once.
    Auto,
    /// Never.
    Never,
    /// As soon as the active hours are over.
    OutsideActiveHours,
}

/// That an update may be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Approval {
    /// It may.
    Approve,
}
