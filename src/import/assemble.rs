//! From forms to documents: rules become profiles, and what they leave over becomes overrides.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use rayon::prelude::*;

use super::{
    census::Census,
    forms::{ABSENT, Forms},
    names::number,
    overrides::{Effective, overrides},
    render::ProfileText,
    rules::{Rule, Share, rules},
    scope::Scope,
    selector::Selector,
    tags::Cohorts,
    units::{Units, units},
};
use crate::twin::{Map, set_path};

/// Priorities leave room for what people put between.
const PRIORITY_STEP: usize = 10;

/// A fleet to be written.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Weakest first.
    pub(super) profiles: Vec<ProfileText>,
    /// The texts of devices' own documents, by device.
    pub(super) devices: Vec<String>,
}

/// A selector and what it gives: values by path.
pub(super) struct Layer {
    pub(super) selector: Selector,
    support: u64,
    pub(super) values: BTreeMap<u32, u32>,
}

/// What the rules and the overrides are made from.
pub(super) struct Parts {
    pub(super) units: Vec<Units>,
    /// The component that a path belongs to.
    pub(super) home: HashMap<u32, u32>,
}

/// Makes profiles and overrides; components in `whole` are not taken apart.
pub(super) fn assemble(census: &mut Census, cohorts: &Cohorts, whole: &BTreeSet<u32>) -> Assembly {
    let parts = Parts::new(&mut census.forms, &census.scope, whole);
    let census = &*census;
    let layers = layers(census, cohorts, &parts);
    let profiles = profiles(census, cohorts, &layers);
    let devices = overrides(census, cohorts, &parts, &Effective::new(&layers, cohorts, &parts));
    Assembly { profiles, devices }
}

impl Parts {
    fn new(forms: &mut Forms, scope: &Scope, whole: &BTreeSet<u32>) -> Self {
        let components = 0..number(forms.components.len());
        let units: Vec<Units> =
            components.map(|component| units(forms, component, scope, whole.contains(&component))).collect();
        let mut home = HashMap::new();
        for (component, units) in units.iter().enumerate() {
            let paths = units.groups.iter().flat_map(|group| &group.paths);
            home.extend(paths.map(|(path, _)| (*path, number(component))));
        }
        Self { units, home }
    }
}

/// Who has which form of each component, cohort by cohort; those who have none included.
fn shares(census: &Census, cohorts: &Cohorts) -> Vec<Vec<Share>> {
    let mut counts: Vec<HashMap<(u32, u32), u32>> = vec![HashMap::new(); census.forms.components.len()];
    for (device, cohort) in census.devices.iter().zip(&cohorts.of_device) {
        for (component, form) in &device.forms {
            *counts[*component as usize].entry((*cohort, *form)).or_default() += 1;
        }
    }
    let full = |counts: HashMap<(u32, u32), u32>| {
        let mut absent = cohorts.sizes.clone();
        for ((cohort, _), devices) in &counts {
            absent[*cohort as usize] -= devices;
        }
        let absent = absent.into_iter().enumerate().filter(|(_, devices)| *devices > 0);
        let absent = absent.map(|(cohort, devices)| Share { cohort: number(cohort), form: ABSENT, devices });
        let present = counts.into_iter().map(|((cohort, form), devices)| Share { cohort, form, devices });
        present.chain(absent).collect()
    };
    counts.into_iter().map(full).collect()
}

/// All rules, those with one selector together, the most general first.
fn layers(census: &Census, cohorts: &Cohorts, parts: &Parts) -> Vec<Layer> {
    let shares = shares(census, cohorts);
    let jobs: Vec<_> =
        parts.units.iter().zip(&shares).flat_map(|(units, s)| units.groups.iter().map(move |g| (g, s))).collect();
    let found: Vec<Vec<Rule>> = jobs
        .par_iter()
        .map(|(group, shares)| {
            let bytes = |class: u32| {
                let of = |(path, values): &(u32, Vec<u32>)| {
                    let key = census.forms.paths.get(*path).last().map_or(0, |key| key.len());
                    values.get(class as usize - 1).map_or(0, |value| key + 10 + census.forms.length(*value))
                };
                group.paths.iter().map(of).sum()
            };
            rules(group, cohorts, shares, bytes)
        })
        .collect();
    let mut layers: BTreeMap<Selector, BTreeMap<u32, u32>> = BTreeMap::new();
    for ((group, _), rules) in jobs.iter().zip(found) {
        for rule in rules.into_iter().filter(|rule| rule.selector.is_short(&census.tags, cohorts)) {
            let values =
                group.paths.iter().filter_map(|(path, values)| Some((*path, *values.get(rule.class as usize - 1)?)));
            layers.entry(rule.selector).or_default().extend(values);
        }
    }
    let support = |selector: &Selector| {
        let rows = cohorts.rows.iter().zip(&cohorts.sizes);
        rows.filter(|(row, _)| selector.matches(row)).map(|(_, size)| u64::from(*size)).sum()
    };
    let mut layers: Vec<Layer> =
        layers.into_iter().map(|(selector, values)| Layer { support: support(&selector), selector, values }).collect();
    layers.sort_by_cached_key(|layer| {
        (layer.selector.0.len(), Reverse(layer.support), layer.selector.text(&census.tags, cohorts))
    });
    layers
}

fn profiles(census: &Census, cohorts: &Cohorts, layers: &[Layer]) -> Vec<ProfileText> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut texts = Vec::with_capacity(layers.len());
    for (at, layer) in layers.iter().enumerate() {
        let mut desired = Map::new();
        for (path, value) in &layer.values {
            set_path(&mut desired, census.forms.paths.get(*path), census.forms.value(*value));
        }
        let base = layer.selector.name(&census.tags, cohorts);
        let (mut name, mut number) = (base.clone(), 1);
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{base}-{number}");
        }
        texts.push(ProfileText {
            name,
            condition: census.condition(layer.selector.text(&census.tags, cohorts)),
            priority: at * PRIORITY_STEP,
            devices: layer.support,
            desired,
        });
    }
    texts
}
