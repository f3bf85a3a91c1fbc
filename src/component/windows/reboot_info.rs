//! `windows.rebootInfo`: when the device restarts by schedule.

use serde::{Deserialize, Serialize};

/// When the device restarts by schedule. A schedule takes no notice of active hours. Some devices fail when only one
/// of the two is set: set both, empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RebootInfo {
    /// One restart, in UTC with whole seconds: `2027-01-10T02:00:00Z`. Empty: none.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = INSTANT)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_reboot_time: Option<String>,
    /// A restart every day; written as the other, and only the time of day counts. Empty: none.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = INSTANT)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_reboot_time: Option<String>,
}

/// An instant in UTC with whole seconds, or nothing.
#[cfg(feature = "cli")]
const INSTANT: &str =
    r"^$|^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$";
