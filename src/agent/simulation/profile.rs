//! How simulated devices behave: the content of a profile's file.

use std::{collections::BTreeMap, num::NonZeroUsize, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{task::Backoff, twin::Map};

/// How simulated devices behave. Everything has a value of its own when it is left out: devices that are always there
/// and do what they are told at once.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Profile {
    /// How long it takes to apply what is new, give or take a half.
    pub apply: Length,
    /// How long a report or the answer to a method is on its way, beside what the network takes.
    pub latency: Length,
    /// Devices that take longer to apply things.
    pub slow: Option<Slow>,
    /// The share of devices that never connect.
    pub offline: Share,
    /// Devices that come and go.
    pub flapping: Option<Flapping>,
    /// Devices that reject what they are told (code 403).
    pub reject: Option<Faults>,
    /// Devices that try and fail (code 500).
    pub fail: Option<Faults>,
    /// How devices connect at first.
    pub connect: Connecting,
    /// How devices come back after a lost connection.
    pub reconnect: Reconnecting,
    /// Direct methods and what they are answered; `twinops*recheck` is known without being named.
    pub methods: BTreeMap<String, MethodAnswer>,
    /// The tags with which `--create` makes devices.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, Value>"))]
    pub tags: Map,
    /// Another number gives the parts to other devices. The same one always gives them to the same.
    pub seed: u64,
}

/// Devices that take longer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slow {
    /// How many of the devices.
    pub share: Share,
    /// How long they take to apply what is new, give or take a half.
    pub apply: Length,
}

/// Devices that come and go.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flapping {
    /// How many of the devices.
    pub share: Share,
    /// How long they are connected, give or take a half.
    pub connected: Length,
    /// How long they are away then, give or take a half.
    pub away: Length,
}

/// Devices that do not do as they are told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    /// How many of the devices.
    pub share: Share,
    /// Which components, or single properties as `time.ntp`; all of them when none is named.
    #[serde(default)]
    pub components: Vec<String>,
}

/// How devices connect at first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Connecting {
    /// They spread over this time; without it all of them want to connect at once.
    pub within: Length,
    /// How many handshakes of one process are under way at a time, also later; the others wait.
    pub at_once: NonZeroUsize,
}

/// How devices come back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Reconnecting {
    /// The longest that they wait the first time; each waits for a random part of it, and of twice as much the next time.
    pub first: Length,
    /// The longest that they ever wait.
    pub longest: Length,
}

/// What a direct method is answered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MethodAnswer {
    /// In the manner of HTTP.
    pub status: i32,
    /// Any JSON.
    pub payload: Value,
    /// How long the device thinks about it.
    pub after: Length,
}

impl Default for Connecting {
    fn default() -> Self {
        Self { within: Length::default(), at_once: NonZeroUsize::MIN.saturating_add(127) }
    }
}

impl Default for Reconnecting {
    fn default() -> Self {
        Self { first: Length(Duration::from_secs(1)), longest: Length(Duration::from_mins(2)) }
    }
}

impl Default for MethodAnswer {
    fn default() -> Self {
        Self { status: 200, payload: Value::Null, after: Length::default() }
    }
}

impl Reconnecting {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.first.0, self.longest.0)
    }
}

/// A length of time, written `500ms`, `90s`, `10m`, `1h 30m`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Length(#[cfg_attr(feature = "schema", schemars(with = "String"))] pub Duration);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse::<jiff::SignedDuration>().ok();
        parsed
            .and_then(|length| Duration::try_from(length).ok())
            .map(Self)
            .ok_or_else(|| "a length of time is a number and a unit: `500ms`, `90s`, `10m`, `1h 30m`".to_owned())
    }
}

impl Length {
    /// Give or take a half.
    pub(super) fn about(self) -> Duration {
        self.0.mul_f64(0.5 + fastrand::f64())
    }
}

/// A part of a whole, from 0 to 1, written `5%` or `0.05`.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Share(#[cfg_attr(feature = "schema", schemars(with = "Written"))] pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
        match number.parse::<f64>().map(|number| number / scale) {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err("a share is written `5%` or `0.05`, from 0% to 100%".to_owned()),
        }
    }
}

/// A share as it may be written.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Written {
    Text(String),
    Number(f64),
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(from)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        };
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
