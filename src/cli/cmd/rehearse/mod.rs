//! `twinops plan --rehearse`: the plan carried out on a hub of its own, with simulated devices, by a clock of its own.

mod cast;
mod clock;
mod course;
mod stage;

use jiff::{SignedDuration, Timestamp};

use cast::cast;
use clock::Clock;
use course::Course;
use stage::Stage;

use crate::{
    cli::{
        Exit, Failure,
        access::{Access, Twins},
        args::PlanArgs,
        login,
        permit::Permit,
        prepare::{Desk, Prepared, Ready},
        quota, rollouts,
        workspace::{Files, Workspace},
    },
    reconcile::rehearsal::{Cast, End, Origin, Rehearsal, What},
    report::RehearsalReport,
};

/// By the rehearsal's clock, devices have been what they are for so long when it begins.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// Rehearses and tells.
pub(super) async fn run(args: &PlanArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    // A secret that is not at hand has a value of its own here: nobody is compared with it but simulated devices.
    let workspace = Workspace::open(desk.root)?.without_secrets();
    let declared = if args.worktree {
        workspace.worktree()?
    } else {
        desk.mention_uncommitted(&workspace, &args.repo.revision);
        workspace.at(&args.repo.revision)?
    };
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let base = match &args.rehearse.rehearse_from {
        Some(revision) => match desk.prepare(&workspace, workspace.at(revision)?).await? {
            Ready::Go(base) => Some(base),
            Ready::Findings => return Ok(Exit::Findings),
        },
        None => None,
    };
    let is_asked = args.snapshot.is_some() || login::is_given(&args.hub);
    let is_live = is_asked && base.is_none();
    let access = Access { hub: &args.hub, ca: desk.ca };
    let fleet = prepared.planner.fleet();
    let twins = if is_live { Some(Twins::open(fleet, access, args.snapshot.as_ref())?) } else { None };
    let progress = desk.printer.progress("rehearsing", None);
    let rehearsed = rehearse(args, &prepared, base.as_ref(), twins.as_ref()).await?;
    progress.finish();
    let rehearsal = match rehearsed {
        Ok(rehearsal) => rehearsal,
        Err(findings) => return desk.findings(&prepared.declared, &findings),
    };
    let places = Files::new(&prepared.declared.source, desk.root);
    desk.printer.report(&RehearsalReport { rehearsal: &rehearsal, places: &places }, desk.format)?;
    Ok(exit(&rehearsal, args.detailed_exitcode))
}

async fn rehearse(
    args: &PlanArgs,
    prepared: &Prepared,
    base: Option<&Prepared>,
    twins: Option<&Twins>,
) -> Result<course::Ended, Failure> {
    let planner = &prepared.planner;
    let (players, cast) = cast(planner, base.map(|base| base.planner.fleet()), twins).await?;
    if players.is_empty() {
        let message = match cast.from {
            Origin::Documents => "the repository declares no device",
            Origin::Snapshot | Origin::Hub => "there is no twin to rehearse with",
        };
        return Err(Failure::new(Exit::Failed, message)
            .help("declare devices, or take the twins of a hub or of `--snapshot FILE` (`twinops query` makes one)"));
    }
    let began = Timestamp::now();
    let clock = Clock::new(began.checked_sub(BEFORE)?);
    let stage = Stage::open(players).await?;
    let terms = rollouts::terms(planner.fleet(), &args.approve)?;
    let mut course = Course {
        stage: &stage,
        clock: &clock,
        planner: std::sync::Arc::clone(planner),
        permit: &Permit::new(&args.allow),
        throttles: quota::throttles(planner.fleet(), args.share)?,
        scale: scale(cast),
        terms,
        told: Rehearsal {
            fleet: planner.fleet().name.clone(),
            revision: planner.revision().to_owned(),
            cast,
            began,
            ..Rehearsal::default()
        },
    };
    if let Some(base) = base
        && let Err(findings) = course.begin_with(&base.planner).await?
    {
        stage.close().await;
        return Ok(Err(findings));
    }
    clock.forward_to(began);
    let ended = Box::pin(course.run()).await;
    stage.close().await;
    ended
}

/// How many devices each of the cast stands for.
#[expect(clippy::cast_precision_loss, reason = "a million devices fit well into a float")]
fn scale(cast: Cast) -> f64 {
    cast.sample_of.map_or(1.0, |of| of as f64 / cast.devices.max(1) as f64)
}

fn exit(rehearsal: &Rehearsal, detailed: bool) -> Exit {
    let writes = rehearsal.steps.iter().any(|step| matches!(step.what, What::Wrote { applied: 1.., .. }));
    match rehearsal.end {
        End::Refused => Exit::Guard,
        End::Paused | End::Rejected | End::Held => Exit::Gate,
        End::Done if rehearsal.failed() + rehearsal.refused() > 0 => Exit::Partial,
        End::Done if detailed && writes => Exit::Changes,
        End::Done => Exit::Done,
    }
}
