//! `timeInfo`: where the clock is set from, and the time zone.

use serde::{Deserialize, Serialize};

/// Where the clock is set from, and the time zone, for the Azure Device Agent. The members of the time zone stand
/// there all or not at all. For most zones the rules that Windows knows are right: `dynamicDaylightTimeDisabled:
/// false`; the agent reads an explicit rule wrongly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = zone))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TimeInfo {
    /// Host name of the time server.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9._\-]{1,253}$")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntp_server: Option<String>,
    /// The Windows name of the zone, e.g. `W. Europe Standard Time`.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 128)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_key_name: Option<String>,
    /// False: Windows knows when daylight saving time starts and ends. True: the rule below says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_daylight_time_disabled: Option<bool>,
    /// Minutes that local time is behind UTC: Berlin -60, New York 300.
    #[cfg_attr(feature = "cli", schemars(range(min = -840, max = 720)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_bias: Option<i32>,
    /// Minutes added to the bias outside daylight saving time; normally 0.
    #[cfg_attr(feature = "cli", schemars(range(min = -1440, max = 1440)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_standard_bias: Option<i32>,
    /// When daylight saving time ends: `0000-MM-DDThh:mm:ss`, where DD is the week of the month, 1 to 5 (5: last).
    /// Empty: there is none.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = RULE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_standard_date: Option<String>,
    /// Display name outside daylight saving time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_standard_name: Option<String>,
    /// Day of the week on which daylight saving time ends, 0 (Sunday) to 6.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 6)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_standard_day_of_week: Option<u8>,
    /// Minutes added to the bias in daylight saving time; normally -60.
    #[cfg_attr(feature = "cli", schemars(range(min = -1440, max = 1440)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_daylight_bias: Option<i32>,
    /// When daylight saving time begins, written as `timeZoneStandardDate`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = RULE)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_daylight_date: Option<String>,
    /// Display name in daylight saving time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_daylight_name: Option<String>,
    /// Day of the week on which daylight saving time begins, 0 (Sunday) to 6.
    #[cfg_attr(feature = "cli", schemars(range(min = 0, max = 6)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone_daylight_day_of_week: Option<u8>,
}

/// A day of every year, as a week of a month; or nothing.
#[cfg(feature = "cli")]
const RULE: &str = r"^$|^0000-(0[1-9]|1[0-2])-0[1-5]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$";

/// Any member of the zone needs all of them.
#[cfg(feature = "cli")]
fn zone(schema: &mut schemars::Schema) {
    let members = schema.get("properties").and_then(serde_json::Value::as_object).into_iter().flatten();
    let zone: Vec<String> = members.map(|(name, _)| name.clone()).filter(|name| name != "ntpServer").collect();
    let needs: serde_json::Map<_, _> = zone.iter().map(|name| (name.clone(), zone.clone().into())).collect();
    schema.insert("dependentRequired".to_owned(), needs.into());
    let reason = "the agent applies the time zone as one: write all of its members or none";
    schema.insert("x-twinops-reason".to_owned(), reason.into());
}
