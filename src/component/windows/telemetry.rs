//! `windows.windowsTelemetry`: how much Windows tells its maker.

use serde::{Deserialize, Serialize};

/// How much Windows tells its maker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowsTelemetry {
    /// The level.
    pub level: Level,
}

/// A level of telemetry, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What security needs; Enterprise, Education, Server and IoT editions only.
    Security,
    /// What Windows needs to be kept up to date.
    Basic,
    /// More; as `basic` on Windows 11.
    Enhanced,
    /// Everything.
    Full,
}
