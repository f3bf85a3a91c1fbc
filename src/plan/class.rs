//! What a class of devices with the same wanted and the same base needs looked at, worked out once.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde_json::Value;

use super::{diff::WithoutNulls as _, moves};
use crate::{
    fleet::Wanted,
    twin::{Map, PropertyPath, Section, leaves},
};

/// Devices that share `wanted` and `base`: all that can be known without the twin.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) wanted: Arc<Wanted>,
    /// The components that wanted or base speak of, in order of name.
    pub(super) components: Vec<Component>,
    /// Tags that wanted or base speak of.
    pub(super) tags: Vec<Component>,
    /// The set of paths that we own differs between wanted and base: the marker has to move even if no value does.
    pub(super) owns_other_paths: bool,
    /// What was wanted at the revision last applied.
    pub(super) base: Option<Arc<Wanted>>,
    /// Profiles that begin to apply, and those that cease.
    pub(super) moves: Vec<(Arc<str>, bool)>,
    /// Where base held a secret: a twin holds it until it is pruned or replaced.
    base_secrets: Vec<PropertyPath>,
}

/// One top-level member of a section.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) wanted: Option<Value>,
    pub(super) base: Option<Value>,
    /// How the hub would write it if nothing foreign is in it: a twin that holds exactly this needs no tree.
    pub(super) text: Option<String>,
}

impl Class {
    pub(super) fn new(wanted: Option<Arc<Wanted>>, known: Option<Arc<Wanted>>) -> Self {
        let wanted = wanted.unwrap_or_default();
        let nothing = Wanted::default();
        let base = known.as_deref().unwrap_or(&nothing);
        Self {
            components: components(&wanted.desired, &base.desired),
            tags: components(&wanted.tags, &base.tags),
            owns_other_paths: owned(&wanted) != owned(base),
            base_secrets: base.secrets.clone(),
            moves: moves::between(&wanted, known.as_deref()),
            base: known,
            wanted,
        }
    }

    /// Whether the revision last applied declared something at, above or below these keys.
    pub(super) fn declared_before(&self, section: Section, keys: &[Arc<str>]) -> bool {
        let components = if section == Section::Tags { &self.tags } else { &self.components };
        let Some((name, below)) = keys.split_first() else { return false };
        let base = components.iter().find(|component| *component.name == **name).and_then(|c| c.base.as_ref());
        let Some(mut at) = base else { return false };
        for key in below {
            match at {
                Value::Object(members) => match members.get(&**key) {
                    Some(value) => at = value,
                    None => return false,
                },
                // A value was declared for all that would lie below it.
                _ => return true,
            }
        }
        true
    }

    /// Where secrets are, or were.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &PropertyPath> {
        self.wanted.secrets.iter().chain(&self.base_secrets)
    }

    /// Whether a value at, above or below `path` is a secret, or was one.
    pub(super) fn is_secret(&self, path: &PropertyPath) -> bool {
        let was = |secret: &PropertyPath| secret.is_within(path) || path.is_within(secret);
        self.wanted.is_secret(path) || self.base_secrets.iter().any(was)
    }
}

impl Component {
    /// Whether the twin's own text shows that nothing has to change, without a closer look.
    pub(super) fn is_exactly(&self, live: Option<&str>) -> bool {
        match (live, &self.text) {
            (Some(live), Some(text)) => live == text,
            (None, _) => self.wanted.is_none(),
            (Some(_), None) => false,
        }
    }
}

fn components(wanted: &Map, base: &Map) -> Vec<Component> {
    let names: BTreeSet<&String> = wanted.keys().chain(base.keys()).collect();
    let component = |name: &String| {
        let stored = wanted.get(name).and_then(|value| match value {
            Value::Object(members) => Some(Value::Object(members.clone_without_nulls())),
            Value::Null => None,
            other => Some(other.clone()),
        });
        Component {
            name: name.clone(),
            wanted: wanted.get(name).cloned(),
            base: base.get(name).cloned(),
            text: stored.map(|value| value.to_string()),
        }
    };
    names.into_iter().map(component).collect()
}

fn owned(wanted: &Wanted) -> BTreeSet<(bool, Vec<Arc<str>>)> {
    let of = |section, tags: bool| leaves(section).into_iter().map(move |leaf| (tags, leaf.keys));
    of(&wanted.desired, false).chain(of(&wanted.tags, true)).collect()
}

/// Two `Wanted` told apart by identity: classes share theirs, so this is both quick and exact enough for a cache.
#[derive(Debug, Clone)]
pub(super) struct ByIdentity(pub(super) Option<Arc<Wanted>>);

impl ByIdentity {
    fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| Arc::as_ptr(shared) as usize)
    }
}

impl PartialEq for ByIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for ByIdentity {}

impl Hash for ByIdentity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}
