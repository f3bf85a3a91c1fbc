//! `windowsUpdate`: when and which updates are installed.

use serde::{Deserialize, Serialize};

/// When and which updates Windows installs, for the Azure Device Agent. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WindowsUpdate {
    /// Local hour at which the hours without restarts begin, 0 to 23.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_hours_start: Option<u8>,
    /// Local hour at which they end, 0 to 23; at most 18 hours after the start.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_hours_end: Option<u8>,
    /// 0: ask before downloading. 1: install, ask for restarts. 2: install and restart. 3: install at the scheduled
    /// time. 4: as 2, without control by users. 5: off.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 5)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_auto_update: Option<u8>,
    /// 0 cuts the device off from every update service and the Store; 1 does not.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_update_service: Option<u8>,
    /// 2, 4, 8: preview builds, fast, slow and release. 16: general availability. 32: only before Windows 10 1903.
    #[cfg_attr(feature = "cli", schemars(extend("enum" = [2, 4, 8, 16, 32])))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_readiness_level: Option<u8>,
    /// Days that feature updates wait, 0 to 365. The agent passes over the name without `InDays` that its manual has.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 365)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_feature_updates_period_in_days: Option<u16>,
    /// Days that quality updates wait, 0 to 30. The agent passes over the name without `InDays` that its manual has.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 30)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_quality_updates_period_in_days: Option<u16>,
    /// 1 holds feature updates back; Windows ends the pause after 60 days at most.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_feature_updates: Option<u8>,
    /// 1 holds quality updates back; Windows ends the pause after 35 days.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 1)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_quality_updates: Option<u8>,
    /// 0: every day. 1 (Sunday) to 7 (Saturday). Needs `allowAutoUpdate: 3`.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 7)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_install_day: Option<u8>,
    /// Local hour, 0 to 23. Needs `allowAutoUpdate: 3`.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 23)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_install_time: Option<u8>,
}
