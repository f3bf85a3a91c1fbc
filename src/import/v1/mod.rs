//! Sections of the Windows IoT Azure DM client as neutral components (Windows reference 7.4).
//!
//! One function a section takes what has a neutral name and notes what has none: nothing is dropped in silence.

mod apps;
mod diagnostics;
mod system;
mod updates;
mod wifi;
mod zones;

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::names::fingerprint;
use crate::twin::Map;

/// The member of desired that the client reads.
pub(super) const ROOT: &str = "windows";
/// Switches of the client's protocol that the neutral components do without.
const SWITCHES: [&str; 2] = ["reportProperties", "sourcePriority"];

/// Neutral components, and what could not become part of one: dotted path and reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Converted {
    pub(super) components: Map,
    pub(super) notes: Vec<(String, String)>,
}

/// Converts, each distinct text once.
#[derive(Debug)]
pub(super) struct Converter {
    today: jiff::civil::Date,
    known: HashMap<u128, Arc<Converted>>,
}

impl Converter {
    pub(super) fn new(today: jiff::civil::Date) -> Self {
        Self { today, known: HashMap::new() }
    }

    /// What the text of the `windows` member comes to.
    pub(super) fn convert(&mut self, text: &str) -> Result<Arc<Converted>, serde_json::Error> {
        let key = fingerprint(text);
        if let Some(known) = self.known.get(&key) {
            return Ok(Arc::clone(known));
        }
        let value: Value = serde_json::from_str(text)?;
        let converted = Arc::new(convert(&value, self.today));
        self.known.insert(key, Arc::clone(&converted));
        Ok(converted)
    }
}

fn convert(windows: &Value, today: jiff::civil::Date) -> Converted {
    let mut out = Converted::default();
    let Value::Object(sections) = windows else {
        out.note(&[], "it is no object, but leads on to sections");
        return out;
    };
    for (name, value) in sections {
        let mut section = Section { out: &mut out, way: vec![name.clone()] };
        let Value::Object(members) = value else {
            section.note(&[], "the section is no object");
            continue;
        };
        match name.as_str() {
            "timeInfo" => system::time(members, &mut section),
            "timeService" => system::service(members, &mut section),
            "windowsTelemetry" => system::telemetry(members, &mut section),
            "rebootInfo" => system::reboot(members, &mut section),
            "windowsUpdatePolicy" => updates::policy(members, today, &mut section),
            "windowsUpdates" => updates::approvals(members, &mut section),
            "certificates" => apps::certificates(members, &mut section),
            "apps" => apps::apps(members, &mut section),
            "wifi" => wifi::wifi(members, &mut section),
            "eventTracingCollectors" => diagnostics::collectors(members, &mut section),
            "deviceInfo" => section.note(&[], "devices report what they are without being asked"),
            "externalStorage" => section.note(
                &[],
                "the key of a storage account opens all of it; make a shared access signature for each file and take its URL as `source`",
            ),
            "deviceHealthAttestation" => section.note(&[], "there is no component `attestation` yet"),
            _ => section.note(&[], "no neutral component has it"),
        }
    }
    out
}

impl Converted {
    fn note(&mut self, way: &[&str], reason: &str) {
        let path = [&["properties", "desired", ROOT], way].concat().join(".");
        self.notes.push((path, reason.to_owned()));
    }
}

/// One section on its way.
struct Section<'o> {
    out: &'o mut Converted,
    way: Vec<String>,
}

impl Section<'_> {
    /// Says what is dropped, and why.
    fn note(&mut self, below: &[&str], reason: &str) {
        let way: Vec<&str> = self.way.iter().map(String::as_str).chain(below.iter().copied()).collect();
        self.out.note(&way, reason);
    }

    /// Says of every member that is not among `known` that it is dropped.
    fn rest(&mut self, below: &[&str], members: &Map, known: &[&str], reason: &str) {
        for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
            let switch = SWITCHES.contains(&key.as_str());
            let way: Vec<&str> = below.iter().copied().chain([key.as_str()]).collect();
            self.note(&way, if switch { "neutral components have no such switch" } else { reason });
        }
    }

    /// Puts a value into a component.
    fn put(&mut self, path: &[&str], value: impl Into<Value>) {
        let keys: Vec<Arc<str>> = path.iter().map(|key| Arc::from(*key)).collect();
        crate::twin::set_path(&mut self.out.components, &keys, value.into());
    }
}

/// A text member.
fn text<'m>(members: &'m Map, key: &str) -> Option<&'m str> {
    members.get(key)?.as_str()
}

/// An id as maps of components have them: letters, digits, `_` and `-`, at most 64.
fn id(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    name.chars().take(64).map(plain).collect()
}

/// What a section applies: it, or nothing with a note when the client was told not to apply it.
fn applied<'m>(below: &[&str], members: &'m Map, section: &mut Section<'_>) -> Option<&'m Map> {
    section.rest(below, members, &["applyProperties"], "no neutral component has it");
    if let Some(Value::Object(apply)) = members.get("applyProperties") {
        return Some(apply);
    }
    section.note(&[below, &["applyProperties"]].concat(), "nothing is applied");
    None
}
