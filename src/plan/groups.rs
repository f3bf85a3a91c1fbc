//! Devices that get the same change, together.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use serde_json::value::RawValue;

use super::{Delta, DeviceChange, Group, GroupKind, PlannedDevice, Planner, Why, diff::Change};
use crate::{
    fleet::Place,
    twin::{PropertyPath, Section},
};

/// Changes, each with the devices that it happens to.
#[derive(Default)]
pub(super) struct Groups(HashMap<Box<str>, Group>);

impl Groups {
    pub(super) fn add(&mut self, planner: &Planner, change: &DeviceChange, device: PlannedDevice) {
        let key = key(change);
        if let Some(group) = self.0.get_mut(&*key) {
            group.devices.push(device);
            return;
        }
        let raw = |text: &String| RawValue::from_string(text.clone()).ok().map(Arc::from);
        let (Some(patch), before) = (raw(&change.patch), change.before.as_ref().and_then(raw)) else { return };
        let redacted = planner.redacted(change).as_ref().and_then(raw);
        let deltas = change.changes.iter().map(|(section, c)| delta(planner, *section, c, change)).collect();
        let kind = if change.has_changes() { GroupKind::Change } else { GroupKind::Adopt };
        let goes_back = change.goes_back;
        self.0.insert(key, Group { kind, deltas, patch, before, redacted, goes_back, devices: vec![device] });
    }

    /// Takes over what others hold of other devices.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, mut group) in other.0 {
            match self.0.entry(key) {
                Entry::Occupied(mut here) => here.get_mut().devices.append(&mut group.devices),
                Entry::Vacant(free) => {
                    free.insert(group);
                }
            }
        }
    }

    /// Largest first, adopts last; devices in order of id.
    pub(super) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        for group in &mut groups {
            group.devices.sort_by(|a, b| a.device.cmp(&b.device));
        }
        groups.sort_by(|a, b| {
            let first = |group: &Group| group.devices.first().map(|d| d.device.clone());
            (a.kind, b.devices.len(), first(a), a.patch.get()).cmp(&(b.kind, a.devices.len(), first(b), b.patch.get()))
        });
        groups
    }
}

fn delta(planner: &Planner, section: Section, change: &Change, device: &DeviceChange) -> Delta {
    let path = section.path(change.keys.iter().cloned());
    let (origin, at) = match change.why {
        // The line stands in another commit.
        _ if device.goes_back => (None, None),
        Why::Prune => was(planner, device, &path).unzip(),
        Why::Pending | Why::Edited { .. } | Why::Forbidden => {
            (planner.resolver().origin(&device.class.wanted, &path), None)
        }
    };
    let claimed = device.claims().iter().find(|(claimed, _)| *claimed == path).map(|(_, fleets)| fleets.clone());
    Delta {
        claimed,
        secret: device.class.is_secret(&path) || planner.marks(&path, [&change.from, &change.to]),
        path,
        from: change.from.clone(),
        to: change.to.clone(),
        why: change.why.clone(),
        origin,
        at,
    }
}

/// Where a value was declared that no longer is, and in which revision.
fn was(planner: &Planner, device: &DeviceChange, path: &PropertyPath) -> Option<(Place, Arc<str>)> {
    let (revision, base) = (device.revision.clone()?, device.class.base.as_ref()?);
    Some((planner.at(&revision)?.origin(base, path)?, revision))
}

/// Changes are the same when they write the same and replace the same. The patch alone does not tell what goes: one of
/// a component that devices read whole holds what is left.
fn key(change: &DeviceChange) -> Box<str> {
    let mut key = change.patch.clone();
    for (_, change) in &change.changes {
        for step in &change.keys {
            key.push('\n');
            key.push_str(step);
        }
        key.push('=');
        if let Some(from) = &change.from {
            key.push_str(&from.to_string());
        }
    }
    if change.goes_back {
        key.push_str("\nback");
    }
    for (path, fleets) in change.claims() {
        key.push_str("\nclaimed ");
        key.push_str(&path.to_string());
        key.push_str(fleets);
    }
    key.into()
}
