//! `twinops reconcile`: brings the live twins to what a commit declares.

use std::{sync::Arc, time::Duration};

use crate::{
    cli::{
        Exit, Failure, Progress,
        access::{Access, Twins},
        args::ReconcileArgs,
        prepare::{Desk, Ready},
        replan::Afresh,
        workspace::{Files, Workspace},
    },
    plan::{GroupKind, Plan},
    reconcile::{self, Event, Limits, Outcome, Patience, Stopped, acknowledged},
    report::{Format, OutcomeReport, PlanReport},
    task::Stop,
    twin::DeviceId,
};

/// Plans, lets the guards judge, writes, and tells what came of it.
pub(crate) async fn run(args: &ReconcileArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    desk.mention_uncommitted(&workspace, &args.repo.revision)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared)? else { return Ok(Exit::Findings) };
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, None)?;
    let Ready::Go(plan) = super::plan::survey(desk, &prepared, &twins, &args.select).await? else {
        return Ok(Exit::Findings);
    };
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
    let wait_for = if args.wait.is_some() { changed(&plan) } else { Vec::new() };
    let progress = desk.printer.progress("writing twins", None);
    let limits = Limits { concurrency: args.concurrency.get(), ..Limits::default() };
    let replan = Afresh(Arc::clone(&prepared.planner));
    let outcome = reconcile::apply(plan, &**hub, &replan, limits, &show(&progress), stop).await;
    progress.finish();
    desk.printer.report(&OutcomeReport::new(prepared.planner.fleet(), prepared.planner.revision(), &outcome), desk.format)?;
    let exit = exit_of(&outcome);
    match args.wait {
        Some(total) if exit == Exit::Done && !wait_for.is_empty() => {
            wait(desk, hub, wait_for, prepared.planner.revision(), total, stop).await
        }
        _ => Ok(exit),
    }
}

/// The devices whose values a plan changes.
fn changed(plan: &Plan) -> Vec<DeviceId> {
    let groups = plan.groups.iter().filter(|group| group.kind == GroupKind::Change);
    groups.flat_map(|group| group.devices.iter().map(|device| device.device.clone())).collect()
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

async fn wait(
    desk: &Desk<'_>,
    hub: &impl crate::reconcile::ports::TwinRead,
    devices: Vec<DeviceId>,
    revision: &str,
    total: Duration,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let progress = desk.printer.progress("waiting for devices", Some(devices.len() as u64));
    let patience = Patience { total, ..Patience::default() };
    let shown = |done: usize, _: usize| progress.at(done as u64);
    let standing = acknowledged(revision);
    let converged = reconcile::converge(hub, devices, &standing, patience, &shown, stop).await?;
    progress.finish();
    desk.printer.say(format_args!("{} devices have applied it", converged.done.len()));
    for (device, words) in converged.failed.iter().take(20) {
        desk.printer.warn(format_args!("{device}: {words}"));
    }
    if converged.is_complete() {
        return Ok(Exit::Done);
    }
    let late = converged.waiting.len();
    if late > 0 {
        let first: Vec<&str> = converged.waiting.iter().take(5).map(DeviceId::as_str).collect();
        desk.printer.warn(format_args!("{late} devices have not answered yet: {} …", first.join(", ")));
    }
    Ok(if converged.interrupted { Exit::Interrupted } else { Exit::Partial })
}
