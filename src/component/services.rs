//! The component `services`: which services of the operating system run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Services of the operating system, by ids of your choice. The device's own configuration says which it lets be changed.
pub type Services = BTreeMap<String, Service>;

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The name of the Windows service, or of the systemd unit.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9:_.\\@-]{1,255}$")))]
    pub name: String,
    /// When it starts. Left alone when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<ServiceStartup>,
    /// Whether it runs. Left alone when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServiceState>,
}

/// When a service starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ServiceStartup {
    /// With the system.
    Auto,
    /// Some time after the system; on Linux as `auto`.
    DelayedAuto,
    /// When something asks for it.
    Manual,
    /// Never.
    Disabled,
}

/// Whether a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ServiceState {
    /// It does.
    Running,
    /// It does not.
    Stopped,
}
