//! How near a plan comes to the guards that it passes.

use super::breach;
use crate::{
    fleet::{Fleet, GuardName, GuardSpec},
    plan::Plan,
};

/// What a plan uses of what a guard allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margin {
    /// Which guard.
    pub guard: GuardName,
    /// Devices that the plan would do this to.
    pub devices: u64,
    /// Devices that it may do this to.
    pub most: u64,
}

/// Guards that count devices.
const COUNTING: [GuardName; 3] = [GuardName::MaxChanged, GuardName::MaxPruned, GuardName::MaxAdopted];

/// What is left of every limit that the plan keeps.
pub(super) fn find(fleet: &Fleet, plan: &Plan) -> Vec<Margin> {
    let Some(spec) = &fleet.spec.guard else { return Vec::new() };
    let margin = |guard| {
        let most = most(guard, spec, plan.counts.managed)?;
        Some(Margin { guard, devices: breach::counted(guard, fleet, plan), most })
    };
    COUNTING.into_iter().filter_map(margin).filter(|margin| margin.devices <= margin.most).collect()
}

/// Fewer managed devices than this, and a share says nothing.
const SHARES_FROM: u64 = 10;

/// Most devices that a guard allows; `None` where it sets no limit, or none for so few.
pub(super) fn most(guard: GuardName, spec: &GuardSpec, managed: u64) -> Option<u64> {
    let share = |limit: &Option<String>| {
        let percent: u64 = limit.as_deref()?.strip_suffix('%')?.parse().ok()?;
        (managed >= SHARES_FROM).then(|| percent * managed / 100)
    };
    match guard {
        GuardName::MaxChanged => share(&spec.max_changed),
        GuardName::MaxPruned => share(&spec.max_pruned),
        GuardName::MaxAdopted => spec.max_adopted,
        _ => None,
    }
}
