//! `twinops reconcile`: brings the live twins to what a commit declares.

use std::sync::Arc;

use crate::{
    cli::{
        Exit, Failure, Progress,
        access::{self, Access, Twins},
        args::{ReconcileArgs, SelectArgs},
        prepare::{Desk, Prepared, Ready},
        replan::Afresh,
        workspace::{Files, Workspace},
    },
    plan::{DeviceVerdict, Planner, Verdict},
    reconcile::{self, Converged, Event, Limits, Outcome, Patience, Standing, Stopped, survey},
    report::{Format, OutcomeReport, PlanReport},
    task::Stop,
    twin::{DeviceId, TwinRow},
};

/// Plans, lets the guards judge, writes, and tells what came of it.
pub(crate) async fn run(args: &ReconcileArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    desk.mention_uncommitted(&workspace, &args.repo.revision)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared)? else { return Ok(Exit::Findings) };
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, None)?;
    let planning = super::plan::survey(desk, &prepared, &twins, &args.select);
    // Nothing is written yet: there is nothing to bring to an end.
    let Some(planned) = stop.unless(planning).await else { return Ok(Exit::Interrupted) };
    let Ready::Go(plan) = planned? else { return Ok(Exit::Findings) };
    let places = Files::new(&prepared.declared.source, desk.root);
    let told = PlanReport { plan: &plan, places: &places };
    if desk.format != Format::Json {
        desk.printer.report(&told, desk.format)?;
    }
    if plan.notices.iter().any(|notice| notice.id == super::plan::GUARD) {
        if desk.format == Format::Json {
            desk.printer.report(&told, desk.format)?;
        }
        let message = "a guard of the fleet refuses this plan; nothing was written";
        return Err(Failure::new(Exit::Guard, message)
            .help("split the change, or raise the limit in `spec.guard` in a commit of its own"));
    }
    let Twins::Hub(hub) = &twins else { return Err(Failure::usage("a snapshot cannot be written to")) };
    let progress = desk.printer.progress("writing twins", None);
    let limits = Limits { concurrency: args.concurrency.get(), ..Limits::default() };
    let replan = Afresh(Arc::clone(&prepared.planner));
    let outcome = reconcile::apply(plan, &**hub, &replan, limits, &show(&progress), stop).await;
    progress.finish();
    let converged = match args.wait {
        Some(total) if outcome.is_complete() => {
            let patience = Patience { total, ..Patience::default() };
            wait(desk, &prepared, &twins, &args.select, patience, stop).await?
        }
        _ => None,
    };
    let (fleet, revision) = (&prepared.planner.fleet().name, prepared.planner.revision());
    let told = OutcomeReport { fleet, revision, outcome: &outcome, converged: converged.as_ref() };
    desk.printer.report(&told, desk.format)?;
    let exit = match &converged {
        Some(converged) if converged.interrupted => Exit::Interrupted,
        Some(converged) if !converged.is_complete() => Exit::Partial,
        _ => exit_of(&outcome),
    };
    let changed = exit == Exit::Done && outcome.applied > 0 && args.detailed_exitcode;
    Ok(if changed { Exit::Changes } else { exit })
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

/// What a run's outcome means to a script.
fn exit_of(outcome: &Outcome) -> Exit {
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
    let statement = access::statement(select)?;
    let pages = access::selected(twins, Some(prepared.planner.fleet()), select, statement.as_deref());
    let Ok(standing) = survey::standing(pages, Arc::clone(&prepared.planner), false).await? else { return Ok(None) };
    let away = standing.devices.get(&Verdict::Unreachable).copied().unwrap_or(0);
    if away > 0 {
        desk.printer.warn(format_args!("{away} devices are not connected; they catch up when they return"));
    }
    let on_their_way = |device: &DeviceVerdict| matches!(device.verdict, Verdict::Pending | Verdict::InProgress);
    let waiting: Vec<DeviceId> =
        standing.outstanding.into_iter().filter(on_their_way).map(|device| device.device).collect();
    let progress = desk.printer.progress("waiting for devices", Some(waiting.len() as u64));
    let shown = |done: usize, _: usize| progress.at(done as u64);
    let judge = |row: &TwinRow<'_>| judged(&prepared.planner, row);
    let converged = reconcile::converge(twins, waiting, &judge, patience, &shown, stop).await?;
    progress.finish();
    Ok(Some(converged))
}

/// How far a device is, by the verdicts on its properties.
pub(super) fn judged(planner: &Planner, row: &TwinRow<'_>) -> Standing {
    let Ok(Some(device)) = planner.verdict(row) else { return Standing::Waiting };
    match device.verdict {
        Verdict::Compliant | Verdict::Unknown => Standing::Done,
        Verdict::Pending | Verdict::InProgress | Verdict::Unreachable => Standing::Waiting,
        Verdict::Rejected | Verdict::Failed | Verdict::Drifted | Verdict::Edited | Verdict::Contested => {
            let worst = device.properties.iter().max_by_key(|property| property.verdict);
            Standing::Failed(worst.map_or_else(String::new, |property| {
                let said = property.message.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
                format!("{} {}{said}", property.path, property.verdict)
            }))
        }
    }
}
