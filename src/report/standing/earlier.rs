//! Earlier standings, as their JSON reports tell them: what is new since one of them, and how drift went over time.

use std::{
    collections::{BTreeMap, HashSet},
    io,
};

use jiff::Timestamp;
use serde::Deserialize;

use super::{Lens, json::KIND};
use crate::{
    plan::{DeviceVerdict, PropertyVerdict, Standing},
    report::json::VERSION,
};

/// A report of an earlier run.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// When it was made; `None` of one that does not say so.
    pub time: Option<Timestamp>,
    /// The revision that devices were held against.
    pub revision: String,
    /// What it tells of: device, path and verdict.
    told: HashSet<(Box<str>, Box<str>, Box<str>)>,
}

/// How a fleet stood once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// Devices by the word of their verdict.
    pub devices: BTreeMap<String, u64>,
}

/// A file is no report of an earlier run.
#[derive(Debug, thiserror::Error)]
pub enum EarlierError {
    /// It is no JSON, or lacks what every report has.
    #[error("it is no JSON report of `twinops drift` or `twinops status`")]
    Json(#[from] serde_json::Error),
    /// It is another report.
    #[error("it is a report of kind `{kind}` and version {version}; what is needed is `{KIND}` and {VERSION}")]
    Kind {
        /// What it says it is.
        kind: String,
        /// Its version.
        version: u32,
    },
    /// It is about other devices.
    #[error("it is about the fleet `{found}`, not about `{wanted}`")]
    Fleet {
        /// Whose it is.
        found: String,
        /// Whose is needed.
        wanted: String,
    },
    /// It cannot be put in order.
    #[error("it does not say when it was made; reports do since they have a `time`")]
    Timeless,
}

/// What all of them have.
#[derive(Deserialize)]
struct Envelope<D> {
    version: u32,
    kind: String,
    #[serde(default)]
    fleet: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    devices: BTreeMap<String, u64>,
    #[serde(default)]
    outstanding: D,
}

#[derive(Deserialize)]
struct Device {
    id: Box<str>,
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    path: Box<str>,
    verdict: Box<str>,
}

/// A list that nobody asks for, read past.
#[derive(Default, Deserialize)]
#[serde(from = "serde::de::IgnoredAny")]
struct Unread;

impl From<serde::de::IgnoredAny> for Unread {
    fn from(_: serde::de::IgnoredAny) -> Self {
        Self
    }
}

impl Earlier {
    /// Reads a report of the same fleet.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(input: impl io::Read, fleet: &str) -> Result<Self, EarlierError> {
        let Envelope { time, revision, outstanding, .. } = envelope::<Vec<Device>>(input, fleet)?;
        let told = outstanding.into_iter().flat_map(|Device { id, properties }| {
            properties.into_iter().map(move |Property { path, verdict }| (id.clone(), path, verdict))
        });
        Ok(Self { time: parsed(time), revision, told: told.collect() })
    }

    /// What stands like this now and did not then, as far as a lens shows it.
    pub(super) fn new_ones<'a>(
        &self,
        standing: &'a Standing,
        lens: Lens,
    ) -> impl Iterator<Item = (&'a DeviceVerdict, &'a PropertyVerdict)> {
        shown(standing, lens).filter(|(device, property)| !self.told.contains(&key(device, property)))
    }

    /// How many of those that it told of do not stand like this any more.
    pub(super) fn gone(&self, standing: &Standing, lens: Lens) -> u64 {
        let still = shown(standing, lens).filter(|(device, property)| self.told.contains(&key(device, property)));
        let lenses = |word: &str| crate::plan::Verdict::ALL.iter().any(|v| v.word() == word && lens.shows(*v));
        let then = self.told.iter().filter(|(_, _, verdict)| lenses(verdict)).count();
        (then - then.min(still.count())) as u64
    }
}

impl Moment {
    /// Reads the counts of a report of the same fleet; the rest is read past.
    ///
    /// # Errors
    /// When it is none, or does not say when it was made.
    pub fn read(input: impl io::Read, fleet: &str) -> Result<Self, EarlierError> {
        let Envelope { time, devices, .. } = envelope::<Unread>(input, fleet)?;
        Ok(Self { time: parsed(time).ok_or(EarlierError::Timeless)?, devices })
    }
}

fn parsed(time: Option<String>) -> Option<Timestamp> {
    time?.parse().ok()
}

fn envelope<D: for<'de> Deserialize<'de> + Default>(
    input: impl io::Read,
    fleet: &str,
) -> Result<Envelope<D>, EarlierError> {
    let report: Envelope<D> = serde_json::from_reader(input)?;
    if (&*report.kind, report.version) != (KIND, VERSION) {
        return Err(EarlierError::Kind { kind: report.kind, version: report.version });
    }
    if report.fleet != fleet {
        return Err(EarlierError::Fleet { found: report.fleet, wanted: fleet.to_owned() });
    }
    Ok(report)
}

fn shown<'a>(standing: &'a Standing, lens: Lens) -> impl Iterator<Item = (&'a DeviceVerdict, &'a PropertyVerdict)> {
    let devices = standing.outstanding.iter().filter(move |device| lens.shows(device.verdict));
    let each = |device: &'a DeviceVerdict| device.properties.iter().map(move |property| (device, property));
    devices.flat_map(each).filter(move |(_, property)| lens.shows(property.verdict))
}

fn key(device: &DeviceVerdict, property: &PropertyVerdict) -> (Box<str>, Box<str>, Box<str>) {
    (device.device.as_str().into(), property.path.to_string().into(), property.verdict.word().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &str, version: u32, time: &str) -> String {
        format!(
            r#"{{"version": {version}, "kind": "{kind}", "fleet": "f", "revision": "r", {time}"devices": {{"drifted": 3}},
            "outstanding": [{{"id": "d", "properties": [{{"path": "tags.a", "verdict": "edited"}}]}}]}}"#
        )
    }

    #[test]
    fn what_is_no_report_of_the_fleet_is_refused() {
        let read = |text: &str, fleet| Earlier::read(text.as_bytes(), fleet).map(|earlier| earlier.told.len());
        assert!(matches!(read(&report(KIND, VERSION, ""), "f"), Ok(1)));
        assert!(matches!(read("{}", "f"), Err(EarlierError::Json(_))));
        assert!(matches!(read(r#"{"version": 1, "kind": "findings"}"#, "f"), Err(EarlierError::Kind { .. })));
        assert!(matches!(read(&report("plan", VERSION, ""), "f"), Err(EarlierError::Kind { .. })));
        assert!(matches!(read(&report(KIND, 2, ""), "f"), Err(EarlierError::Kind { version: 2, .. })));
        assert!(matches!(read(&report(KIND, VERSION, ""), "g"), Err(EarlierError::Fleet { .. })));
    }

    #[test]
    fn a_moment_has_a_time() {
        let read = |time: &str| Moment::read(report(KIND, VERSION, time).as_bytes(), "f");
        let moment = read(r#""time": "2026-09-02T08:00:00Z", "#).unwrap();
        assert_eq!((moment.time.to_string(), moment.devices["drifted"]), ("2026-09-02T08:00:00Z".to_owned(), 3));
        assert!(matches!(read(""), Err(EarlierError::Timeless)));
    }
}
