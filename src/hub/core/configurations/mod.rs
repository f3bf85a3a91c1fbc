//! Configurations (protocol reference 8): desired values for all twins that satisfy a condition.
//!
//! * `operations` is what the service asks for: write, read, delete, and apply once. `rules` reads a body, `content`
//!   and `target` its two parts with rules of their own; `document` is what is kept and what is shown. A [`Trial`]
//!   only asks whether the rules are kept.
//! * `set` is all configurations, compiled: who is meant by which of them, and what they want of a twin together.
//! * [`Engine`] evaluates. It follows the twins that change in this process through `changed`, and goes through all
//!   of them, in `pass`, after a configuration was written and now and then; of several processes, one does that.
//! * `settle` brings one twin to what is wanted, `edge` makes the modules that a deployment needs, `tally` counts the
//!   metrics.

mod changed;
mod content;
mod document;
mod edge;
mod engine;
mod operations;
mod pass;
mod rules;
mod set;
mod settle;
mod system;
mod tally;
mod target;
#[cfg(test)]
mod tests;
mod trial;

pub(super) use changed::{Before, Changed};
pub(crate) use engine::Engine;
pub(crate) use trial::Trial;

/// Most configurations of a hub (protocol reference 8.1).
const MOST: usize = 100;

/// The setting that is another one after every write of a configuration, in whichever process.
const REVISION: &str = "configurations.revision";
