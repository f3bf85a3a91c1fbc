//! `windows.timeService`: the service that keeps the clock.

use serde::{Deserialize, Serialize};

use super::YesNo;

/// The Windows time service. `enabled`, `startup` and `started` stand together: the client passes over a set that
/// lacks one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeService {
    /// Whether the service may run at all; `no` stops and disables it.
    pub enabled: YesNo,
    /// When the service starts.
    pub startup: Startup,
    /// Whether the service runs now.
    pub started: YesNo,
    /// Who wins when an app on the device sets the same; `remote` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_priority: Option<SourcePriority>,
}

/// When a service starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Startup {
    /// With the system.
    Auto,
    /// When something asks for it.
    Manual,
}

/// Who wins when the twin and an app on the device set the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SourcePriority {
    /// The app on the device.
    Local,
    /// The twin.
    Remote,
}
