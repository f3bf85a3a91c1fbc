//! The components below `windows`: what devices with the Windows IoT Azure DM client have in their twins today
//! (Windows reference, section 1). They answer with `lastChange` ([`Convention::Dm1`](super::Convention::Dm1)).
//!
//! That client reads a component whole: what is left out of one gets a default or breaks it. The schemas therefore
//! demand what it needs, and name values that it takes and nothing else.

mod answer;
mod apps;
mod attestation;
mod certificates;
mod command;
mod device_info;
mod external_storage;
mod reboot_info;
mod telemetry;
mod time_info;
mod time_service;
mod tracing;
mod update_policy;
mod updates;
mod wifi;

pub use answer::{ErrorSource, LastChange, State};
pub use apps::{App, Apps, OtherApps, StartUp};
pub use attestation::DeviceHealthAttestation;
pub use certificates::{Certificate, CertificateState, Certificates, Store};
pub use command::{CommandResult, RESULTS};
pub use device_info::DeviceInfo;
pub use external_storage::ExternalStorage;
pub use reboot_info::RebootInfo;
pub use telemetry::{Level, WindowsTelemetry};
pub use time_info::TimeInfo;
pub use time_service::{SourcePriority, Startup, TimeService};
pub use tracing::{
    Collecting, Collector, EventTracingCollectors, LogMode, OtherCollectors, Provider, ProviderKind, TraceLevel,
};
pub use update_policy::{Apply, Ring, UpdateSettings, WindowsUpdatePolicy};
pub use updates::WindowsUpdates;
pub use wifi::{Wifi, WifiFile, WifiProfile, WifiProfiles};

use serde::{Deserialize, Serialize};

/// What the client takes for a switch. Quote it in YAML: some readers take a bare `yes` or `no` for a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum YesNo {
    /// Do.
    Yes,
    /// Do not.
    No,
}

/// A GUID as Windows writes it, without braces.
#[cfg(feature = "cli")]
pub(super) const GUID: &str = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";

#[cfg(test)]
mod tests;
