//! Queries (protocol reference 6): page by page, in the order of device ids, with memory for one page.
//!
//! * `run` scans and collects; [`fields`] lets a condition look into a record without taking all of it apart;
//!   `token` says where the next page begins.
//! * `parts` answers what is asked of `devices.jobs`, by documents, whose `mark` is their `token`.
//! * `select` finds those whom the target of a job means.

mod fields;
mod mark;
mod page;
mod parts;
mod run;
mod select;
#[cfg(test)]
mod tests;
mod token;

pub(super) use fields::RecordFields;
pub(super) use mark::Mark;

use crate::query::{Condition, Sieve};

/// What the store can see of a condition by itself.
fn sieve(condition: Option<&Condition>) -> Sieve {
    condition.map_or(Sieve::All(Vec::new()), Condition::sieve)
}
