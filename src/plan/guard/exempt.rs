//! Committed exemptions, as far as they hold today.

use jiff::civil::Date;

use super::Grant;
use crate::{
    fleet::{ExemptionSpec, Fleet, GuardName},
    plan::Plan,
    twin::{DeviceId, PropertyPath},
};

/// The exemptions of a fleet that have not ended.
pub(super) struct Exemptions<'f>(Vec<Exemption<'f>>);

/// One of them, its paths read.
pub(super) struct Exemption<'f> {
    spec: &'f ExemptionSpec,
    paths: Vec<PropertyPath>,
}

impl<'f> Exemptions<'f> {
    pub(super) fn of(fleet: &'f Fleet, today: Date) -> Self {
        let specs = fleet.spec.guard.iter().flat_map(|guard| &guard.exemptions);
        let holds = |spec: &&ExemptionSpec| spec.until.parse::<Date>().is_ok_and(|until| until >= today);
        let read = |spec: &'f ExemptionSpec| Exemption {
            spec,
            paths: spec.paths.iter().filter_map(|path| path.parse().ok()).collect(),
        };
        Self(specs.filter(holds).map(read).collect())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Exemption<'f>> {
        self.0.iter()
    }

    pub(super) fn of_guard(&self, guard: GuardName) -> impl Iterator<Item = &Exemption<'f>> {
        self.0.iter().filter(move |exemption| exemption.guard() == guard)
    }
}

impl Exemption<'_> {
    pub(super) const fn guard(&self) -> GuardName {
        self.spec.guard
    }

    pub(super) fn grant(&self) -> Grant {
        let ExemptionSpec { owner, reason, until, .. } = self.spec;
        Grant { owner: owner.clone(), reason: reason.clone(), until: until.clone() }
    }

    /// Whether a change of this device, or of its value at `path`, is taken out of the guard's sight.
    pub(super) fn covers(&self, device: &DeviceId, path: Option<&PropertyPath>) -> bool {
        let devices = &self.spec.devices;
        let is_named = devices.is_empty() || devices.iter().any(|named| named == device.as_str());
        let is_below = |path: &PropertyPath| self.paths.iter().any(|exempt| path.is_within(exempt));
        is_named && (self.paths.is_empty() || path.is_some_and(is_below))
    }

    /// Whether a profile that selects nothing is.
    pub(super) fn covers_profile(&self, profile: &str) -> bool {
        self.spec.profiles.is_empty() || self.spec.profiles.iter().any(|named| named == profile)
    }

    /// Whether anything in the plan is covered: only then does its owner answer for the plan.
    pub(super) fn meets(&self, plan: &Plan) -> bool {
        match self.guard() {
            GuardName::EmptyFleet => true,
            GuardName::SelectsNothing => plan.idle.iter().any(|profile| self.covers_profile(profile)),
            GuardName::MaxAdopted => {
                plan.groups.iter().flat_map(|group| &group.devices).any(|planned| self.covers(&planned.device, None))
            }
            GuardName::MaxChanged | GuardName::MaxPruned | GuardName::Protect | GuardName::OtherFleet => {
                plan.groups.iter().any(|group| {
                    let covered = |path| group.devices.iter().any(|planned| self.covers(&planned.device, Some(path)));
                    group.deltas.iter().any(|delta| covered(&delta.path))
                })
            }
        }
    }
}
