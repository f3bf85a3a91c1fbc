//! Of `simulate`.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;

use super::{HubAccess, duration};
use crate::{agent::MqttAddress, twin::DeviceId};

/// Of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops simulate --devices 10000 --create --delete --for 10m\n  \
                  twinops simulate --devices 10000 --profile flaky.yaml --id 'kiosk-{:05}' --create\n  \
                  twinops simulate --devices 20000 --first 20000 --group-key-file group.key --hub hub.example.org\n\n\
                  Where the keys come from: --keys, --group-key-file, or the hub, which is asked for them. With --create,\n\
                  devices that it does not know are made.\n\
                  docs/simulate.md says what a profile can hold; `twinops schema simulation-profile` prints its schema.")]
pub struct SimulateArgs {
    /// How many devices.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub devices: u32,
    /// The number of the first one, for several processes that share a fleet.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub first: u32,
    /// What devices are called: `{}` is replaced by their number, `{:05}` by five digits at least.
    #[arg(long, value_name = "PATTERN", default_value = "simulated-{:05}")]
    pub id: IdPattern,
    /// How they behave (YAML); without it they are always there, and do at once what they are told.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// End after this time; without it, at Ctrl-C.
    #[arg(long = "for", id = "lasting", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Make devices that the hub does not know.
    #[arg(long, conflicts_with_all = ["keys", "group_key_file"], help_heading = "Devices")]
    pub create: bool,
    /// Remove, at the end, those that were made.
    #[arg(long, requires = "create", help_heading = "Devices")]
    pub delete: bool,
    /// A file with a connection string of a device in each line; --devices and --first count its lines.
    #[arg(long, value_name = "FILE", conflicts_with = "group_key_file", help_heading = "Devices")]
    pub keys: Option<PathBuf>,
    /// A file with the key of an enrolment group, from which those of the devices are derived.
    #[arg(long, value_name = "FILE", help_heading = "Devices")]
    pub group_key_file: Option<PathBuf>,
    /// Reach the hub's MQTT here instead of at its name, port 8883: `HOST:PORT`, or `mqtt://HOST:PORT` without TLS on this
    /// machine.
    #[arg(long, value_name = "ADDRESS", help_heading = "Connection")]
    pub mqtt: Option<HubAddress>,
    /// With --format json, how often to tell how things stand.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s", help_heading = "Output")]
    pub every: Duration,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
}

/// Names of devices with their number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPattern {
    before: String,
    after: String,
    width: usize,
}

impl IdPattern {
    /// The name of one of them.
    pub fn name(&self, number: u32) -> String {
        let Self { before, after, width } = self;
        format!("{before}{number:0width$}{after}")
    }
}

impl FromStr for IdPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "a pattern has one place for the number: `kiosk-{}`, or `kiosk-{:05}` for five digits".to_owned();
        let (before, rest) = text.split_once('{').ok_or_else(wrong)?;
        let (place, after) = rest.split_once('}').ok_or_else(wrong)?;
        let width = match place.strip_prefix(':').map(str::parse) {
            None if place.is_empty() => 0,
            Some(Ok(width @ 0..=10)) => width,
            _ => return Err(wrong()),
        };
        let pattern = Self { before: before.to_owned(), after: after.to_owned(), width };
        DeviceId::new(&pattern.name(u32::MAX)).map_err(|error| error.to_string())?;
        Ok(pattern)
    }
}

/// Where a hub takes MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAddress {
    /// The address.
    pub mqtt: MqttAddress,
    /// Whether that is over TLS.
    pub tls: bool,
}

impl FromStr for HubAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, text) = match text.split_once("://") {
            None => (true, text),
            Some(("mqtts", rest)) => (true, rest),
            Some(("mqtt", rest)) => (false, rest),
            Some((other, _)) => return Err(format!("`{other}://` is not known; write `mqtts://` or `mqtt://`")),
        };
        let mqtt: MqttAddress = text.parse().map_err(|error: crate::agent::AddressError| error.to_string())?;
        if !tls && !matches!(mqtt.host.as_str(), "localhost" | "127.0.0.1" | "::1") {
            return Err(format!("`{}` is not this machine; tokens are sent elsewhere over TLS only", mqtt.host));
        }
        Ok(Self { mqtt, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_place_for_a_number() {
        let name = |text: &str, number| text.parse::<IdPattern>().map(|pattern| pattern.name(number));
        assert_eq!(name("kiosk-{:05}", 7), Ok("kiosk-00007".to_owned()));
        assert_eq!(name("{}.lobby", 12), Ok("12.lobby".to_owned()));
        for wrong in ["kiosk", "kiosk-{", "{:x}", "{:99}", "a b{}", "{}{}", "{0}"] {
            assert!(name(wrong, 1).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_leave_the_machine_over_tls_only() {
        let read = |text: &str| text.parse::<HubAddress>();
        assert_eq!(read("hub:1").map(|address| address.tls), Ok(true));
        assert_eq!(read("mqtts://hub:1"), read("hub:1"));
        assert_eq!(read("mqtt://127.0.0.1:1").map(|address| address.tls), Ok(false));
        for wrong in ["mqtt://hub:1", "http://hub:1", "hub", "mqtt://localhost"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
