//! What configurations make of a twin (protocol reference 5.2, 8.4).
//!
//! A [`Wanted`] is what all configurations together want of one twin, each value with its owner. Bringing a twin
//! there is idempotent: what is already as it should be is not written again, and a value that a configuration wrote
//! and none wants any more goes away.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde_json::Value;

use super::{
    Half, Record,
    half::{BY_CONFIGURATION, UPDATED, UPDATED_VERSION},
    write::{checked, notice},
};
use crate::{
    hub::failure::Failure,
    twin::{Map, Section, same},
};

/// In whose name a value is written: a configuration, and which of those that ever had its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) id: Box<str>,
    pub(crate) digest: Box<str>,
}

/// What is wanted at one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Want {
    /// This scalar or array; otherwise an object.
    value: Option<Value>,
    /// What is wanted in the object at least.
    below: Wants,
    /// Who writes it, or makes the object where there is none.
    owner: Arc<Owner>,
}

/// What is wanted below one place, by key.
pub(crate) type Wants = BTreeMap<Box<str>, Want>;

/// What all configurations together want of one twin.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wanted {
    /// Desired values.
    pub(crate) values: Wants,
    /// Whether there is to be nothing else among the desired values, whoever wrote it.
    pub(crate) exclusive: bool,
    /// The twin's `configurations`, as JSON text; nothing when none is applied.
    pub(crate) applied: Option<Box<str>>,
}

/// A step that brings a twin to what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    desired: Option<Half>,
    told: Option<Bytes>,
    configurations: Option<Box<str>>,
}

impl Wanted {
    /// Lays a value over what is wanted so far. Nulls are nothing that a twin could hold, and want nothing.
    pub(crate) fn lay(&mut self, path: &[Box<str>], value: &Value, owner: &Arc<Owner>) {
        let mut here = &mut self.values;
        for key in path.iter().take(path.len().saturating_sub(1)) {
            here = branch(here, key, owner);
        }
        match (path.last(), value) {
            (Some(key), _) => lay(here, key, value, owner),
            (None, Value::Object(members)) => members.iter().for_each(|(key, value)| lay(here, key, value, owner)),
            (None, _) => {}
        }
    }
}

fn branch<'w>(wants: &'w mut Wants, key: &str, owner: &Arc<Owner>) -> &'w mut Wants {
    let object = || Want { value: None, below: Wants::new(), owner: Arc::clone(owner) };
    let want = wants.entry(key.into()).or_insert_with(object);
    want.value = None;
    &mut want.below
}

fn lay(wants: &mut Wants, key: &str, value: &Value, owner: &Arc<Owner>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            let below = branch(wants, key, owner);
            members.iter().for_each(|(key, value)| lay(below, key, value, owner));
        }
        _ => {
            let leaf = Want { value: Some(value.clone()), below: Wants::new(), owner: Arc::clone(owner) };
            wants.insert(key.into(), leaf);
        }
    }
}

impl Record {
    /// What is to be done to bring the twin to what is wanted, if anything. `lives` knows the configurations that
    /// there are, by id and digest; what others left behind belongs to nobody.
    pub(crate) fn step(
        &self,
        wanted: &Wanted,
        lives: &dyn Fn(&str, &str) -> bool,
        time: &str,
    ) -> Result<Option<Step>, Failure> {
        let changed = self.desired.toward(wanted, lives, time)?;
        if changed.is_none() && self.configurations == wanted.applied {
            return Ok(None);
        }
        let (desired, told) = changed.map_or((None, None), |(half, told)| (Some(half), told));
        Ok(Some(Step { desired, told, configurations: wanted.applied.clone() }))
    }

    /// Takes a step that was found for this very record. What the device is to hear of it, if anything.
    pub(crate) fn take(&mut self, step: Step) -> Option<Bytes> {
        self.configurations = step.configurations;
        if step.told.is_some() {
            self.etag += 1;
            self.version += 1;
        }
        if let Some(desired) = step.desired {
            self.desired = desired;
        }
        step.told
    }
}

impl Half {
    /// This half as it is wanted, and what the device is to hear of it: nothing if only an owner changes.
    fn toward(
        &self,
        wanted: &Wanted,
        lives: &dyn Fn(&str, &str) -> bool,
        time: &str,
    ) -> Result<Option<(Self, Option<Bytes>)>, Failure> {
        if wanted.values.is_empty() && !wanted.exclusive && !self.metadata.contains(BY_CONFIGURATION[0]) {
            return Ok(None);
        }
        let mut tree = self.tree()?;
        let patch =
            Way { lives, exclusive: wanted.exclusive }.patch(Some(&wanted.values), &tree.values, &tree.metadata);
        if patch.is_empty() {
            let same = !adopt(&mut tree.metadata, &wanted.values);
            return Ok((!same).then(|| (Self { version: self.version, ..self.next(tree) }, None)));
        }
        let version = self.version + 1;
        Brush { time, version }.merge(&mut tree.values, &mut tree.metadata, &patch, Some(&wanted.values));
        adopt(&mut tree.metadata, &wanted.values);
        let half = checked(Section::Desired, self, tree)?;
        Ok(Some((half, Some(notice(patch, version)))))
    }
}

/// From what is to what is wanted.
struct Way<'a> {
    lives: &'a dyn Fn(&str, &str) -> bool,
    exclusive: bool,
}

impl Way<'_> {
    /// The merge patch that leads there; empty if nothing has to change.
    fn patch(&self, wants: Option<&Wants>, values: &Map, metadata: &Map) -> Map {
        let node = |key: &str| metadata.get(key).and_then(Value::as_object);
        let unwanted = values.iter().filter(|(key, _)| wants.is_none_or(|wants| !wants.contains_key(key.as_str())));
        let gone = unwanted.filter_map(|(key, value)| Some((key.clone(), self.leftover(value, node(key))?)));
        let mut patch: Map = gone.collect();
        for (key, want) in wants.into_iter().flatten() {
            if let Some(change) = self.change(want, values.get(&**key), node(key)) {
                patch.insert(key.to_string(), change);
            }
        }
        patch
    }

    /// What becomes of a value that nobody wants.
    fn leftover(&self, value: &Value, node: Option<&Map>) -> Option<Value> {
        let goes = self.exclusive || node.is_some_and(|node| self.owned(node));
        match value {
            Value::Object(members) if !self.exclusive && !members.is_empty() => {
                let below = self.patch(None, members, node.unwrap_or(&Map::new()));
                let emptied = below.len() == members.len() && below.values().all(Value::is_null);
                if goes && emptied {
                    return Some(Value::Null);
                }
                (!below.is_empty()).then_some(Value::Object(below))
            }
            _ => goes.then_some(Value::Null),
        }
    }

    fn change(&self, want: &Want, value: Option<&Value>, node: Option<&Map>) -> Option<Value> {
        match (&want.value, value) {
            (Some(wanted), Some(value)) if same(wanted, value) => None,
            (None, Some(Value::Object(members))) => {
                let patch = self.patch(Some(&want.below), members, node.unwrap_or(&Map::new()));
                (!patch.is_empty()).then_some(Value::Object(patch))
            }
            _ => Some(want.tree()),
        }
    }

    /// Whether a configuration that still is there wrote a node last.
    fn owned(&self, node: &Map) -> bool {
        let text = |member: &str| node.get(member).and_then(Value::as_str);
        let [by, digest] = BY_CONFIGURATION.map(text);
        by.zip(digest).is_some_and(|(by, digest)| (self.lives)(by, digest))
    }
}

impl Want {
    /// It as a value.
    fn tree(&self) -> Value {
        let members = || self.below.iter().map(|(key, want)| (key.to_string(), want.tree())).collect();
        self.value.clone().unwrap_or_else(|| Value::Object(members()))
    }
}

/// Writes a patch with the marks of its owners.
#[derive(Clone, Copy)]
struct Brush<'a> {
    time: &'a str,
    version: u64,
}

impl Brush<'_> {
    fn touch(self, node: &mut Map) {
        node.insert(UPDATED.to_owned(), self.time.into());
        node.insert(UPDATED_VERSION.to_owned(), self.version.into());
    }

    fn node(self, owner: Option<&Owner>) -> Value {
        let mut node = Map::new();
        self.touch(&mut node);
        if let Some(owner) = owner {
            mark(&mut node, owner);
        }
        Value::Object(node)
    }

    /// Goes the way that [`crate::twin::merge`] goes through the values.
    fn merge(self, values: &mut Map, metadata: &mut Map, patch: &Map, wants: Option<&Wants>) {
        self.touch(metadata);
        for (key, change) in patch {
            let want = wants.and_then(|wants| wants.get(key.as_str()));
            match change {
                Value::Null => {
                    values.remove(key);
                    metadata.remove(key);
                }
                Value::Object(inner) => {
                    if !values.get(key).is_some_and(Value::is_object) {
                        values.insert(key.clone(), Value::Object(Map::new()));
                        metadata.insert(key.clone(), self.node(want.map(|want| &*want.owner)));
                    }
                    let node = metadata.entry(key).or_insert_with(|| self.node(None));
                    if let (Some(Value::Object(values)), Value::Object(node)) = (values.get_mut(key), node) {
                        self.merge(values, node, inner, want.map(|want| &want.below));
                    }
                }
                _ => {
                    values.insert(key.clone(), change.clone());
                    metadata.insert(key.clone(), self.node(want.map(|want| &*want.owner)));
                }
            }
        }
    }
}

fn mark(node: &mut Map, owner: &Owner) {
    for (member, text) in BY_CONFIGURATION.into_iter().zip([&owner.id, &owner.digest]) {
        node.insert(member.to_owned(), Value::from(&**text));
    }
}

/// Puts the owner in the place of another configuration that wrote the same value; what somebody wrote directly stays
/// theirs. Says whether anything changed.
fn adopt(metadata: &mut Map, wants: &Wants) -> bool {
    let mut changed = false;
    for (key, want) in wants {
        let Some(Value::Object(node)) = metadata.get_mut(&**key) else { continue };
        let owner = &want.owner;
        let [by, digest] = BY_CONFIGURATION.map(|member| node.get(member).and_then(Value::as_str));
        if by.is_some() && (by, digest) != (Some(&*owner.id), Some(&*owner.digest)) {
            mark(node, owner);
            changed = true;
        }
        changed |= adopt(node, &want.below);
    }
    changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Mode, TwinWrite, laws::record};
    use super::*;

    fn owner(id: &str) -> Arc<Owner> {
        Arc::new(Owner { id: id.into(), digest: "7".into() })
    }

    fn wanted(layers: &[(&str, &str, Value)]) -> Wanted {
        let mut wanted = Wanted::default();
        for (id, path, value) in layers {
            let path: Vec<Box<str>> = path.split('.').filter(|key| !key.is_empty()).map(Box::from).collect();
            wanted.lay(&path, value, &owner(id));
        }
        wanted
    }

    fn write(twin: &mut Record, desired: Value) {
        let body = json!({"properties": {"desired": desired}}).to_string();
        TwinWrite::parse(body.as_bytes(), Mode::Merge).unwrap().apply(twin, "T").unwrap();
    }

    /// Goes to what is wanted, for which there is something to do; what the device hears.
    fn go(twin: &mut Record, wanted: &Wanted, living: &[&str]) -> Option<Value> {
        let lives = |id: &str, digest: &str| digest == "7" && living.contains(&id);
        let step = twin.step(wanted, &lives, "U").unwrap().unwrap();
        let told = twin.take(step);
        assert_eq!(twin.step(wanted, &lives, "V").unwrap(), None, "the second time there is nothing to do");
        told.map(|text| serde_json::from_slice(&text).unwrap())
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_are_written_once_with_the_mark_of_their_owner() {
        let mut twin = record();
        write(&mut twin, json!({"fw": {"window": 5}, "x": 1.0}));
        let wanted =
            wanted(&[("a", "fw", json!({"channel": "stable"})), ("b", "x", json!(1)), ("b", "n.o", json!([1]))]);
        let told = go(&mut twin, &wanted, &["a", "b"]);
        assert_eq!(told, Some(json!({"fw": {"channel": "stable"}, "n": {"o": [1]}, "$version": 3})));
        assert_eq!(
            read(&twin.desired.values),
            json!({"fw": {"window": 5, "channel": "stable"}, "x": 1.0, "n": {"o": [1]}})
        );
        assert_eq!((twin.etag, twin.version, twin.desired.version), (3, 4, 3));
        let metadata = read(&twin.desired.metadata);
        let mark =
            json!({"$lastUpdated": "U", "$lastUpdatedVersion": 3, "$lastUpdatedBy": "a", "$lastUpdatedByDigest": "7"});
        assert_eq!(metadata["fw"]["channel"], mark);
        assert_eq!(metadata["x"], json!({"$lastUpdated": "T", "$lastUpdatedVersion": 2}), "it was so before");
        assert_eq!((&metadata["fw"]["$lastUpdatedVersion"], metadata["fw"].get("$lastUpdatedBy")), (&json!(3), None));
        assert_eq!((&metadata["n"]["$lastUpdatedBy"], metadata.get("$lastUpdatedBy")), (&json!("b"), None));
    }

    #[test]
    fn what_nobody_wants_any_more_goes_unless_its_configuration_is_gone() {
        let both = wanted(&[("a", "fw", json!({"channel": "stable"})), ("b", "n.o", json!(1))]);
        let mut twin = record();
        write(&mut twin, json!({"fw": {"window": 5}}));
        go(&mut twin, &both, &["a", "b"]);
        let mut other = twin.clone();
        let told = go(&mut twin, &Wanted::default(), &["a", "b"]);
        assert_eq!(told, Some(json!({"fw": {"channel": null}, "n": null, "$version": 4})));
        assert_eq!(read(&twin.desired.values), json!({"fw": {"window": 5}}));
        assert_eq!(go(&mut other, &Wanted::default(), &["a"]).unwrap()["fw"], json!({"channel": null}));
        assert_eq!(read(&other.desired.values), json!({"fw": {"window": 5}, "n": {"o": 1}}));
    }

    #[test]
    fn a_direct_write_takes_a_value_over() {
        let mut twin = record();
        go(&mut twin, &wanted(&[("a", "", json!({"x": 1, "y": 1}))]), &["a"]);
        write(&mut twin, json!({"x": 2}));
        assert_eq!(go(&mut twin, &Wanted::default(), &["a"]), Some(json!({"y": null, "$version": 4})));
        assert_eq!(read(&twin.desired.values), json!({"x": 2}));
    }

    #[test]
    fn another_owner_of_the_same_value_is_noted_in_silence() {
        let mut twin = record();
        go(&mut twin, &wanted(&[("a", "x", json!({"y": 1}))]), &["a", "b"]);
        let counters = |twin: &Record| (twin.etag, twin.version, twin.desired.version);
        let before = counters(&twin);
        assert_eq!(go(&mut twin, &wanted(&[("b", "x.y", json!(1))]), &["a", "b"]), None);
        assert_eq!(counters(&twin), before);
        assert_eq!(go(&mut twin, &Wanted::default(), &["b"]), Some(json!({"x": null, "$version": 3})));
    }

    #[test]
    fn the_names_of_what_is_applied_move_no_counter() {
        let mut twin = record();
        let applied = Wanted { applied: Some(r#"{"a":{"status":"Applied"}}"#.into()), ..Wanted::default() };
        assert_eq!(go(&mut twin, &applied, &["a"]), None);
        assert_eq!((twin.etag, twin.version, twin.configurations.as_ref()), (1, 2, applied.applied.as_ref()));
    }

    #[test]
    fn an_exclusive_want_leaves_nothing_else() {
        let mut twin = record();
        write(&mut twin, json!({"a": {"b": 1}, "c": {"d": 1, "e": 1}}));
        let wanted = Wanted { exclusive: true, ..wanted(&[("a", "", json!({"c": {"e": 1}}))]) };
        assert_eq!(go(&mut twin, &wanted, &["a"]), Some(json!({"a": null, "c": {"d": null}, "$version": 3})));
        assert_eq!(read(&twin.desired.values), json!({"c": {"e": 1}}));
    }

    #[test]
    fn a_result_that_is_too_big_is_refused_whole() {
        let mut twin = record();
        let big: Map = (0..8).map(|n| (format!("k{n}"), json!("x".repeat(4090)))).collect();
        write(&mut twin, Value::Object(big));
        let before = twin.clone();
        let wanted = wanted(&[("a", "more", json!("x".repeat(100)))]);
        assert!(twin.step(&wanted, &|_, _| true, "U").is_err());
        assert_eq!(twin, before);
    }
}
