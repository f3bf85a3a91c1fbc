//! `windows.deviceInfo`: what the device tells about itself.

use serde::{Deserialize, Serialize};

/// Written as `{}`: asks the device to tell about itself. Nothing can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeviceInfo {}
