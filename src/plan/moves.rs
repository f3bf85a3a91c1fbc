//! Devices that enter or leave a profile's selector.

use std::{collections::BTreeMap, sync::Arc};

use super::{class::Class, collect::keep_first};
use crate::{
    fleet::{Fleet, Place, Wanted},
    twin::DeviceId,
};

/// Devices that change and for which a profile begins or ceases to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The profile.
    pub profile: Arc<str>,
    /// Whether it begins to apply, rather than ceases.
    pub enters: bool,
    /// How many devices.
    pub devices: u64,
    /// A few of them.
    pub samples: Vec<DeviceId>,
    /// Its `where`, or where it begins when it has none; `None` when it is no longer declared.
    pub place: Option<Place>,
}

/// What an earlier revision and this one make of a class: profiles that begin to apply, and those that cease. Of devices
/// that were never ours nothing is said: all profiles begin to apply to them.
pub(super) fn between(wanted: &Wanted, base: Option<&Wanted>) -> Vec<(Arc<str>, bool)> {
    let Some(base) = base else { return Vec::new() };
    let only = |of: &Wanted, other: &Wanted, enters: bool| {
        let profiles = of.sources.iter().filter(|source| !other.sources.contains(source));
        let names = profiles.filter_map(|source| source.strip_prefix("Profile/"));
        names.map(|name| (Arc::from(name), enters)).collect::<Vec<_>>()
    };
    [only(wanted, base, true), only(base, wanted, false)].concat()
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<(Arc<str>, bool), (u64, Vec<DeviceId>)>);

impl Moves {
    pub(super) fn note(&mut self, class: &Class, device: &DeviceId) {
        for moved in &class.moves {
            self.add(moved.clone(), 1, [device.clone()]);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (moved, (count, samples)) in other.0 {
            self.add(moved, count, samples);
        }
    }

    fn add(&mut self, moved: (Arc<str>, bool), more: u64, devices: impl IntoIterator<Item = DeviceId>) {
        let (count, samples) = self.0.entry(moved).or_default();
        *count += more;
        keep_first(samples, devices);
    }

    pub(super) fn finish(self, fleet: &Fleet) -> Vec<Move> {
        let place = |name: &str| {
            let profile = fleet.profiles.iter().find(|profile| *profile.name == *name)?;
            let pointer = if profile.condition.is_some() { "/spec/where" } else { "" };
            Some(Place::value(&profile.document.file, profile.document.document, pointer))
        };
        let moved = |((profile, enters), (devices, samples)): ((Arc<str>, bool), (u64, Vec<DeviceId>))| Move {
            place: place(&profile),
            profile,
            enters,
            devices,
            samples,
        };
        self.0.into_iter().map(moved).collect()
    }
}
