//! Carry a plan out: knows no protocol, decides nothing.
//!
//! * [`ports`] says what is needed of a hub, reading and writing apart, and of the planner.
//! * [`fold_pages`] drives a planner over a stream of pages on all cores, in bounded memory.
//! * [`apply()`] writes: one PATCH a device, each resting on the etag that was planned against. All its calls pass one
//!   `gate`, which slows the whole run down when the hub throttles; `pace` keeps it below throttles that are known; `ahead`
//!   reads twins that have to be read first many at a time. There is no journal: whoever runs it again continues.
//! * [`cache`] keeps twins, so that a plan reads only those that have changed.
//! * [`rehearsal`] is what a plan came to on a hub of its own.
//! * [`converge()`] waits until devices have caught up, or says which have not.

mod ahead;
mod apply;
pub mod cache;
mod call;
mod converge;
mod device;
mod gate;
mod outcome;
mod pace;
pub mod ports;
mod read;
pub mod rehearsal;
pub mod survey;
#[cfg(test)]
mod tests;

pub use apply::{Limits, apply};
pub use converge::{Converged, Patience, Standing, acknowledged, converge};
pub use outcome::{Event, Events, Failure, Outcome, Stopped};
pub use pace::paced;
pub use read::fold_pages;
