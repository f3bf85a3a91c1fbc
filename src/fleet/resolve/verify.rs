//! The merged result held against the components' schemas and the hub's limits.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use super::{merged::holds_something, room};
use crate::{
    component::{Registry, laws},
    fleet::{Fault, Finding, Place, Target, Wanted, schema::Components},
    twin::{PropertyPath, Section, limits},
};

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

    /// Adds what the schemas hold against what was merged; `place` knows which line a path comes from.
    pub(super) fn schemas(
        &self,
        wanted: &Wanted,
        place: impl Fn(&PropertyPath) -> Option<Place>,
        findings: &mut Vec<Finding>,
    ) {
        for piece in self.registry.pieces(&wanted.desired) {
            let Some(schema) = piece.schema.filter(|_| holds_something(piece.value)) else { continue };
            let value = stored(piece.value);
            let mut faults = self.components.check_resolved(&schema.name, &value);
            if faults.is_empty() {
                faults.extend(laws::check(&schema.name, &value).into_iter().map(broken));
            }
            findings.extend(faults.into_iter().map(|fault| invalid(&schema.path, &piece.keys, fault, &place)));
        }
    }

    /// Adds what the hub holds against it once it is marked, with room for a marker of the greatest size. `own` if the
    /// device has a document of its own.
    pub(super) fn limits(
        &self,
        wanted: &Wanted,
        own: bool,
        place: impl Fn(&PropertyPath) -> Option<Place>,
        findings: &mut Vec<Finding>,
    ) {
        let marker = room::marker(&self.fleet, wanted) + if own { DEVICE_SOURCE } else { 0 };
        let tags = limits::check_beside(Section::Tags, &wanted.tags, marker);
        for violation in limits::check_beside(Section::Desired, &wanted.desired, room::OWN).into_iter().chain(tags) {
            let finding = Finding::error("hub-limit", format!("`{}`: {}", violation.path, violation.message));
            findings.push(Finding { place: place(&violation.path), ..finding });
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

/// A value as the hub stores it, without nulls; an object of which nothing is left stays.
fn stored(value: &Value) -> Cow<'_, Value> {
    fn without_nulls(value: &Value) -> Value {
        let Value::Object(members) = value else { return value.clone() };
        let members = members.iter().filter(|(_, value)| !value.is_null());
        members.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
    }
    if holds_null(value) { Cow::Owned(without_nulls(value)) } else { Cow::Borrowed(value) }
}

fn holds_null(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(|members| members.values().any(holds_null))
}
