//! The component `time`: time zone and network time.

use serde::{Deserialize, Serialize};

/// How many servers a list may name.
pub const MOST_SERVERS: usize = 8;

/// Time zone and network time of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Time {
    /// The zone by its IANA name, such as `Europe/Berlin`; the device's zone database must know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,2}$")))]
    pub time_zone: Option<String>,
    /// Where the clock is set from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntp: Option<Ntp>,
    /// What only Windows needs to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<WindowsTime>,
}

/// Where the clock is set from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ntp {
    /// Whether the clock follows the network at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Host names or addresses to ask first, at most 8.
    #[serde(default)]
    #[cfg_attr(feature = "cli", schemars(length(max = 8)))]
    pub servers: Vec<String>,
    /// Host names or addresses to ask when none of the first answers, at most 8. Linux only.
    #[serde(default)]
    #[cfg_attr(feature = "cli", schemars(length(max = 8)))]
    pub fallback_servers: Vec<String>,
}

/// What only Windows needs to know of the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowsTime {
    /// The zone by its Windows key, where the usual map from IANA names is wrong for the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone_key_name: Option<String>,
    /// Whether daylight saving time is observed.
    #[serde(default = "yes")]
    pub dst_enabled: bool,
}

const fn yes() -> bool {
    true
}

/// Why a value of `time` cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No name of a zone.
    #[error("`{0}` is not the name of a time zone; one looks like `Europe/Berlin`")]
    Zone(String),
    /// No name of a server.
    #[error("`{0}` is not a host name or an address")]
    Server(String),
    /// Too many servers.
    #[error("a list names {0} servers; {MOST_SERVERS} are the most")]
    Servers(usize),
}

/// Whether `name` is formed like an IANA zone name. Says nothing on whether the zone exists.
///
/// # Errors
/// When it is not.
pub fn check_zone(name: &str) -> Result<(), TimeError> {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c));
    let formed = name.split('/').count() <= 3 && name.split('/').all(part);
    if formed { Ok(()) } else { Err(TimeError::Zone(name.to_owned())) }
}

impl Ntp {
    /// Whether every server could be one, and there are not too many: they end up in files of a line-based format.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), TimeError> {
        [&self.servers, &self.fallback_servers].into_iter().try_for_each(|list| {
            if list.len() > MOST_SERVERS {
                return Err(TimeError::Servers(list.len()));
            }
            list.iter().try_for_each(|server| check_server(server))
        })
    }
}

fn check_server(name: &str) -> Result<(), TimeError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
    let formed = !name.is_empty() && name.len() <= 253 && !name.starts_with('-') && name.chars().all(fits);
    if formed { Ok(()) } else { Err(TimeError::Server(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_of_one_to_three_parts_are_names() {
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Salta", "Etc/GMT+5"] {
            assert_eq!(check_zone(name), Ok(()));
        }
    }

    #[test]
    fn a_zone_that_climbs_out_of_the_database_is_no_name() {
        for name in ["", "../etc/passwd", "/etc/passwd", "Europe//Berlin", "a/b/c/d", "Europe/Ber lin"] {
            assert!(check_zone(name).is_err(), "{name}");
        }
    }

    #[test]
    fn network_time_is_on_unless_it_is_turned_off() {
        let ntp: Ntp = serde_json::from_str(r#"{"servers": ["a.example"]}"#).unwrap();
        assert!(ntp.enabled && ntp.check().is_ok());
    }

    #[test]
    fn a_typo_is_an_error() {
        assert!(serde_json::from_str::<Time>(r#"{"timezone": "UTC"}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_server_can_break_out_of_its_line(name in any::<String>()) {
            if check_server(&name).is_ok() {
                prop_assert!(!name.contains(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
    }
}
