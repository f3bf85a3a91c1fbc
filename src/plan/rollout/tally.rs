//! Many twins of rollouts, as numbers and times: a million devices take a few megabytes, and no twin is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Place, Terms,
    course::Course,
    gate::Share,
    seen::{Seen, Way},
    state::Counts,
};
use crate::{
    fleet::resolve::Content,
    plan::{Look, PlanError, planner::Planner},
    twin::{DeviceId, TwinRow},
};

/// Most devices of a wave that are named; the rest is counted.
const NAMED: usize = 50;

/// All rollouts of a fleet. Several tallies may work on parts of it; [`Self::merge`] joins them.
pub struct Tally {
    planner: Arc<Planner>,
    terms: Terms,
    rollouts: Vec<Progress>,
}

/// One rollout.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) waves: Vec<Wave>,
    /// What was rejected and is wanted again, and on how many devices.
    pub(super) refused: BTreeMap<Content, u64>,
}

/// One wave.
#[derive(Debug, Clone, Default)]
pub(super) struct Wave {
    pub(super) counts: Counts,
    /// Outdated devices that count.
    pub(super) outdated: u64,
    /// Devices whose twins are as git says, by what the commit declares that their markers name.
    pub(super) rounds: BTreeMap<Content, Round>,
    /// The first devices, by id, that are not compliant.
    pub(super) outstanding: BTreeSet<DeviceId>,
}

/// The devices of a wave that one content was last written to.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The first write, in milliseconds since 1970.
    pub(super) first: Option<i64>,
    /// The last.
    pub(super) last: Option<i64>,
    /// Those that count.
    pub(super) share: Share,
    /// How long each compliant device took, in milliseconds.
    pub(super) took: Vec<i64>,
    /// Devices that can go back to the commit before.
    pub(super) can_go_back: u64,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(planner: Arc<Planner>, terms: Terms) -> Self {
        let progress = |waves: usize| Progress { waves: vec![Wave::default(); waves], ..Progress::default() };
        let rollouts = planner.fleet().rollouts.iter().map(|rollout| progress(rollout.waves.len())).collect();
        Self { planner, terms, rollouts }
    }

    /// Looks at a twin and counts it; its wave. One that the fleet cannot make up its mind about is no rollout's to judge.
    ///
    /// # Errors
    /// When the row is no twin.
    pub fn look(&mut self, row: &TwinRow<'_>) -> Result<Option<Place>, PlanError> {
        match self.planner.look(row) {
            Ok(look) => Ok(self.take(row, &look)?.map(|(place, _)| place)),
            Err(PlanError::Unresolved(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Takes one device, once it was looked at: its wave, and whether its window lets it be changed now.
    pub(in crate::plan) fn take(&mut self, row: &TwinRow<'_>, look: &Look) -> Result<Option<(Place, bool)>, PlanError> {
        let Some(seen) = self.planner.seen(row, look, &self.terms)? else { return Ok(None) };
        if let Some(progress) = self.rollouts.get_mut(seen.place.rollout) {
            progress.take(&seen, || row.id().ok());
        }
        Ok(Some((seen.place, seen.way != Way::Outdated { now: false })))
    }

    /// Takes over what another tally counted of other devices.
    pub fn merge(&mut self, other: Self) {
        for (here, there) in self.rollouts.iter_mut().zip(other.rollouts) {
            here.merge(there);
        }
    }

    /// What is open now, and what everything else waits for.
    pub fn course(self) -> Course {
        Course::new(&self.planner, &self.terms, self.rollouts)
    }
}

impl Progress {
    pub(super) fn take(&mut self, seen: &Seen, name: impl Fn() -> Option<DeviceId>) {
        if let Some(content) = seen.refuses {
            *self.refused.entry(content).or_default() += 1;
        }
        let Some(wave) = self.waves.get_mut(seen.place.wave) else { return };
        wave.counts.devices += 1;
        wave.counts.unreachable += u64::from(!seen.reachable);
        if !matches!(seen.way, Way::Compliant { .. })
            && let Some(id) = name()
        {
            wave.outstanding.insert(id);
            while wave.outstanding.len() > NAMED {
                wave.outstanding.pop_last();
            }
        }
        match seen.way {
            Way::Outdated { now } => {
                wave.counts.outdated += 1;
                wave.counts.outside_window += u64::from(!now);
                wave.outdated += u64::from(seen.counts);
                return;
            }
            Way::Asked => wave.counts.in_progress += 1,
            Way::Compliant { .. } => wave.counts.compliant += 1,
            Way::Failed => wave.counts.failed += 1,
        }
        wave.rounds.entry(seen.content.unwrap_or(Content::UNKNOWN)).or_default().take(seen);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (content, devices) in other.refused {
            *self.refused.entry(content).or_default() += devices;
        }
        for (here, there) in self.waves.iter_mut().zip(other.waves) {
            here.merge(there);
        }
    }

    /// The devices that count in these waves, among those of whose content `of` holds. Outdated ones always belong.
    pub(super) fn share(&self, waves: usize, of: impl Fn(Content) -> bool) -> Share {
        let mut all = Share::default();
        for wave in self.waves.iter().take(waves) {
            all.devices += wave.outdated;
            for (_, round) in wave.rounds.iter().filter(|(content, _)| of(**content)) {
                all.devices += round.share.devices;
                all.failed += round.share.failed;
                all.compliant.extend(&round.share.compliant);
            }
        }
        all
    }
}

impl Wave {
    fn merge(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.outdated += other.outdated;
        self.outstanding.extend(other.outstanding);
        while self.outstanding.len() > NAMED {
            self.outstanding.pop_last();
        }
        for (content, round) in other.rounds {
            self.rounds.entry(content).or_default().merge(round);
        }
    }
}

impl Round {
    fn take(&mut self, seen: &Seen) {
        self.can_go_back += u64::from(seen.can_go_back);
        self.first = least(self.first, seen.written);
        self.last = self.last.max(seen.written);
        if let (Way::Compliant { at }, Some(written)) = (seen.way, seen.written) {
            self.took.push(at - written);
        }
        if !seen.counts {
            return;
        }
        self.share.devices += 1;
        match seen.way {
            Way::Compliant { at } => self.share.compliant.push(at),
            Way::Failed => self.share.failed += 1,
            Way::Asked | Way::Outdated { .. } => {}
        }
    }

    fn merge(&mut self, other: Self) {
        self.can_go_back += other.can_go_back;
        self.first = least(self.first, other.first);
        self.last = self.last.max(other.last);
        self.took.extend(other.took);
        self.share.devices += other.share.devices;
        self.share.failed += other.share.failed;
        self.share.compliant.extend(other.share.compliant);
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}
