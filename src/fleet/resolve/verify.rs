//! The merged result held against the components' schemas and the hub's limits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::merged::{holds_something, mark};
use crate::{
    component::{Registry, laws, pnp},
    fleet::{Fault, Finding, Place, Target, Wanted, schema::Components},
    twin::{Map, PropertyPath, Section, get, limits},
};

/// A revision as long as those of git, with which the room for the marker is measured.
const REVISION: &str = "0123456789012345678901234567890123456789";
/// The longest name of a device's document.
const DEVICE_SOURCE: usize = "Device/".len() + 128;

/// Checks merged results.
#[derive(Debug)]
pub(super) struct Verifier {
    fleet: String,
    registry: Arc<Registry>,
    components: Components,
}

impl Verifier {
    pub(super) fn new(registry: &Arc<Registry>, fleet: &str) -> Self {
        Self { fleet: fleet.to_owned(), registry: registry.clone(), components: Components::new(registry) }
    }

    /// Adds what is wrong with `wanted`; `place` knows which line a path comes from.
    pub(super) fn check(
        &self,
        wanted: &Wanted,
        own: bool,
        place: impl Fn(&PropertyPath) -> Option<Place>,
        findings: &mut Vec<Finding>,
    ) {
        let mut stored = without_nulls(&wanted.desired);
        for piece in self.registry.pieces(&wanted.desired) {
            let Some(schema) = piece.schema.filter(|_| holds_something(piece.value)) else { continue };
            let Some(value) = get(&stored, &piece.keys) else { continue };
            let mut faults = self.components.check_resolved(&schema.name, value);
            if faults.is_empty() {
                faults.extend(laws::check(&schema.name, value).into_iter().map(broken));
            }
            findings.extend(faults.into_iter().map(|fault| invalid(&schema.path, &piece.keys, fault, &place)));
        }
        mark(&self.registry, &mut stored);
        stored.insert(pnp::TWINOPS.to_owned(), json!({"__t": "c", "revision": REVISION}));
        let mut tags = without_nulls(&wanted.tags);
        self.leave_room(wanted, own, &mut tags);
        for violation in limits::check(Section::Desired, &stored).into_iter().chain(limits::check(Section::Tags, &tags))
        {
            let finding = Finding::error("hub-limit", format!("`{}`: {}", violation.path, violation.message));
            findings.push(Finding { place: place(&violation.path), ..finding });
        }
    }

    /// Puts a marker of the greatest size into the tags.
    fn leave_room(&self, wanted: &Wanted, own: bool, tags: &mut Map) {
        let device = own.then(|| "x".repeat(DEVICE_SOURCE));
        let sources: Vec<&str> = wanted.sources.iter().map(|source| &**source).chain(device.as_deref()).collect();
        let marker = json!({"revision": REVISION, "rejected": REVISION, "sources": sources});
        let markers = tags.entry("twinops").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(markers) = markers {
            markers.insert(self.fleet.clone(), marker);
        }
    }
}

/// What is wrong with a merged component, at the line that the value, or what it should be in, comes from.
fn invalid(name: &str, keys: &[Arc<str>], fault: Fault, place: impl Fn(&PropertyPath) -> Option<Place>) -> Finding {
    let below = fault.pointer.split('/').skip(1).map(|step| Arc::from(step.replace("~1", "/").replace("~0", "~")));
    let path = Section::Desired.path(keys.iter().cloned().chain(below));
    let place = place(&path).map(|place| match place.target {
        Target::Value(pointer) if fault.is_key => Place { target: Target::Key(pointer), ..place },
        _ => place,
    });
    let message = format!("`{name}` as merged from all documents is not valid: {}", fault.message);
    Finding { place, label: fault.label, help: fault.help, ..Finding::error("invalid-merged-component", message) }
}

fn broken(breach: laws::Breach) -> Fault {
    Fault {
        pointer: breach.pointer,
        is_key: false,
        rule: "invalid-merged-component",
        message: breach.message,
        label: None,
        help: Some(breach.help.to_owned()),
    }
}

/// A section as the hub stores it; an object of which nothing is left stays.
fn without_nulls(section: &Map) -> Map {
    let stored = |value: &Value| match value {
        Value::Object(below) => Value::Object(without_nulls(below)),
        other => other.clone(),
    };
    section.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), stored(value))).collect()
}
