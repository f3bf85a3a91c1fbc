//! The component `telemetry`: how much the operating system tells its maker.

use serde::{Deserialize, Serialize};

/// How much the operating system tells its maker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Telemetry {
    /// The level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<TelemetryLevel>,
}

/// A level of telemetry, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TelemetryLevel {
    /// Nothing. Windows honours it on Enterprise, Education, Server and IoT editions only.
    Disabled,
    /// What the system needs to be kept up to date.
    Required,
    /// More; as `required` on Windows 11.
    Enhanced,
    /// Everything.
    Optional,
}
