//! The `Rollout` and `Approval` documents, as types. Doc comments become the schemas' descriptions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a change reaches devices: slice by slice, each slice only after the one before has gone well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutSpec {
    /// Which devices it governs, in the hub's query language. Absent: all devices. A device that two rollouts select
    /// is governed by the first of them, by name.
    #[serde(rename = "where")]
    pub selector: Option<String>,
    /// The slices, in the order in which they are changed. A device belongs to the first that takes it; what none takes
    /// comes last of all.
    #[schemars(length(min = 1, max = 64))]
    pub waves: Vec<WaveSpec>,
    /// The condition for the next wave. Absent: every device that can be reached is compliant.
    pub gate: Option<GateSpec>,
    /// What happens when a gate is not passed.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// When devices may be changed.
    pub window: Option<WindowSpec>,
}

/// One slice of a rollout's devices: those that satisfy all it says. Without `where` and `percent`: all that are left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaveSpec {
    /// Unique in the rollout.
    pub name: String,
    /// Which devices, in the hub's query language.
    #[serde(rename = "where")]
    pub selector: Option<String>,
    /// Share of the devices, by a stable hash of the rollout's name and the device id. Cumulative: `10` and then `50`
    /// takes a tenth first, and four tenths more.
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u8>,
    /// Whether somebody has to approve before the wave is changed, by an `Approval` document or by `--approve`.
    #[serde(default)]
    pub approval: WaveApproval,
}

/// Whether a wave has to be approved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WaveApproval {
    /// The gate before it is enough.
    #[default]
    None,
    /// Each commit has to be approved for this wave.
    Required,
}

/// When a wave has gone well. Counts the devices of the waves so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateSpec {
    /// Fewest devices compliant, as a share, e.g. `95%`, and at least one. Absent: all.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub compliant: Option<String>,
    /// Most devices failed, as a share, e.g. `1%`. Absent: what `compliant` leaves.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub failed: Option<String>,
    /// How long it has to stay so, e.g. `30m`.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub soak: Option<String>,
    /// When to give up, counted from the wave's first write, e.g. `24h`. Absent: never.
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
    /// Devices go back to what the commit before wanted, once, and the commit is not tried again.
    Rollback,
}

/// Hours in which devices may be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowSpec {
    /// On which days it begins; absent: every day.
    pub days: Option<Vec<Day>>,
    /// First minute, `HH:MM`, in quotes.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// The minute after the last, `HH:MM`, in quotes; `from` or before it: on the next day.
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

/// A wave that waits for approval may be changed. Committed beside the rollout, it speaks for a commit before its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalSpec {
    /// The rollout's name.
    pub rollout: String,
    /// The wave's name.
    pub wave: String,
    /// The commit that is approved, in full. A later one that declares the same for all devices is approved with it.
    #[schemars(regex(pattern = r"^[0-9a-f]{40}([0-9a-f]{24})?$"))]
    pub revision: String,
    /// Who approves.
    pub by: String,
    /// Last day on which it holds, `YYYY-MM-DD`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: String,
}
