//! Carrying out a plan: every device once, many at a time.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::{
    ahead,
    call::Run,
    device::{End, Job, Journey, Trail},
    gate::Gate,
    outcome::{Event, Events, Failure, Outcome, Stopped},
    ports::{Replan, TwinRead, TwinWrite},
};
use crate::{
    plan::{Plan, quota::Throttles},
    task::Stop,
    twin::DeviceId,
};

/// How hard a run tries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most requests in flight. A throttling hub lowers it for a while.
    pub concurrency: usize,
    /// How often a device whose twin keeps moving on is planned afresh; 0 refuses it at once, as a saved plan must.
    pub stale_tries: u32,
    /// How long one request is repeated while the hub throttles, is in trouble or cannot be reached. A hub that has
    /// answered no request at all for as long ends the run.
    pub patience: Duration,
    /// The share of the hub's throttles that the run may take; `None` where they are not known.
    pub throttles: Option<Throttles>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 32, stale_tries: 5, patience: Duration::from_mins(10), throttles: None }
    }
}

/// Carries out `plan`: one PATCH a device, resting on the etag that it was planned against; devices fail alone.
///
/// When `stop` is requested no new device is begun, what is in flight ends, and the rest is counted as not
/// attempted. Running it again continues.
pub async fn apply<H, R, E>(plan: Plan, hub: &H, replan: &R, limits: Limits, events: &E, stop: &Stop) -> Outcome
where
    H: TwinRead + TwinWrite,
    R: Replan,
    E: Events,
{
    let run = Run {
        gate: Gate::new(limits.concurrency, limits.throttles),
        patience: limits.patience,
        events,
        stop: stop.child(),
        reasons: std::sync::Mutex::default(),
        stopped: std::sync::OnceLock::new(),
    };
    let total = plan.groups.iter().map(|group| group.devices.len() as u64).sum();
    events.on(Event::Started { total });
    let mut outcome = Outcome::default();
    let mut ends = stream::iter(jobs(plan).take_while(|_| !run.stop.is_requested()))
        .chunks(ahead::AT_ONCE)
        .map(|jobs| ahead::read(&run, hub, jobs))
        .buffered(2)
        .flat_map(stream::iter)
        .map(|job| carry_out(&run, hub, replan, limits.stale_tries, job))
        .buffer_unordered(limits.concurrency.max(1));
    while let Some((device, trail, end)) = ends.next().await {
        count(&mut outcome, events, device, &trail, end);
    }
    drop(ends);
    let ended = outcome.written() + outcome.unchanged + (outcome.stale.len() + outcome.failed.len()) as u64;
    outcome.not_attempted = total - ended;
    let cut_short = stop.is_requested() && !outcome.is_complete();
    outcome.stopped = run.stopped.into_inner().or_else(|| cut_short.then_some(Stopped::Interrupted));
    events.on(Event::Finished);
    outcome
}

/// The plan's devices one by one; it is taken apart on the way, never copied.
fn jobs(plan: Plan) -> impl Iterator<Item = Job> {
    plan.groups.into_iter().flat_map(|group| {
        let redacted = group.is_redacted();
        let (patch, before, kind) = (group.patch, group.before, group.kind);
        let job = move |planned| {
            let (patch, before) = (patch.clone(), before.clone());
            Job { planned, patch, before, kind, redacted, twin: None }
        };
        group.devices.into_iter().map(job)
    })
}

async fn carry_out<H, R, E>(run: &Run<'_, E>, hub: &H, replan: &R, stale_tries: u32, job: Job) -> (DeviceId, Trail, End)
where
    H: TwinRead + TwinWrite,
    R: Replan,
    E: Events,
{
    let device = job.planned.device.clone();
    let mut journey = Journey { run, hub, replan, device, stale_tries, trail: Trail::default() };
    let end = journey.walk(job).await;
    (journey.device, journey.trail, end)
}

fn count(outcome: &mut Outcome, events: &impl Events, device: DeviceId, trail: &Trail, end: End) {
    outcome.registered += u64::from(trail.registered);
    match end {
        End::Applied => {
            outcome.applied += 1;
            events.on(Event::Applied { device, adopt: false });
        }
        End::Adopted => {
            outcome.adopted += 1;
            events.on(Event::Applied { device, adopt: true });
        }
        End::Unchanged => {
            outcome.unchanged += 1;
            events.on(Event::Unchanged { device });
        }
        End::Stale => {
            events.on(Event::Failed { device: device.clone(), reason: "its twin has moved on".into() });
            outcome.stale.push(device);
        }
        End::Failed(reason) => {
            events.on(Event::Failed { device: device.clone(), reason: reason.clone() });
            outcome.failed.push(Failure { device, reason });
        }
        End::NotAttempted => {}
    }
}
