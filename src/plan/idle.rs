//! Profiles that have selected no device yet.

use std::{collections::BTreeSet, sync::Arc};

use crate::fleet::{Fleet, Wanted};

/// The profiles with a `where` of which no device has been seen.
#[derive(Debug)]
pub(super) struct Idle {
    profiles: BTreeSet<Arc<str>>,
    /// The class of the last device: most devices are of the class of the one before.
    last: Option<Arc<Wanted>>,
}

impl Idle {
    /// All profiles of a fleet that choose.
    pub(super) fn of(fleet: &Fleet) -> Self {
        let choosing = fleet.profiles.iter().filter(|profile| profile.condition.is_some());
        Self { profiles: choosing.map(|profile| Arc::clone(&profile.name)).collect(), last: None }
    }

    /// Whether every profile has been seen to select a device.
    pub(super) fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Takes the profiles of a device off the list.
    pub(super) fn note(&mut self, wanted: &Arc<Wanted>) {
        if self.profiles.is_empty() || self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, wanted)) {
            return;
        }
        for profile in wanted.sources.iter().filter_map(|source| source.strip_prefix("Profile/")) {
            self.profiles.remove(profile);
        }
        self.last = Some(Arc::clone(wanted));
    }

    /// Only what was not seen by another either.
    pub(super) fn merge(&mut self, other: &Self) {
        self.profiles.retain(|profile| other.profiles.contains(profile));
    }

    pub(super) fn finish(self) -> Vec<Arc<str>> {
        self.profiles.into_iter().collect()
    }
}
