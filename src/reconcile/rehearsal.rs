//! A rehearsal as a value: what happened, when by its own clock, and how it ended.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Failure;
use crate::{
    plan::{PropertyVerdict, guard::Ruling, rollout::RolloutState},
    twin::DeviceId,
};

/// The course of a plan on a hub of its own.
#[derive(Debug, Clone, Default)]
pub struct Rehearsal {
    /// The fleet's name.
    pub fleet: String,
    /// The revision that was rehearsed.
    pub revision: String,
    /// Who took part.
    pub cast: Cast,
    /// When it began by its own clock, which is the time of day at which it was started.
    pub began: Timestamp,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// How long it took by its own clock.
    pub length: Duration,
    /// How it ended.
    pub end: End,
    /// How the rollouts stood then.
    pub rollouts: Vec<RolloutState>,
    /// What devices would not, or could not, apply.
    pub refusals: Vec<Refusal>,
    /// What the guards said of the plan that they stopped.
    pub rulings: Vec<Ruling>,
}

/// Who took part in a rehearsal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cast {
    /// Devices of the rehearsal.
    pub devices: u64,
    /// Those of them that were not connected where their twins come from, and therefore never answered.
    pub offline: u64,
    /// Devices that they stand for; `None`: each for itself.
    pub sample_of: Option<u64>,
    /// Where their twins come from.
    pub from: Origin,
}

/// Where the twins of a rehearsal come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// From the documents of the repository: no hub was asked.
    #[default]
    Documents,
    /// From a file.
    Snapshot,
    /// From the live hub, which was only read.
    Hub,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, from the beginning.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happens in a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Devices were brought to the revision that the rehearsal begins with.
    Prepared {
        /// How many twins were written.
        devices: u64,
    },
    /// Twins were written.
    Wrote {
        /// Devices whose values changed.
        applied: u64,
        /// Devices of which only the marker was written.
        adopted: u64,
        /// Devices that the hub refused, with its words.
        failed: Vec<Failure>,
        /// Of which waves, and how many devices of each.
        waves: Vec<WaveShare>,
        /// How long it takes at least by the throttles of the hub; `None` where they are not known.
        takes: Option<Duration>,
    },
    /// The devices have answered.
    Answered {
        /// Devices that are as git says.
        done: u64,
        /// Devices that say that they will not get there.
        failed: u64,
        /// Devices that said nothing.
        silent: u64,
    },
    /// A gate was waited for.
    Waited {
        /// The rollout.
        rollout: Arc<str>,
        /// Whose gate.
        wave: Arc<str>,
        /// What was missing, in words.
        reason: String,
        /// For how long.
        length: Duration,
    },
    /// A wave would have to be approved; the rehearsal took it as given.
    Approved {
        /// The rollout.
        rollout: Arc<str>,
        /// Which wave.
        wave: Arc<str>,
    },
    /// Devices went back to the commit before.
    WentBack {
        /// How many twins were written.
        devices: u64,
    },
}

/// Devices of one wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveShare {
    /// The rollout.
    pub rollout: Arc<str>,
    /// The wave.
    pub wave: Arc<str>,
    /// How many devices.
    pub devices: u64,
}

/// How a rehearsal ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    /// Every device that answers has the revision.
    #[default]
    Done,
    /// A guard stopped it.
    Refused,
    /// A gate was not passed, and everything stands still.
    Paused,
    /// A gate was not passed, and devices went back.
    Rejected,
    /// It waits for something that no rehearsal can bring about.
    Held,
}

/// Something that devices would not, or could not, apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The property of the first device, with its words.
    pub property: PropertyVerdict,
    /// All devices to which the same happened.
    pub devices: Vec<DeviceId>,
}

impl Rehearsal {
    /// Devices that refused something.
    pub fn refused(&self) -> usize {
        let all: std::collections::BTreeSet<_> = self.refusals.iter().flat_map(|refusal| &refusal.devices).collect();
        all.len()
    }

    /// Devices that the hub itself refused to write.
    pub fn failed(&self) -> usize {
        let failed = |step: &Step| if let What::Wrote { failed, .. } = &step.what { failed.len() } else { 0 };
        self.steps.iter().map(failed).sum()
    }
}
