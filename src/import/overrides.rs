//! What profiles leave over: values that a device has and does not get, and values that it gets and does not have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde_json::Value;

use super::{
    assemble::{Layer, Parts},
    census::{Census, Member},
    forms::ABSENT,
    render,
    tags::{self, Cohorts},
};
use crate::twin::{Map, set_path};

/// Values by path.
type Values = BTreeMap<u32, u32>;

/// What profiles give each cohort.
pub(super) struct Effective {
    /// By cohort: by component.
    values: Vec<BTreeMap<u32, Values>>,
    /// The tags that decide about it, by their place in [`Cohorts::keys`].
    keys: BTreeSet<usize>,
}

impl Effective {
    pub(super) fn new(layers: &[Layer], cohorts: &Cohorts, parts: &Parts) -> Self {
        let of = |row: &[Option<u32>]| {
            let mut found: BTreeMap<u32, Values> = BTreeMap::new();
            for layer in layers.iter().filter(|layer| layer.selector.matches(row)) {
                for (path, value) in &layer.values {
                    if let Some(home) = parts.home.get(path) {
                        found.entry(*home).or_default().insert(*path, *value);
                    }
                }
            }
            found
        };
        let keys = layers.iter().flat_map(|layer| layer.selector.0.iter().map(|(key, _)| *key)).collect();
        Self { values: cohorts.rows.par_iter().map(|row| of(row)).collect(), keys }
    }
}

/// The documents of the devices that need one, in the order of the devices.
pub(super) fn overrides(census: &Census, cohorts: &Cohorts, parts: &Parts, effective: &Effective) -> Vec<String> {
    let mut by_cohort: Vec<Vec<usize>> = vec![Vec::new(); cohorts.rows.len()];
    for (device, cohort) in cohorts.of_device.iter().enumerate() {
        by_cohort[*cohort as usize].push(device);
    }
    let of_cohort = |(cohort, devices): (usize, Vec<usize>)| {
        let mut patches = Patches { census, parts, given: &effective.values[cohort], known: HashMap::new() };
        let own = selected_by(census, cohorts, &effective.keys, cohort);
        let text = |device: usize| {
            let member = &census.devices[device];
            let desired = patches.desired(member);
            let tags = census.declared_tags(member, &own);
            (census.declares_all() || !desired.is_empty())
                .then(|| (device, render::device(&member.id, &tags, &desired)))
        };
        devices.into_iter().filter_map(text).collect::<Vec<_>>()
    };
    let mut texts: Vec<(usize, String)> = by_cohort.into_par_iter().enumerate().flat_map_iter(of_cohort).collect();
    texts.sort_unstable_by_key(|(device, _)| *device);
    texts.into_iter().map(|(_, text)| text).collect()
}

/// The tags by which profiles select a cohort: a document without them could not be checked offline.
fn selected_by(census: &Census, cohorts: &Cohorts, keys: &BTreeSet<usize>, cohort: usize) -> Map {
    let mut own = Map::new();
    for key in keys {
        if let Some(literal) = cohorts.rows[cohort][*key] {
            let path = census.tags.keys(cohorts.keys[*key]);
            set_path(&mut own, path, tags::value(census.tags.literal(literal)));
        }
    }
    own
}

/// What one form of a component still needs.
#[derive(Default)]
struct Patch {
    sets: Vec<(u32, u32)>,
    nulls: Vec<u32>,
    /// The device has nothing of the component.
    forbidden: bool,
}

/// The patches of one cohort, each made once.
struct Patches<'c> {
    census: &'c Census,
    parts: &'c Parts,
    given: &'c BTreeMap<u32, Values>,
    known: HashMap<(u32, u32), Patch>,
}

impl Patches<'_> {
    fn desired(&mut self, member: &Member) -> Map {
        let mut needs: BTreeMap<u32, u32> = self.given.keys().map(|component| (*component, ABSENT)).collect();
        needs.extend(member.forms.iter().copied());
        let mut desired = Map::new();
        for (component, form) in needs {
            if !self.known.contains_key(&(component, form)) {
                let patch = self.patch(component, form);
                self.known.insert((component, form), patch);
            }
            if let Some(patch) = self.known.get(&(component, form)) {
                self.apply(component, patch, &mut desired);
            }
        }
        desired
    }

    fn patch(&self, component: u32, form: u32) -> Patch {
        let Some(Some(own)) = self.parts.units[component as usize].forms.get(form as usize) else {
            return Patch::default();
        };
        let nothing = Values::new();
        let given = self.given.get(&component).unwrap_or(&nothing);
        let forms = &self.census.forms;
        let keys = &forms.components[component as usize].keys;
        if form == ABSENT && !given.is_empty() && !self.census.scope.touches(keys) {
            return Patch { forbidden: true, ..Patch::default() };
        }
        let sets = own.iter().filter(|(path, value)| given.get(path) != Some(value)).copied().collect();
        let has = |path: u32| own.binary_search_by_key(&path, |(path, _)| *path).is_ok();
        // An object without members is there as soon as it has some.
        let has_below = |path: u32| {
            let root = forms.paths.get(path);
            own.iter().any(|(other, _)| forms.paths.get(*other).starts_with(root))
        };
        let stays = |(path, value): &(&u32, &u32)| has(**path) || (forms.is_empty_object(**value) && has_below(**path));
        let nulls = given.iter().filter(|entry| !stays(entry)).map(|(path, _)| *path).collect();
        Patch { sets, nulls, forbidden: false }
    }

    /// Objects without members come first: what follows goes into them. A null stands for all below it.
    fn apply(&self, component: u32, patch: &Patch, desired: &mut Map) {
        let forms = &self.census.forms;
        if patch.forbidden {
            return set_path(desired, &forms.components[component as usize].keys, Value::Null);
        }
        let (empty, full): (Vec<_>, Vec<_>) =
            patch.sets.iter().copied().partition(|(_, value)| forms.is_empty_object(*value));
        for (path, value) in empty {
            set_path(desired, forms.paths.get(path), forms.value(value));
        }
        let mut nulls: Vec<_> = patch.nulls.iter().map(|path| forms.paths.get(*path)).collect();
        nulls.sort();
        let mut last: Option<&[std::sync::Arc<str>]> = None;
        for keys in nulls {
            if last.is_none_or(|outer| !keys.starts_with(outer)) {
                set_path(desired, keys, Value::Null);
                last = Some(keys);
            }
        }
        for (path, value) in full {
            set_path(desired, forms.paths.get(path), forms.value(value));
        }
    }
}
