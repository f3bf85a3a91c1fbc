//! The plan: wanted × base × live → every change needed, as a value; wanted × reported → verdicts. Pure and
//! synchronous; carrying a plan out decides nothing.
//!
//! * [`Planner`] looks at one twin at a time and keeps nothing but its class caches, so a million twins stream
//!   through it. A [`Collector`] folds what it finds into a [`Plan`], a [`Tally`] into a [`Standing`].
//! * `diff` is the three-way table; `groups` puts equal changes together; `class` works out once what all devices with the same wanted and base share.
//! * `whole` sees to components that devices read whole.
//! * `compliance` reads a device's answers, by the convention of each component.
//! * [`adopt`] is the way back: from what twins hold to what documents say.
//! * [`Shard`] is one part of the devices.
//! * [`rollout`] says which devices may be changed now.
//! * [`guard`] holds a plan against the fleet's own limits, [`quota`] against those of the hub.
//! * [`saved`] is a plan as a file, and the hash by which people approve one.

pub mod adopt;
mod breakdown;
mod change;
mod class;
mod collect;
mod compliance;
mod diff;
mod groups;
pub mod guard;
mod idle;
mod kind;
mod marker;
mod moves;
mod patch;
mod planner;
pub mod quota;
mod redact;
mod rival;
pub mod rollout;
pub mod saved;
mod shard;
mod standing;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;
mod whole;

pub use breakdown::{Aspects, ByTag, component as component_of};
pub use change::{Counts, Delta, Group, GroupKind, Notice, Plan, PlannedDevice, Why};
pub use collect::Collector;
pub(crate) use collect::gather;
pub use marker::Marker;
pub use moves::Move;
pub use planner::{Bases, DeviceChange, Look, NoBases, PlanError, Planner};
pub use rival::Rival;
pub use shard::{Shard, ShardError};
pub use standing::Tally;
pub use verdict::{DeviceVerdict, PropertyVerdict, Standing, Verdict};
