//! Components that devices read whole: the DM client and the Device Agent take what arrives for all there is.
//!
//! A write to such a component carries it as it will stand in the twin afterwards, foreign values included: what the
//! device gets now is then what it would get after a restart. When something is taken out of it, the word
//! `refreshing` is written over it first, by a write of its own: the device waits for what follows, and never sees a
//! `null`, which it would take for a value (Windows reference 3.4).

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{Why, diff::Change, planner::Subject};
use crate::{
    component::{Registry, convention::REFRESHING},
    twin::{Map, RowError, Section, TwinRow, get, merge, set_path},
};

type Keys = Vec<Arc<str>>;

/// Where the components lie that both the device and git know and that the device reads whole.
fn places(registry: &Registry, section: &Map) -> BTreeSet<Keys> {
    let pieces = registry.pieces(section).into_iter();
    pieces.filter(|piece| piece.convention().is_whole() && !piece.value.is_null()).map(|piece| piece.keys).collect()
}

/// The changes to components that an interrupted write left at `refreshing`: they are ours, and stand as they did.
pub(super) fn resume(registry: &Registry, name: &str, subject: &Subject, live: &Value, changes: &mut Vec<Change>) {
    if !mentions(live) {
        return;
    }
    let component = subject.class.components.iter().find(|component| component.name == name);
    let section = |value: Option<&Value>| value.map(|value| Map::from_iter([(name.to_owned(), value.clone())]));
    let Some(component) = component else { return };
    let live = Map::from_iter([(name.to_owned(), live.clone())]);
    let (wanted, base) = (section(component.wanted.as_ref()), section(component.base.as_ref()));
    let all = [&wanted, &base].into_iter().flatten().flat_map(|section| places(registry, section));
    for keys in all.collect::<BTreeSet<_>>() {
        if get(&live, &keys).and_then(Value::as_str) != Some(REFRESHING) {
            continue;
        }
        changes.retain(|change| !change.keys.starts_with(&keys));
        let to = wanted.as_ref().and_then(|wanted| get(wanted, &keys)).filter(|wanted| !wanted.is_null());
        let why = if to.is_some() { Why::Pending } else { Why::Prune };
        let to = to.map(super::diff::stored_whole);
        changes.push(Change { keys, from: Some(REFRESHING.into()), to, why });
    }
}

fn mentions(live: &Value) -> bool {
    match live {
        Value::String(text) => text == REFRESHING,
        Value::Object(members) => members.values().any(mentions),
        _ => false,
    }
}

/// Completes a patch of the desired properties for the components that devices read whole. What has to be written
/// before it, if anything.
pub(super) fn complete(
    registry: &Registry,
    subject: &Subject,
    row: &TwinRow<'_>,
    changes: &[(Section, Change)],
    desired: &mut Map,
) -> Result<Option<Map>, RowError> {
    let in_desired = || changes.iter().filter(|(section, _)| *section == Section::Desired).map(|(_, change)| change);
    let mut before = Map::new();
    for keys in in_desired().filter_map(|change| place(registry, subject, change)).collect::<BTreeSet<_>>() {
        let Some(name) = keys.first() else { continue };
        let live = row.properties.desired.value(name)?.map(|value| Map::from_iter([(name.to_string(), value)]));
        let mut after = match live.as_ref().and_then(|live| get(live, &keys)) {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        };
        let Some(Value::Object(patch)) = get(desired, &keys) else { continue };
        merge(&mut after, patch);
        if live.is_some() && in_desired().any(|change| change.to.is_none() && change.keys.starts_with(&keys)) {
            set_path(&mut before, &keys, REFRESHING.into());
        }
        set_path(desired, &keys, Value::Object(after));
    }
    Ok((!before.is_empty()).then_some(before))
}

/// The component that a change is inside of, if devices read it whole.
fn place(registry: &Registry, subject: &Subject, change: &Change) -> Option<Keys> {
    let name = change.keys.first()?;
    let component = subject.class.components.iter().find(|component| *component.name == **name)?;
    [&component.wanted, &component.base].into_iter().flatten().find_map(|value| {
        let pieces = registry.pieces_of(name, value).into_iter();
        let mut whole = pieces.filter(|piece| piece.convention().is_whole()).map(|piece| piece.keys);
        whole.find(|keys| change.keys.starts_with(keys) && change.keys.len() > keys.len())
    })
}

/// The body of the write that comes first.
pub(super) fn body(before: &Map) -> String {
    json!({ "properties": { "desired": before } }).to_string()
}
