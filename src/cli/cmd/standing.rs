//! `twinops drift` and `twinops status`: how devices stand to what git says. Given a reader only.

use std::sync::Arc;

use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::{ApproveArgs, StandingArgs, StatusArgs},
        past::Kept,
        post::{self, News},
        prepare::{Desk, Ready},
        rollouts,
        workspace::{Files, Workspace},
    },
    forge::{Kind, State},
    plan::{Verdict, rollout::Phase},
    reconcile::{ports::TwinRead as _, survey},
    report::{Lens, RolloutsReport, StandingReport},
};

/// `status`: how devices stand, or how rollouts do.
pub(crate) async fn status(args: &StatusArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    match &args.rollout {
        Some(name) => rollout(&args.standing, name, desk).await,
        None => run(&args.standing, Lens::Status, desk).await,
    }
}

/// How the rollouts stand, or the one of that name.
async fn rollout(args: &StandingArgs, name: &str, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let planner = &prepared.planner;
    let fleet = planner.fleet();
    if !name.is_empty() && !fleet.rollouts.iter().any(|rollout| *rollout.name == *name) {
        return Err(Failure::usage(format!("there is no rollout `{name}`")).help("without a name, all are shown"));
    }
    let twins = Twins::open(fleet, Access { hub: &args.hub, ca: desk.ca }, args.snapshot.as_ref())?;
    let progress = desk.printer.progress("comparing twins", None);
    let terms = rollouts::terms(fleet, &ApproveArgs::default())?;
    let course = survey::course(twins.twins("SELECT * FROM devices"), Arc::clone(planner), terms).await?;
    progress.finish();
    let mut rollouts = course.into_states();
    rollouts.retain(|state| name.is_empty() || *state.name == *name);
    let told = RolloutsReport { fleet: &fleet.name, revision: planner.revision(), rollouts: &rollouts };
    desk.printer.report(&told, desk.format)?;
    let undone = rollouts.iter().any(|state| state.phase != Phase::Done);
    Ok(if undone && args.detailed_exitcode { Exit::Changes } else { Exit::Done })
}

/// Judges every twin and tells it through a lens.
pub(crate) async fn run(args: &StandingArgs, lens: Lens, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let kept = Kept::read(&args.past, &prepared.planner.fleet().name, desk.printer)?;
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.snapshot.as_ref())?;
    let progress = desk.printer.progress("comparing twins", None);
    let statement = access::statement(&args.select, desk.printer)?;
    let pages = access::selected(&twins, None, &args.select, statement.as_deref());
    let all = access::is_all(&args.select);
    let terms = if all { Some(rollouts::terms(prepared.planner.fleet(), &ApproveArgs::default())?) } else { None };
    let tag = Some(args.past.by.clone());
    let judged = survey::standing_by(pages, Arc::clone(&prepared.planner), all, terms, tag).await?;
    progress.finish();
    let standing = match judged {
        Ok(standing) => standing,
        Err(findings) => return desk.findings(&prepared.declared, &findings),
    };
    let places = Files::new(&prepared.declared.source, desk.root);
    let report = StandingReport { standing: &standing, lens, places: &places, past: kept.past() };
    desk.printer.report(&report, desk.format)?;
    let changes = match lens {
        Lens::Drift => standing.has_drift(),
        // A declared device that is not there at all is not compliant either.
        Lens::Status => {
            standing.devices.keys().any(|verdict| *verdict != Verdict::Compliant)
                || standing.notices.iter().any(|notice| notice.id == "not-registered")
        }
    };
    let exit = if changes && args.detailed_exitcode { Exit::Changes } else { Exit::Done };
    let kind = if lens == Lens::Drift { Kind::Drift } else { Kind::Status };
    let state = if changes { State::Failed } else { State::Passed };
    let (fleet, revision) = (&standing.fleet, &standing.revision);
    let news = News { kind, fleet, revision, plan: None, report: &report, state };
    let exit = post::tell(desk, &workspace, &args.post, news, exit).await?;
    if !args.open_issue {
        return Ok(exit);
    }
    post::keep_issue(desk, &args.post.place, news, changes, exit).await
}
