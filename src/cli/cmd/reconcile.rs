//! `twinops reconcile`: brings the live twins to what a commit declares.

use std::{sync::Arc, time::Instant};

use tokio::task::block_in_place;

use crate::{
    cli::{
        Exit, Failure, Progress,
        access::{self, Access, Twins},
        args::{ReconcileArgs, SelectArgs},
        cache::Purpose,
        cmd::plan::Looking,
        follow::{self, Observer},
        login,
        permit::{self, Permit},
        post::{self, News},
        prepare::{Desk, Prepared, Ready},
        quota,
        replan::{Afresh, Again},
        saved,
        workspace::{Declared, Files, Workspace},
    },
    client::HubClient,
    fleet::Finding,
    forge::Kind,
    plan::{self, DeviceVerdict, Plan, Planner, Verdict},
    reconcile::{self, Converged, Event, Limits, Outcome, Patience, Standing, Stopped, survey},
    report::{Format, OutcomeReport, PlanReport},
    task::Stop,
    twin::{DeviceId, TwinRow},
};

/// Reconciles once, or as long as it is asked to.
pub(crate) async fn run(args: &ReconcileArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let observer = Observer::open(&args.follow, desk.printer)?;
    if args.follow.watch {
        return follow::run(args, desk, &observer, stop).await;
    }
    let ended = Box::pin(once(args, desk, &observer, stop)).await;
    observer.ended(&ended, desk.printer).await;
    ended
}

/// Plans, lets the guards judge, writes, and tells what came of it.
pub(crate) async fn once(
    args: &ReconcileArgs,
    desk: &Desk<'_>,
    observer: &Observer,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let run = Run { args, desk, observer, stop };
    let workspace = Workspace::open(desk.root)?;
    let planned = match run.plan(&workspace).await? {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    run.agree(&planned).await?;
    run.carry_out(planned, &workspace).await
}

/// One run, and all that it was given.
struct Run<'a> {
    args: &'a ReconcileArgs,
    desk: &'a Desk<'a>,
    observer: &'a Observer,
    stop: &'a Stop,
}

/// What a run is about to do, and what that rests on.
struct Planned {
    prepared: Prepared,
    twins: Twins,
    plan: Plan,
    permit: Permit,
    limits: Limits,
    /// It was planned before, and is carried out as it is or not at all.
    is_saved: bool,
}

impl<'a> Run<'a> {
    const fn access(&self) -> Access<'a> {
        Access { hub: &self.args.hub, ca: self.desk.ca }
    }

    /// Plans, or takes the plan that was saved; how the run ends if it comes to none.
    async fn plan(&self, workspace: &Workspace) -> Result<Result<Planned, Exit>, Failure> {
        let Self { args, desk, observer, stop } = self;
        let begun = Instant::now();
        let saved = args.plan.as_ref().map(|path| block_in_place(|| saved::read(path))).transpose()?;
        let revision = saved.as_ref().map_or(&args.repo.revision, |saved| &saved.plan.revision);
        desk.mention_uncommitted(workspace, revision);
        let declare = || observer.declared(&args.follow, revision, workspace);
        let Ready::Go(prepared) = desk.prepare(workspace, declare()?).await? else {
            let declared = declare()?;
            return self.found(workspace, &declared, &declared.loaded.findings).await.map(Err);
        };
        let twins = Twins::open(prepared.planner.fleet(), self.access(), None)?;
        let permit = Permit::new(&args.allow);
        let throttles = quota::throttles(prepared.planner.fleet(), args.share)?;
        let is_saved = saved.is_some();
        let (select, approve) = (&args.select, &args.approve);
        let looking = Looking { twins: &twins, select, approve, purpose: Purpose::Write, throttles };
        let planning = async {
            match saved {
                Some(saved) => saved::take(saved, &prepared, self.access(), &permit, throttles).map(Ok),
                None => super::plan::survey(desk, &prepared, looking, &permit).await,
            }
        };
        // Nothing is written yet: there is nothing to bring to an end.
        let Some(planned) = stop.unless(Box::pin(planning)).await else { return Ok(Err(Exit::Interrupted)) };
        let mut plan = match planned? {
            Ok(plan) => plan,
            Err(findings) => {
                desk.findings(&prepared.declared, &findings)?;
                let declared = &prepared.declared;
                return post::findings(desk, workspace, &args.post, Kind::Reconcile, declared, &findings)
                    .await
                    .map(Err);
            }
        };
        if args.require_approved_plan {
            // Of the whole plan, as it was approved, and not of a shard.
            let hub = login::hub_name(prepared.planner.fleet(), self.access(), false)?.unwrap_or_default();
            plan.hash = Some(plan::saved::hash(&plan, &hub));
        }
        observer.planned(&plan, begun.elapsed());
        if let Some(shard) = args.follow.shard {
            plan.keep_shard(shard);
        }
        let limits = Limits { concurrency: args.concurrency.get(), throttles, ..Limits::default() };
        let limits = if is_saved { Limits { stale_tries: 0, ..limits } } else { limits };
        Ok(Ok(Planned { prepared, twins, plan, permit, limits, is_saved }))
    }

    /// Tells findings where the run is told of.
    async fn found(&self, workspace: &Workspace, declared: &Declared, findings: &[Finding]) -> Result<Exit, Failure> {
        post::findings(self.desk, workspace, &self.args.post, Kind::Reconcile, declared, findings).await
    }

    /// Tells what is about to be written, unless a guard refuses it, or nobody has approved it where somebody has to.
    async fn agree(&self, planned: &Planned) -> Result<(), Failure> {
        let (desk, plan) = (self.desk, &planned.plan);
        let places = Files::new(&planned.prepared.declared.source, desk.root);
        announce(plan, &places, desk)?;
        if !self.args.require_approved_plan {
            return Ok(());
        }
        let approved = post::require_approved(&self.args.post.place, plan).await;
        if approved.is_err() && is_one_document(desk.format) {
            desk.printer.report(&PlanReport { plan, places: &places }, desk.format)?;
        }
        approved
    }

    /// Writes, waits where that is asked for, and tells what came of it.
    async fn carry_out(&self, planned: Planned, workspace: &Workspace) -> Result<Exit, Failure> {
        let Self { args, desk, observer, stop } = self;
        let Planned { prepared, twins, mut plan, permit, limits, is_saved } = planned;
        let Twins::Hub(hub) = &twins else { return Err(Failure::usage("a snapshot cannot be written to")) };
        let rulings = std::mem::take(&mut plan.rulings);
        let (held, rollouts) = (!plan.held.is_empty() || plan.rollouts.goes_back(), plan.rollouts.clone());
        let afresh =
            Afresh { planner: Arc::clone(&prepared.planner), permit: Some(permit), rollouts: rollouts.clone() };
        let replan = if is_saved { saved::only(afresh, &plan) } else { Again::Freely(afresh) };
        let outcome = write(plan, hub, &replan, limits, desk, observer, stop).await;
        let converged = match args.wait {
            Some(total) if outcome.is_complete() => {
                let patience = Patience { total, ..Patience::default() };
                wait(desk, &prepared, &twins, &args.select, patience, stop).await?
            }
            _ => None,
        };
        let (fleet, revision) = (&prepared.planner.fleet().name, prepared.planner.revision());
        let (outcome, converged, rollouts) = (&outcome, converged.as_ref(), rollouts.states());
        let told = OutcomeReport { fleet, revision, outcome, converged, rulings: &rulings, rollouts };
        desk.printer.report(&told, desk.format)?;
        let exit = match exit_of(outcome, converged) {
            Exit::Done if held => Exit::Gate,
            Exit::Done if outcome.applied > 0 && args.detailed_exitcode => Exit::Changes,
            exit => exit,
        };
        let state = post::state_of(exit);
        let news = News { kind: Kind::Reconcile, fleet, revision, plan: None, report: &told, state };
        post::tell(desk, workspace, &args.post, news, exit).await
    }
}

/// Carries the plan out, and shows how far that is.
async fn write(
    plan: Plan,
    hub: &HubClient,
    replan: &Again,
    limits: Limits,
    desk: &Desk<'_>,
    observer: &Observer,
    stop: &Stop,
) -> Outcome {
    let progress = desk.printer.progress("writing twins", None);
    let (show, begun) = (show(&progress), Instant::now());
    let events = |event: Event| {
        observer.on(&event);
        show(event);
    };
    let outcome = reconcile::apply(plan, hub, replan, limits, &events, stop).await;
    observer.applied(&outcome, hub, begun.elapsed());
    progress.finish();
    outcome
}

/// Tells what is about to be written, unless a guard refuses it. A program reads one document: that of the outcome, or of
/// the plan when there is none.
fn announce(plan: &Plan, places: &Files<'_>, desk: &Desk<'_>) -> Result<(), Failure> {
    if plan.is_refused() || !is_one_document(desk.format) {
        desk.printer.report(&PlanReport { plan, places }, desk.format)?;
    }
    if plan.is_refused() { Err(permit::refused(plan)) } else { Ok(()) }
}

/// Whether a program reads it, and expects one document.
const fn is_one_document(format: Format) -> bool {
    matches!(format, Format::Json | Format::Sarif | Format::Junit | Format::Gitlab)
}

/// Events as progress.
fn show(progress: &Progress) -> impl Fn(Event) + Send + Sync {
    move |event| match event {
        Event::Started { total } => progress.total(total),
        Event::Applied { .. } | Event::Unchanged { .. } | Event::Failed { .. } => progress.advance(1),
        Event::Throttled { wait, .. } => {
            progress.words(format!("writing twins; the hub throttles, waiting {} s", wait.as_secs()));
        }
        Event::Registered { .. } | Event::Replanned { .. } | Event::Retrying { .. } | Event::Finished => {}
    }
}

/// What a run's outcome, and what devices made of it, means to a script.
fn exit_of(outcome: &Outcome, converged: Option<&Converged>) -> Exit {
    match converged {
        Some(converged) if converged.interrupted => return Exit::Interrupted,
        Some(converged) if !converged.is_complete() => return Exit::Partial,
        _ => {}
    }
    let written = outcome.applied + outcome.adopted + outcome.unchanged;
    match &outcome.stopped {
        Some(Stopped::Interrupted) => Exit::Interrupted,
        Some(Stopped::Hub(_)) if written == 0 => Exit::Failed,
        _ if outcome.is_complete() => Exit::Done,
        _ if written > 0 => Exit::Partial,
        _ if outcome.failed.is_empty() && !outcome.stale.is_empty() => Exit::Stale,
        _ => Exit::Failed,
    }
}

/// Waits until every device that can be reached has caught up. Those that cannot will when they return.
async fn wait(
    desk: &Desk<'_>,
    prepared: &Prepared,
    twins: &Twins,
    select: &SelectArgs,
    patience: Patience,
    stop: &Stop,
) -> Result<Option<Converged>, Failure> {
    let statement = access::statement(select, desk.printer)?;
    let pages = access::selected(twins, Some(prepared.planner.fleet()), select, statement.as_deref());
    let Ok(standing) = survey::standing(pages, Arc::clone(&prepared.planner), false, None).await? else {
        return Ok(None);
    };
    let away = standing.devices.get(&Verdict::Unreachable).copied().unwrap_or(0);
    if away > 0 {
        desk.printer.warn(format_args!("{away} devices are not connected; they catch up when they return"));
    }
    // A device may have refused already: that is no reason to call it done.
    let asked =
        |device: &DeviceVerdict| device.connected && !device.awaits_rollout && judged_by(device) != Standing::Done;
    let waiting: Vec<DeviceId> = standing.outstanding.into_iter().filter(asked).map(|device| device.device).collect();
    if waiting.is_empty() {
        return Ok(None);
    }
    let progress = desk.printer.progress("waiting for devices", Some(waiting.len() as u64));
    let shown = |done: usize, _: usize| progress.at(done as u64);
    let judge = |row: &TwinRow<'_>| judged(&prepared.planner, row);
    let converged = reconcile::converge(twins, waiting, &judge, patience, &shown, stop).await?;
    progress.finish();
    Ok(Some(converged))
}

/// How far a device is.
pub(super) fn judged(planner: &Planner, row: &TwinRow<'_>) -> Standing {
    match planner.verdict(row) {
        Ok(Some(device)) => judged_by(&device),
        // Nothing is asked of it any more.
        Ok(None) => Standing::Done,
        Err(_) => Standing::Waiting,
    }
}

/// How far a device is, by the verdicts on its properties: one that it never reports on does not speak for those
/// that it is still to answer.
fn judged_by(device: &DeviceVerdict) -> Standing {
    let worst = device.properties.iter().max_by_key(|property| property.verdict);
    if let Some(property) = worst.filter(|property| property.verdict.is_drift()) {
        let said = property.message.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
        return Standing::Failed(format!("{} {}{said}", property.path, property.verdict));
    }
    let is_awaited = |verdict| matches!(verdict, Verdict::Pending | Verdict::InProgress | Verdict::Unreachable);
    if device.properties.iter().any(|property| is_awaited(property.verdict)) {
        return Standing::Waiting;
    }
    Standing::Done
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::PropertyVerdict;

    fn device(verdicts: &[Verdict]) -> DeviceVerdict {
        let property = |(at, verdict): (usize, &Verdict)| PropertyVerdict {
            path: format!("properties.desired.c.p{at}").parse().unwrap(),
            verdict: *verdict,
            wanted: Some(json!(1)),
            live: None,
            reported: None,
            since: None,
            message: Some("no".to_owned()),
            by: None,
            origin: None,
            secret: false,
        };
        DeviceVerdict {
            ignored: std::collections::BTreeSet::new(),
            awaits_rollout: false,
            device: "d1".parse().unwrap(),
            verdict: verdicts.iter().copied().max().unwrap_or(Verdict::Compliant),
            connected: true,
            last_activity: None,
            revision: None,
            compliant: 0,
            properties: verdicts.iter().enumerate().map(property).collect(),
        }
    }

    #[test]
    fn what_a_device_never_reports_does_not_hide_what_it_is_still_to_answer() {
        assert_eq!(judged_by(&device(&[])), Standing::Done);
        assert_eq!(judged_by(&device(&[Verdict::Unknown])), Standing::Done);
        assert_eq!(judged_by(&device(&[Verdict::Pending, Verdict::Unknown])), Standing::Waiting);
        let failed = judged_by(&device(&[Verdict::Pending, Verdict::Failed, Verdict::Unknown]));
        assert_eq!(failed, Standing::Failed("properties.desired.c.p1 failed: no".to_owned()));
    }
}
