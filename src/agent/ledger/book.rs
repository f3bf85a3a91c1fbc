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
    /// What its resource needs to bring it back; `None` when it was not there.
    pub(crate) value: Option<Value>,
    /// Whether it stays as it is when nobody declares it any more.
    #[serde(default)]
    pub(crate) leave: bool,
}

/// What the reconciler must not forget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The version at which each property was last applied with success.
    pub(crate) applied: Versions,
    /// What each property was before.
    pub(crate) before: BTreeMap<String, BTreeMap<String, Before>>,
    /// What was gone back on, because the hub was not reached with it.
    #[serde(default)]
    pub(crate) rejected: BTreeMap<String, BTreeMap<String, Rejected>>,
    /// What is being risked right now.
    #[serde(default)]
    pub(crate) checkpoint: Option<Checkpoint>,
    /// What changed on the device and was set again, the latest last.
    #[serde(default)]
    pub(crate) healed: Vec<Healed>,
    /// What happened while the hub was out of reach.
    #[serde(default)]
    pub(crate) offline: Offline,
}

/// What happened while the hub was out of reach, the latest last. It is kept until the hub is out of reach again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offline {
    /// Whether the hub was in reach since.
    pub(crate) told: bool,
    pub(crate) events: Vec<Happened>,
}

/// Something that happened, once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happened {
    /// `component.property`.
    pub(crate) path: String,
    pub(crate) what: What,
    /// When it last did.
    pub(crate) at: String,
    /// How often.
    pub(crate) count: u64,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum What {
    Applied,
    Failed,
    Healed,
    Overridden,
    Restored,
    GoneBack,
}

/// A change that cut the device off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejected {
    /// The version that asked for it.
    pub(crate) version: u64,
    /// In words for the operator.
    pub(crate) why: String,
}

/// Changes that may cut the device off, and what was there before them. It is on disk before the first of them, and
/// goes away when the hub was reached again or everything is as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Whether the hub was in reach before.
    pub(crate) reached: bool,
    /// How long the hub may take to be reached.
    pub(crate) seconds: u32,
    /// In the order in which they are made.
    pub(crate) risked: Vec<Risked>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Risked {
    pub(crate) component: String,
    pub(crate) property: String,
    /// The thing on the device.
    pub(crate) place: String,
    /// The version that asks for it.
    pub(crate) version: u64,
    /// What its resource needs to bring it back.
    pub(crate) held: Option<Value>,
    /// The note to be made again, when what is risked is putting something back.
    pub(crate) before: Option<Before>,
}

/// A value that changed on the device and was set again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Healed {
    /// `component.property`.
    pub(crate) path: String,
    /// When it was last set again.
    pub(crate) at: String,
    /// How often.
    pub(crate) count: u64,
}

/// As many healed values are remembered.
const MOST_HEALED: usize = 8;
/// As many things that happened while the hub was out of reach.
const MOST_OFFLINE: usize = 16;

/// The whole of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(super) device: String,
    pub(crate) accepted: Arc<Accepted>,
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

    /// Notes that a property is no longer what was applied.
    pub(crate) fn clear_applied(&mut self, component: &str, property: &str) {
        if let Some(properties) = self.applied.get_mut(component) {
            properties.remove(property);
        }
    }

    /// Why a property at this version is not tried again.
    pub(crate) fn rejected(&self, component: &str, property: &str, version: u64) -> Option<&str> {
        let rejected = self.rejected.get(component)?.get(property)?;
        (rejected.version == version).then_some(rejected.why.as_str())
    }

    /// Notes what a property was before it was touched.
    pub(crate) fn set_before(&mut self, component: &str, property: &str, before: Before) {
        self.before.entry(component.to_owned()).or_default().insert(property.to_owned(), before);
    }

    /// Notes that nothing of a property is to be put back any more.
    pub(crate) fn forget(&mut self, component: &str, property: &str) -> Option<Before> {
        let properties = self.before.get_mut(component)?;
        let before = properties.remove(property);
        if properties.is_empty() {
            self.before.remove(component);
        }
        before
    }

    /// Notes what happened while the hub is out of reach; the same twice is one note, and the oldest give way.
    pub(crate) fn set_offline(&mut self, path: String, what: What, at: &str) {
        let Offline { told, events } = &mut self.offline;
        if std::mem::take(told) {
            events.clear();
        }
        let known = events.iter().position(|event| event.what == what && event.path == path);
        let count = known.map_or(0, |known| events.remove(known).count);
        events.push(Happened { path, what, at: at.to_owned(), count: count + 1 });
        events.drain(..events.len().saturating_sub(MOST_OFFLINE));
    }

    /// Notes that a value was set again; the same one twice is one note, and the oldest give way.
    pub(crate) fn set_healed(&mut self, path: String, at: &str) {
        let known = self.healed.iter().position(|healed| healed.path == path);
        let count = known.map_or(0, |known| self.healed.remove(known).count);
        self.healed.push(Healed { path, at: at.to_owned(), count: count + 1 });
        self.healed.drain(..self.healed.len().saturating_sub(MOST_HEALED));
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
    pub(crate) fn new(device: &str) -> Self {
        Self { device: device.to_owned(), accepted: Arc::default(), notes: Notes::default() }
    }

    /// The book of the same device on another hub: what it was before is still to be put back, and nothing else holds.
    pub(super) fn moved(self, device: &str) -> Self {
        let notes = Notes { before: self.notes.before, checkpoint: self.notes.checkpoint, ..Notes::default() };
        Self { notes, ..Self::new(device) }
    }

    /// The book after a whole twin; `None` when that says nothing new.
    ///
    /// Every property counts as spoken of at `version`: which ones the missed patches named is not to be known. One
    /// that still has its value needs no new work for that, so that its note moves along.
    pub(crate) fn with_whole(&self, desired: Map, version: u64) -> Option<Self> {
        let held = &*self.accepted;
        if version == held.version && held.desired == desired {
            return None;
        }
        let mut notes = self.notes.clone();
        notes.applied = Versions::new();
        notes.rejected = BTreeMap::new();
        let mut touched = Versions::new();
        for (component, property, value) in each_property(&desired) {
            put(&mut touched, component, property, version);
            let kept = version >= held.version
                && member(&held.desired, component, property).is_some_and(|was| same(was, value));
            let was = held.touched(component, property);
            if kept && self.notes.applied(component, property) == Some(was) {
                notes.set_applied(component, property, version);
            }
            if let Some(why) = self.notes.rejected(component, property, was).filter(|_| kept) {
                let rejected = Rejected { version, why: why.to_owned() };
                notes.rejected.entry(component.to_owned()).or_default().insert(property.to_owned(), rejected);
            }
        }
        Some(Self { device: self.device.clone(), accepted: Arc::new(Accepted { version, desired, touched }), notes })
    }

    /// The book after the next patch.
    pub(crate) fn with_patch(&self, patch: &Map, version: u64) -> Self {
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
