//! What is open, what waits and for what, and what goes back.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Hold, Member, Phase, Place, Reason, RolloutState, Spread, Terms, WaveCounts, WaveState,
    gate::{Share, percentile},
    seen::is_open,
    tally::{Progress, Wave},
};
use crate::{
    fleet::{OnFailure, Rollout, resolve::Content},
    plan::planner::Planner,
};

/// What one run does about the rollouts of its fleet. The empty one lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct Course {
    states: Vec<RolloutState>,
    decisions: Vec<Decision>,
    now: Option<Timestamp>,
}

/// What is decided of one rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) phase: Phase,
    pub(super) hold: Option<Hold>,
    /// So many waves are open, from the first.
    pub(super) open: usize,
    /// Devices that have this go back to the commit before.
    pub(super) back: BTreeSet<Content>,
}

/// All that decides about one rollout.
pub(super) struct Question<'a> {
    pub(super) rollout: &'a Rollout,
    pub(super) progress: &'a Progress,
    /// What is to be rolled out.
    pub(super) current: Content,
    /// For each wave, whether somebody has approved it.
    pub(super) approved: &'a [bool],
    /// Whether what was rejected may be tried again.
    pub(super) again: bool,
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

/// How a gate stands.
enum Outcome {
    /// Passed; since then, as far as it is known.
    Passed(Option<i64>),
    Waiting(Hold),
    /// The content that is to blame, if one was written lately.
    Missed(Hold, Option<Content>),
}

impl Course {
    pub(super) fn new(planner: &Planner, terms: &Terms, rollouts: Vec<Progress>) -> Self {
        let current = planner.resolver().content();
        let mut course = Self { now: Some(terms.now), ..Self::default() };
        for (rollout, progress) in planner.fleet().rollouts.iter().zip(rollouts) {
            let approved: Vec<bool> =
                rollout.waves.iter().map(|wave| is_approved(planner, terms, rollout, &wave.name, current)).collect();
            let again = rollout.waves.first().is_some_and(|wave| is_asked_for(terms, rollout, &wave.name));
            let now = terms.now.as_millisecond();
            let question = Question { rollout, progress: &progress, current, approved: &approved, again, now };
            let decision = question.decide();
            course.states.push(question.state(&decision));
            course.decisions.push(decision);
        }
        course
    }

    /// How the rollouts stand, in order of name.
    pub fn states(&self) -> &[RolloutState] {
        &self.states
    }

    /// The same, taken out.
    pub fn into_states(self) -> Vec<RolloutState> {
        self.states
    }

    /// Whether a rollout holds devices back that are to be changed.
    pub fn holds(&self) -> bool {
        self.states.iter().any(|state| state.waiting() > 0)
    }

    /// Whether devices are to go back to the commit before.
    pub fn goes_back(&self) -> bool {
        self.decisions.iter().any(|decision| !decision.back.is_empty())
    }

    /// Whether a device may be changed now, as far as its wave goes.
    pub(in crate::plan) fn is_open(&self, place: Place) -> bool {
        self.decisions.get(place.rollout).is_none_or(|decision| place.wave < decision.open)
    }

    /// Whether a device may be changed now, as far as its window goes.
    pub(in crate::plan) fn is_in_window(&self, rollout: &Rollout, member: &Member) -> bool {
        self.now.is_none_or(|now| is_open(rollout, member, now))
    }

    /// Whether a device is to go back.
    pub(in crate::plan) fn is_back(&self, member: &Member) -> bool {
        let back = self.decisions.get(member.governed.rollout).map(|decision| &decision.back);
        member.content().is_some_and(|content| back.is_some_and(|back| back.contains(&content)))
    }
}

/// Whether whoever started the run has approved a wave.
fn is_asked_for(terms: &Terms, rollout: &Rollout, wave: &str) -> bool {
    terms.approved.iter().any(|(name, of)| **name == *rollout.name && of == wave)
}

/// Whether a wave is approved for what is to be rolled out.
fn is_approved(planner: &Planner, terms: &Terms, rollout: &Rollout, wave: &str, current: Content) -> bool {
    let today = terms.now.to_zoned(TimeZone::UTC).date();
    is_asked_for(terms, rollout, wave)
        || planner.fleet().approvals.iter().any(|approval| {
            let names = *approval.spec.rollout == *rollout.name && approval.spec.wave == wave;
            names && approval.holds_on(today) && planner.content(&approval.spec.revision) == current
        })
}

impl Question<'_> {
    pub(super) fn decide(&self) -> Decision {
        let waves = &self.rollout.waves;
        let refused = &self.progress.refused;
        if !self.again && !refused.is_empty() {
            let reason = Reason::Rejected { devices: refused.values().sum() };
            return stopped(Phase::Rejected, self.hold(0, reason, None, None), refused.keys().copied().collect());
        }
        let mut passed = None;
        for (at, wave) in waves.iter().enumerate() {
            if wave.approval && !self.approved.get(at).copied().unwrap_or(false) {
                return rolling(at, self.hold(at, Reason::Approval, passed, None));
            }
            match self.gate(at) {
                Outcome::Passed(since) => passed = since,
                Outcome::Waiting(hold) => return rolling(at + 1, hold),
                Outcome::Missed(hold, blame) => return self.missed(hold, blame),
            }
        }
        self.finished()
    }

    /// The last gate is behind us; single devices may wait for their window, or be changed now.
    fn finished(&self) -> Decision {
        let sum = |of: fn(&WaveCounts) -> u64| self.progress.waves.iter().map(|wave| of(&wave.counts)).sum::<u64>();
        let outside = sum(|counts| counts.outside_window);
        let phase = if sum(|counts| counts.outdated) == 0 { Phase::Done } else { Phase::Rolling };
        let last = self.rollout.waves.len().saturating_sub(1);
        let hold = (outside > 0).then(|| self.hold(last, Reason::Window { devices: outside }, None, None));
        Decision { phase, hold, open: self.rollout.waves.len(), back: BTreeSet::new() }
    }

    /// A commit that was written lately is to blame and can be taken back; anything else needs somebody to decide.
    fn missed(&self, hold: Hold, blame: Option<Content>) -> Decision {
        let is_current = blame == Some(self.current);
        let rounds = self.progress.waves.iter().filter_map(|wave| wave.rounds.get(&self.current));
        let can = is_current && rounds.map(|round| round.can_go_back).sum::<u64>() > 0;
        if can && self.rollout.on_failure == OnFailure::Rollback {
            return stopped(Phase::Rejected, hold, BTreeSet::from([self.current]));
        }
        stopped(Phase::Paused, hold, BTreeSet::new())
    }

    /// How the gate behind a wave stands, over the waves so far.
    fn gate(&self, at: usize) -> Outcome {
        let (gate, is_last) = (&self.rollout.gate, at + 1 == self.rollout.waves.len());
        if self.was_passed(at) || self.progress.waves.iter().take(at + 1).all(|wave| wave.counts.devices == 0) {
            return Outcome::Passed(None);
        }
        let newest = self.newest(at);
        let all = self.progress.share(at + 1, |_| true);
        let new = self.progress.share(at + 1, |content| Some(content) == newest);
        let first = newest.and_then(|content| self.first_write(at, content));
        let reached = reached(&all, &new, gate);
        let soaked = reached.map(|reached| reached.saturating_add(milliseconds(gate.soak)));
        let passed = soaked.filter(|end| *end <= self.now);
        // Nobody watches a rollout for ever: what fails months later is drift.
        let is_over = first.is_some_and(|first| first + milliseconds(self.rollout.patience()) <= self.now);
        if is_last && (passed.is_some() || is_over) {
            return Outcome::Passed(passed);
        }
        if let Some(share) = [&new, &all].into_iter().find(|share| share.is_failing(gate)) {
            let reason = Reason::Failed { failed: share.failed, devices: share.devices, most: gate.failed };
            return Outcome::Missed(self.hold(at, reason, first, None), newest);
        }
        if passed.is_some() {
            return Outcome::Passed(passed);
        }
        if reached.is_some() {
            return Outcome::Waiting(self.hold(at, Reason::Soak, reached, soaked));
        }
        let end = first.zip(gate.timeout).map(|(first, timeout)| first + milliseconds(timeout));
        if end.is_some_and(|end| end <= self.now) {
            return Outcome::Missed(self.hold(at, Reason::Timeout, end, None), newest);
        }
        Outcome::Waiting(self.hold(at, missing(&all, &new, gate), first, end))
    }

    /// A later wave has the commit already: whoever returns now joins behind the gates that it has passed.
    fn was_passed(&self, at: usize) -> bool {
        self.progress.waves.iter().skip(at + 1).any(|wave| wave.rounds.contains_key(&self.current))
    }

    /// What was written last in the waves so far: the current content as soon as a device has it or is to get it, or
    /// else the youngest.
    fn newest(&self, at: usize) -> Option<Content> {
        let waves = || self.progress.waves.iter().take(at + 1);
        if waves().any(|wave| wave.counts.outdated > 0 || wave.rounds.contains_key(&self.current)) {
            return Some(self.current);
        }
        let rounds = waves().flat_map(|wave| &wave.rounds);
        rounds.max_by_key(|(content, round)| (round.last, **content)).map(|(content, _)| *content)
    }

    /// The wave's first write of a content; where it has none, that of the nearest wave before it.
    fn first_write(&self, at: usize, content: Content) -> Option<i64> {
        let waves = self.progress.waves.iter().take(at + 1).rev();
        waves.filter_map(|wave| wave.rounds.get(&content)).find_map(|round| round.first)
    }

    fn hold(&self, at: usize, reason: Reason, since: Option<i64>, until: Option<i64>) -> Hold {
        let wave = self.rollout.waves.get(at).map(|wave| wave.name.clone()).unwrap_or_default();
        Hold { wave, reason, since: since.and_then(moment), until: until.and_then(moment) }
    }

    /// The rollout as it stands with a decision.
    pub(super) fn state(&self, decision: &Decision) -> RolloutState {
        let wave = |(at, wave): (usize, &Wave)| self.wave(at, wave, at < decision.open);
        RolloutState {
            name: self.rollout.name.clone(),
            phase: decision.phase,
            hold: decision.hold.clone(),
            waves: self.progress.waves.iter().enumerate().map(wave).collect(),
        }
    }

    fn wave(&self, at: usize, wave: &Wave, open: bool) -> WaveState {
        let mut counts = wave.counts;
        if open {
            counts.due = counts.outdated - counts.outside_window;
        } else {
            (counts.held, counts.outside_window) = (counts.outdated, 0);
        }
        let round = wave.rounds.get(&self.current);
        let round = round.or_else(|| wave.rounds.values().max_by_key(|round| round.last));
        WaveState {
            name: self.rollout.waves.get(at).map(|wave| wave.name.clone()).unwrap_or_default(),
            open,
            counts,
            took: round.and_then(|round| spread(&round.took)),
            outstanding: wave.outstanding.iter().cloned().collect(),
        }
    }
}

/// When both shares were reached: that of all devices so far, and that of those which were written last. Devices that a
/// commit does not touch must not outvote the few that it does.
fn reached(all: &Share, new: &Share, gate: &crate::fleet::Gate) -> Option<i64> {
    let all = all.reached(gate)?;
    if new.devices == 0 { Some(all) } else { Some(all.max(new.reached(gate)?)) }
}

fn missing(all: &Share, new: &Share, gate: &crate::fleet::Gate) -> Reason {
    if all.devices == 0 {
        return Reason::Nobody;
    }
    let share = if new.devices > 0 && new.reached(gate).is_none() { new } else { all };
    let compliant = share.compliant.len() as u64;
    Reason::Compliance { compliant, needed: share.needed(gate), devices: share.devices }
}

fn spread(took: &[i64]) -> Option<Spread> {
    let mut took = took.to_vec();
    let length = |milliseconds: i64| std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    Some(Spread { p50: length(percentile(&mut took, 50)?), p95: length(percentile(&mut took, 95)?) })
}

fn rolling(open: usize, hold: Hold) -> Decision {
    Decision { phase: Phase::Rolling, hold: Some(hold), open, back: BTreeSet::new() }
}

fn stopped(phase: Phase, hold: Hold, back: BTreeSet<Content>) -> Decision {
    Decision { phase, hold: Some(hold), open: 0, back }
}

fn milliseconds(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn moment(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}
