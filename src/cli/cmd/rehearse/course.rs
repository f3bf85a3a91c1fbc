//! Carrying a plan out as `reconcile` would, again and again, until nothing is left or nothing goes on.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    clock::{Clock, Told},
    stage::Stage,
};
use crate::{
    cli::{
        Failure,
        cmd::reconcile::judged,
        permit::Permit,
        replan::{Afresh, Again},
    },
    fleet::Finding,
    plan::{
        GroupKind, Plan, Planner, PropertyVerdict, Verdict,
        quota::{Looked, Quota, Throttles},
        rollout::{Phase, Reason, RolloutState, Terms},
    },
    reconcile::{
        self, Converged, Limits, Outcome,
        ports::{Page, TwinRead as _},
        rehearsal::{End, Refusal, Rehearsal, Step, WaveShare, What},
        survey::{self, Rollouts, SurveyError},
    },
    twin::{DeviceId, TwinRow},
};

/// All twins.
const ALL: &str = "SELECT * FROM devices";
/// Most looks of one rehearsal, so that it ends whatever happens.
const LOOKS: usize = 500;
/// How far the clock goes at a time while a maintenance window is waited for, and how far in all.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const LONGEST: SignedDuration = SignedDuration::from_hours(8 * 24);

/// What a rehearsal works with.
pub(super) struct Course<'a> {
    pub(super) stage: &'a Stage,
    pub(super) clock: &'a Clock,
    pub(super) planner: Arc<Planner>,
    pub(super) permit: &'a Permit,
    pub(super) throttles: Option<Throttles>,
    /// How many devices each of the rehearsal stands for.
    pub(super) scale: f64,
    pub(super) terms: Terms,
    pub(super) told: Rehearsal,
}

/// A rehearsal that has ended, or what is wrong with the fleet.
pub(super) type Ended = Result<Rehearsal, Vec<Finding>>;

impl Course<'_> {
    /// Brings all devices to what another planner wants, without waves or guards.
    pub(super) async fn begin_with(&mut self, base: &Arc<Planner>) -> Result<Result<(), Vec<Finding>>, Failure> {
        let told = self.hub();
        let plan = match survey::plan(told.twins(ALL), Arc::clone(base), &|_| true, Rollouts::Ignored).await? {
            Ok(plan) => plan,
            Err(findings) => return Ok(Err(findings)),
        };
        let (outcome, _) = self.carry_out(plan, base).await?;
        self.step(What::Prepared { devices: outcome.written() });
        Ok(Ok(()))
    }

    /// Goes on until it ends.
    pub(super) async fn run(mut self) -> Result<Ended, Failure> {
        self.told.end = End::Held;
        for _ in 0..LOOKS {
            let mut plan = match self.plan().await? {
                Ok(plan) => plan,
                Err(findings) => return Ok(Err(findings)),
            };
            if plan.rollouts.goes_back() {
                self.go_back(plan).await?;
                self.told.end = End::Rejected;
                break;
            }
            if plan.is_empty() {
                match self.next(plan.rollouts.into_states()).await? {
                    Some(end) => {
                        self.told.end = end;
                        break;
                    }
                    None => continue,
                }
            }
            self.permit.judge(&self.planner, &mut plan, true);
            if plan.is_refused() {
                self.told.rulings = plan.rulings;
                self.told.end = End::Refused;
                break;
            }
            if !self.write(plan).await? {
                break;
            }
        }
        self.finish().await
    }

    fn hub(&self) -> Told<'_> {
        Told { hub: &self.stage.client, clock: self.clock }
    }

    fn terms(&self) -> Terms {
        Terms { now: self.clock.now(), ..self.terms.clone() }
    }

    fn rollouts(&self) -> Rollouts {
        if self.planner.fleet().rollouts.is_empty() { Rollouts::Ignored } else { Rollouts::Derived(self.terms()) }
    }

    async fn plan(&self) -> Result<Result<Plan, Vec<Finding>>, SurveyError> {
        survey::plan(self.hub().twins(ALL), Arc::clone(&self.planner), &|_| true, self.rollouts()).await
    }

    /// Writes what a plan has; whether anything came of it.
    async fn write(&mut self, plan: Plan) -> Result<bool, Failure> {
        let shares = shares(plan.rollouts.states());
        let takes = self.throttles.map(|throttles| Quota::predict(throttles, &plan, Looked::Before).total.at_share);
        let takes = takes.map(|takes| takes.mul_f64(self.scale));
        let changed: u64 = plan.devices(GroupKind::Change);
        let planner = Arc::clone(&self.planner);
        let (outcome, converged) = self.carry_out(plan, &planner).await?;
        let written = outcome.written();
        self.step(What::Wrote {
            applied: outcome.applied,
            adopted: outcome.adopted,
            failed: outcome.failed,
            waves: shares,
            takes,
        });
        // A few writes are no time at all.
        self.forward(Duration::from_secs(takes.unwrap_or_default().as_secs()));
        if changed > 0 {
            self.answered(&converged);
        }
        Ok(written > 0)
    }

    /// Writes a plan, and waits for those who are asked and can answer.
    async fn carry_out(&self, plan: Plan, planner: &Arc<Planner>) -> Result<(Outcome, Converged), Failure> {
        let online: BTreeSet<&DeviceId> = self.stage.online.iter().collect();
        let devices = plan.groups.iter().flat_map(|group| &group.devices).map(|planned| &planned.device);
        let touched: Vec<DeviceId> = devices.filter(|device| online.contains(device)).cloned().collect();
        let outcome = self.apply(plan, planner).await;
        let judge = |row: &TwinRow<'_>| judged(planner, row);
        let (told, stop) = (self.hub(), &self.stage.stop);
        let patience = self.stage.patience();
        let converged = reconcile::converge(&told, touched, &judge, patience, &|_, _| (), stop).await?;
        Ok((outcome, converged))
    }

    async fn apply(&self, plan: Plan, planner: &Arc<Planner>) -> Outcome {
        let rollouts = plan.rollouts.clone();
        let replan = Again::Freely(Afresh { planner: Arc::clone(planner), permit: None, rollouts });
        reconcile::apply(plan, &self.hub(), &replan, Limits::default(), &|_| (), &self.stage.stop).await
    }

    async fn go_back(&mut self, mut plan: Plan) -> Result<(), Failure> {
        let course = Arc::new(plan.rollouts.clone());
        let planner = Arc::clone(&self.planner);
        let told = self.hub();
        plan.take_back(survey::returning(told.twins(ALL), Arc::clone(&planner), course).await?);
        let outcome = self.apply(plan, &planner).await;
        self.step(What::WentBack { devices: outcome.written() });
        Ok(())
    }

    /// Nothing is to be written now: sets the clock forward, or takes an approval as given, or ends.
    async fn next(&mut self, states: Vec<RolloutState>) -> Result<Option<End>, Failure> {
        if states.iter().all(|state| state.phase == Phase::Done) {
            return Ok(Some(End::Done));
        }
        let holds = || states.iter().filter_map(|state| Some((state, state.hold.as_ref()?)));
        if let Some((state, hold)) = holds().find(|(_, hold)| hold.reason == Reason::Approval) {
            let named = (state.name.to_string(), hold.wave.to_string());
            if self.terms.approved.insert(named) {
                self.step(What::Approved { rollout: Arc::clone(&state.name), wave: Arc::clone(&hold.wave) });
                return Ok(None);
            }
        }
        let now = self.clock.now();
        let timed = holds().filter(|(state, _)| state.phase == Phase::Rolling);
        let timed = timed.filter_map(|(state, hold)| {
            let until = hold.until.filter(|until| *until > now)?;
            Some(Pause { until, rollout: &state.name, wave: &hold.wave, reason: hold.reason })
        });
        let mut next = timed.min_by_key(|pause| pause.until);
        if let Some((rollout, wave, devices)) = shut(&states)
            && let Some(until) = self.opening(next.as_ref().map(|pause| pause.until)).await?
        {
            next = Some(Pause { until, rollout, wave, reason: Reason::Window { devices } });
        }
        if let Some(pause) = next {
            self.wait(&pause);
            return Ok(None);
        }
        let is = |phase| states.iter().any(|state| state.phase == phase);
        Ok(Some(match () {
            () if is(Phase::Rejected) => End::Rejected,
            () if is(Phase::Paused) => End::Paused,
            () => End::Held,
        }))
    }

    /// When something can be written again, if that is before `until`.
    async fn opening(&self, until: Option<Timestamp>) -> Result<Option<Timestamp>, Failure> {
        use futures_util::{StreamExt as _, stream};
        let pages: Vec<Result<Page, _>> = self.hub().twins(ALL).collect().await;
        let pages: Vec<Page> = pages.into_iter().collect::<Result<_, _>>()?;
        let last = self.clock.now().checked_add(LONGEST)?;
        let last = until.map_or(last, |until| until.min(last));
        let mut time = quarter_after(self.clock.now())?;
        while time < last {
            let terms = Terms { now: time, ..self.terms.clone() };
            let all = stream::iter(pages.iter().cloned().map(Ok));
            let planned = survey::plan(all, Arc::clone(&self.planner), &|_| true, Rollouts::Derived(terms)).await?;
            if planned.is_ok_and(|plan| !plan.is_empty()) {
                return Ok(Some(time));
            }
            time = time.checked_add(QUARTER)?;
        }
        Ok(None)
    }

    fn wait(&mut self, pause: &Pause<'_>) {
        self.step(What::Waited {
            rollout: Arc::clone(pause.rollout),
            wave: Arc::clone(pause.wave),
            reason: pause.reason.to_string(),
            length: between(self.clock.now(), pause.until),
        });
        self.clock.forward_to(pause.until);
    }

    fn answered(&mut self, converged: &Converged) {
        let count = |number: usize| number as u64;
        self.step(What::Answered {
            done: count(converged.done.len()),
            failed: count(converged.failed.len()),
            silent: count(converged.waiting.len()),
        });
    }

    fn forward(&self, length: Duration) {
        let time = SignedDuration::try_from(length).ok().and_then(|length| self.clock.now().checked_add(length).ok());
        if let Some(time) = time {
            self.clock.forward_to(time);
        }
    }

    fn step(&mut self, what: What) {
        let at = between(self.told.began, self.clock.now());
        self.told.steps.push(Step { at, what });
    }

    async fn finish(mut self) -> Result<Ended, Failure> {
        self.told.length = between(self.told.began, self.clock.now());
        let told = self.hub();
        let standing = survey::standing(told.twins(ALL), Arc::clone(&self.planner), false, Some(self.terms())).await?;
        let standing = match standing {
            Ok(standing) => standing,
            Err(findings) => return Ok(Err(findings)),
        };
        self.told.rollouts = standing.rollouts;
        for device in standing.outstanding {
            for property in device.properties {
                if matches!(property.verdict, Verdict::Rejected | Verdict::Failed | Verdict::Drifted) {
                    refuse(&mut self.told.refusals, property, &device.device);
                }
            }
        }
        Ok(Ok(self.told))
    }
}

/// Something that only time brings.
struct Pause<'a> {
    until: Timestamp,
    rollout: &'a Arc<str>,
    wave: &'a Arc<str>,
    reason: Reason,
}

/// An open wave with devices whose maintenance window is shut, and how many.
fn shut(states: &[RolloutState]) -> Option<(&Arc<str>, &Arc<str>, u64)> {
    let mut waves = states.iter().flat_map(|state| state.waves.iter().map(move |wave| (state, wave)));
    let (state, wave) = waves.find(|(_, wave)| wave.counts.outside_window > 0)?;
    Some((&state.name, &wave.name, wave.counts.outside_window))
}

/// The next full quarter of an hour: windows open at full minutes, and mostly at these.
fn quarter_after(time: Timestamp) -> Result<Timestamp, jiff::Error> {
    let gone = time.as_second().rem_euclid(QUARTER.as_secs());
    Timestamp::from_second(time.as_second() - gone)?.checked_add(QUARTER)
}

/// Adds a device to those to which the same happened.
fn refuse(all: &mut Vec<Refusal>, property: PropertyVerdict, device: &DeviceId) {
    let same = all.iter_mut().find(|refusal| {
        let known = &refusal.property;
        (known.verdict, &known.path, &known.message) == (property.verdict, &property.path, &property.message)
    });
    match same {
        Some(known) => known.devices.push(device.clone()),
        None => all.push(Refusal { property, devices: vec![device.clone()] }),
    }
}

/// The waves that a plan writes to.
fn shares(states: &[RolloutState]) -> Vec<WaveShare> {
    let of = |state: &RolloutState| {
        let rollout = Arc::clone(&state.name);
        let due = state.waves.iter().filter(|wave| wave.counts.due > 0);
        let share = move |wave: &crate::plan::rollout::WaveState| WaveShare {
            rollout: Arc::clone(&rollout),
            wave: Arc::clone(&wave.name),
            devices: wave.counts.due,
        };
        due.map(share).collect::<Vec<_>>()
    };
    states.iter().flat_map(of).collect()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
