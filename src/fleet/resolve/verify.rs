//! The merged result held against the components' schemas and the hub's limits.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    component::Registry,
    fleet::{Finding, Place, Wanted},
    twin::{Map, PropertyPath, Section, limits},
};

/// A revision as long as those of git, with which the room for the marker is measured.
const REVISION: &str = "0123456789012345678901234567890123456789";
/// The longest name of a device's document.
const DEVICE_SOURCE: usize = "Device/".len() + 128;

/// Checks merged results.
#[derive(Debug)]
pub(super) struct Verifier {
    fleet: String,
    components: Vec<Component>,
}

#[derive(Debug)]
struct Component {
    keys: Vec<Arc<str>>,
}

impl Verifier {
    pub(super) fn new(registry: &Registry, fleet: &str) -> Self {
        let components =
            registry.iter().map(|component| Component { keys: component.keys().map(Into::into).collect() });
        Self { fleet: fleet.to_owned(), components: components.collect() }
    }

    /// Adds what is wrong with `wanted`; `place` knows which line a path comes from.
    pub(super) fn check(
        &self,
        wanted: &Wanted,
        own: bool,
        place: impl Fn(&PropertyPath) -> Option<Place>,
        findings: &mut Vec<Finding>,
    ) {
        let stored = without_nulls(&wanted.desired);
        let mut tags = without_nulls(&wanted.tags);
        self.leave_room(wanted, own, &mut tags);
        let violations =
            limits::check(Section::Desired, &stored).into_iter().chain(limits::check(Section::Tags, &tags));
        for violation in violations {
            let finding = Finding::error("hub-limit", format!("`{}`: {}", violation.path, violation.message));
            findings.push(Finding { place: place(&violation.path), ..finding });
        }
        let _ = &self.components;
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

/// A section as the hub stores it; an object of which nothing is left stays.
fn without_nulls(section: &Map) -> Map {
    let stored = |value: &Value| match value {
        Value::Object(below) => Value::Object(without_nulls(below)),
        other => other.clone(),
    };
    section.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), stored(value))).collect()
}
