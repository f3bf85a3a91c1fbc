//! `windows.deviceHealthAttestation`: whether the device started healthily, as told by another machine.

use serde::{Deserialize, Serialize};

/// Whether the device started healthily, as told by an attestation server. The client reads both members each time:
/// neither may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeviceHealthAttestation {
    /// Host name of the attestation server. Empty: that of Microsoft.
    #[serde(rename = "Endpoint")]
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9._\-]{0,253}$")))]
    pub endpoint: String,
    /// Seconds between two reports. Negative: none at all. 0: one report now.
    #[serde(rename = "ReportIntervalInSeconds")]
    #[cfg_attr(feature = "cli", schemars(range(min = -1, max = 2_147_483_647)))]
    pub report_interval_in_seconds: i64,
}
