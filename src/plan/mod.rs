//! The plan: wanted × base × live → every change needed, as a value; wanted × reported → verdicts. Pure and
//! synchronous; carrying a plan out decides nothing.
//!
//! * [`Planner`] looks at one twin at a time and keeps nothing but its class caches, so a million twins stream
//!   through it.
//! * [`Plan`] folds identical changes of many devices into one [`Group`].

mod change;
mod verdict;

pub use change::{Counts, Delta, Group, GroupKind, Notice, Plan, PlannedDevice, Why};
pub use verdict::{DeviceVerdict, PropertyVerdict, Standing, Verdict};
