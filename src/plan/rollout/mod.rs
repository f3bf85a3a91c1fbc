//! Rollouts: which devices may be changed now, and why the others wait. Pure; everything is derived from twins and git,
//! so that any machine can take over at any time. `docs/verdicts.md` defines the words.
//!
//! * `member` is what a twin says of its place: rollout, wave, the commit that it has. `window` tells its hours.
//! * `seen` judges one twin; `tally` counts many, in times and numbers; `gate` holds counts against a gate.
//! * `course` decides: what is open, what waits and for what, what goes back. `state` is that for the reader.
//! * `restore` works out what a device gets that goes back.

mod course;
mod gate;
mod member;
mod restore;
mod seen;
mod state;
mod tally;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use course::Course;
pub(super) use member::Member;
pub use member::Place;
pub use restore::Returning;
pub use state::{Counts as WaveCounts, Hold, Phase, Reason, RolloutState, Spread, WaveState};
pub use tally::Tally;

/// What decides about rollouts besides twins and git.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The time.
    pub now: Timestamp,
    /// Waves that whoever started the run approves for its commit: rollout and wave. Approving the first one lets a
    /// commit be tried again that was rejected.
    pub approved: BTreeSet<(String, String)>,
}
