//! The `Rollout` document, as types. It is read and checked; devices are still changed at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a change reaches devices: slice by slice, each slice only after the one before has gone well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutSpec {
    /// Which devices it governs, in the hub's query language. Absent: all devices.
    #[serde(rename = "where")]
    pub selector: Option<String>,
    /// The slices, in the order in which they are changed.
    #[schemars(length(min = 1))]
    pub waves: Vec<WaveSpec>,
    /// The condition for the next wave.
    pub gate: Option<GateSpec>,
    /// What happens when a gate is not passed.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// When devices may be changed.
    pub window: Option<WindowSpec>,
}

/// One slice of a rollout's devices. Without `where` and `percent`: all that are left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaveSpec {
    /// Unique in the rollout.
    pub name: String,
    /// Which devices, in the hub's query language.
    #[serde(rename = "where")]
    pub selector: Option<String>,
    /// Share of the rollout's devices, by a stable hash of the device id.
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u8>,
}

/// When a wave has gone well. Counts the devices of the waves so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateSpec {
    /// Fewest devices compliant, as a share, e.g. `95%`.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub compliant: Option<String>,
    /// Most devices failed, as a share, e.g. `1%`.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub failed: Option<String>,
    /// How long it has to stay so, e.g. `30m`.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub soak: Option<String>,
    /// When to give up, e.g. `24h`.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub timeout: Option<String>,
    /// Which devices count.
    #[serde(default)]
    pub of: GateOf,
}

/// Which devices a gate counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateOf {
    /// Those that have been heard of lately; others join later, behind the current gate.
    #[default]
    Reachable,
    /// All.
    All,
}

/// What happens when a gate is not passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// Nothing more is changed until somebody decides.
    #[default]
    Pause,
    /// Devices go back to the revision before.
    Rollback,
}

/// Hours in which devices may be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowSpec {
    /// On which days; absent: every day.
    pub days: Option<Vec<Day>>,
    /// First minute, `HH:MM`, in quotes.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// The minute after the last, `HH:MM`, in quotes; before `from`: on the next day.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub to: String,
    /// An IANA name such as `Europe/Oslo`, or the tag that holds one: `tags.timeZone`. Absent: UTC.
    pub time_zone: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each says itself")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}
