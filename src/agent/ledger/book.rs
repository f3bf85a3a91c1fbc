//! What the ledger holds, and how it moves on. Pure.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    component::pnp,
    twin::{Map, merge, same},
};

/// A desired version for each property of each component. A component that is no object has the one property `""`.
pub(crate) type Versions = BTreeMap<String, BTreeMap<String, u64>>;

/// The desired properties that the agent has accepted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// `desired.$version`; 0 before the first twin.
    pub(crate) version: u64,
    /// The desired section.
    pub(crate) desired: Map,
    /// The version that last spoke of each property, whether it changed its value or not.
    pub(crate) touched: Versions,
}

/// What a property was before the agent touched it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// The thing on the device that the property spoke of, e.g. the path of a file.
    pub(crate) place: String,
    /// Its value; `None` when it was not there.
    pub(crate) value: Option<Value>,
}

/// What the reconciler must not forget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The version at which each property was last applied with success.
    pub(crate) applied: Versions,
    /// What each property was before.
    pub(crate) before: BTreeMap<String, BTreeMap<String, Before>>,
}

/// The whole of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(super) device: String,
    pub(super) accepted: Arc<Accepted>,
    pub(super) notes: Notes,
}

impl Accepted {
    /// The version that last spoke of a property.
    pub(crate) fn touched(&self, component: &str, property: &str) -> u64 {
        look(&self.touched, component, property).unwrap_or(self.version)
    }
}

impl Notes {
    /// The version at which a property was last applied.
    pub(crate) fn applied(&self, component: &str, property: &str) -> Option<u64> {
        look(&self.applied, component, property)
    }

    /// Notes that a property was applied.
    pub(crate) fn set_applied(&mut self, component: &str, property: &str, version: u64) {
        put(&mut self.applied, component, property, version);
    }
}

fn look(versions: &Versions, component: &str, property: &str) -> Option<u64> {
    versions.get(component)?.get(property).copied()
}

fn put(versions: &mut Versions, component: &str, property: &str, version: u64) {
    versions.entry(component.to_owned()).or_default().insert(property.to_owned(), version);
}

/// The properties of a component by name.
pub(crate) fn members(value: &Value) -> Vec<(&str, &Value)> {
    match value {
        Value::Object(component) => pnp::properties(component).map(|(name, value)| (name.as_str(), value)).collect(),
        other => vec![("", other)],
    }
}

fn member<'a>(desired: &'a Map, component: &str, property: &str) -> Option<&'a Value> {
    match desired.get(component)? {
        Value::Object(members) => members.get(property),
        other => property.is_empty().then_some(other),
    }
}

fn each_property(desired: &Map) -> impl Iterator<Item = (&str, &str, &Value)> {
    desired.iter().flat_map(|(component, value)| {
        members(value).into_iter().map(move |(property, value)| (component.as_str(), property, value))
    })
}

impl Book {
    pub(super) fn new(device: &str) -> Self {
        Self { device: device.to_owned(), accepted: Arc::default(), notes: Notes::default() }
    }

    /// The book after a whole twin; `None` when that says nothing new.
    ///
    /// Every property counts as spoken of at `version`: which ones the missed patches named is not to be known. One
    /// that still has its value needs no new work for that, so that its note moves along.
    pub(super) fn with_whole(&self, desired: Map, version: u64) -> Option<Self> {
        let held = &*self.accepted;
        if version == held.version && held.desired == desired {
            return None;
        }
        let mut notes = Notes { applied: Versions::new(), before: self.notes.before.clone() };
        let mut touched = Versions::new();
        for (component, property, value) in each_property(&desired) {
            put(&mut touched, component, property, version);
            let kept = version >= held.version
                && member(&held.desired, component, property).is_some_and(|was| same(was, value));
            if kept && self.notes.applied(component, property) == Some(held.touched(component, property)) {
                notes.set_applied(component, property, version);
            }
        }
        Some(Self { device: self.device.clone(), accepted: Arc::new(Accepted { version, desired, touched }), notes })
    }

    /// The book after the next patch.
    pub(super) fn with_patch(&self, patch: &Map, version: u64) -> Self {
        let held = &*self.accepted;
        let mut desired = held.desired.clone();
        merge(&mut desired, patch);
        let (mut touched, mut notes) = (Versions::new(), self.notes.clone());
        notes.applied = Versions::new();
        for (component, property, _) in each_property(&desired) {
            let named = patch.get(component).is_some_and(|change| names(change, property));
            put(&mut touched, component, property, if named { version } else { held.touched(component, property) });
            if let Some(applied) = self.notes.applied(component, property) {
                notes.set_applied(component, property, applied);
            }
        }
        Self { device: self.device.clone(), accepted: Arc::new(Accepted { version, desired, touched }), notes }
    }
}

/// Whether the change of a component speaks of one of its properties.
fn names(change: &Value, property: &str) -> bool {
    change.as_object().is_none_or(|members| members.contains_key(property))
}
