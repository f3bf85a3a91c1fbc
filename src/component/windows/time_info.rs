//! `windows.timeInfo`: where the clock is set from, and the time zone.

use serde::{Deserialize, Serialize};

/// Where the clock is set from, and the time zone. The client applies all of it or breaks: nothing may be left out.
///
/// For most zones the rules that Windows knows are right: `dynamicDaylightTimeDisabled: false`. The explicit rule has
/// to be there all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeInfo {
    /// Host name of the time server.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9._\-]{1,253}$")))]
    pub ntp_server: String,
    /// The Windows name of the zone, e.g. `W. Europe Standard Time`.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 128)))]
    pub time_zone_key_name: String,
    /// False: Windows knows when daylight saving time starts and ends. True: the rule below says it.
    pub dynamic_daylight_time_disabled: bool,
    /// Minutes that local time is behind UTC: Berlin -60, New York 300.
    #[cfg_attr(feature = "cli", schemars(range(min = -840, max = 720)))]
    pub time_zone_bias: i32,
    /// Minutes added to the bias outside daylight saving time; normally 0.
    #[cfg_attr(feature = "cli", schemars(range(min = -1440, max = 1440)))]
    pub time_zone_standard_bias: i32,
    /// When daylight saving time ends: `0000-MM-DDThh:mm:ssZ`, where DD is the week of the month, 1 to 5 (5: last).
    /// Empty: there is none.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = RULE)))]
    pub time_zone_standard_date: String,
    /// Display name outside daylight saving time.
    pub time_zone_standard_name: String,
    /// Day of the week on which daylight saving time ends, 0 (Sunday) to 6.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 6)))]
    pub time_zone_standard_day_of_week: u8,
    /// Minutes added to the bias in daylight saving time; normally -60.
    #[cfg_attr(feature = "cli", schemars(range(min = -1440, max = 1440)))]
    pub time_zone_daylight_bias: i32,
    /// When daylight saving time begins, written as `timeZoneStandardDate`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = RULE)))]
    pub time_zone_daylight_date: String,
    /// Display name in daylight saving time.
    pub time_zone_daylight_name: String,
    /// Day of the week on which daylight saving time begins, 0 (Sunday) to 6.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 6)))]
    pub time_zone_daylight_day_of_week: u8,
}

/// A day of every year, as a week of a month; or nothing.
#[cfg(feature = "cli")]
const RULE: &str = r"^$|^0000-(0[1-9]|1[0-2])-0[1-5]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$";
