//! `twinops plan`: what would change, and why. Given a reader only.

use super::rehearse;
use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::{ApproveArgs, PlanArgs, SelectArgs},
        cache::{self, Purpose},
        login,
        permit::Permit,
        post::{self, News},
        prepare::{Desk, Prepared, Ready},
        quota, rollouts, saved,
        workspace::{Files, Workspace},
    },
    client::Options,
    fleet::Finding,
    forge::{Kind, State},
    plan::{
        self, Plan,
        quota::{Looked, Quota, Throttles},
    },
    reconcile::paced,
    report::PlanReport,
};

/// Plans and tells.
pub(crate) async fn run(args: &PlanArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    if args.rehearse.rehearse {
        return Box::pin(rehearse::run(args, desk)).await;
    }
    let workspace = Workspace::open(desk.root)?;
    let declare = || if args.worktree { workspace.worktree() } else { workspace.at(&args.repo.revision) };
    if !args.worktree {
        desk.mention_uncommitted(&workspace, &args.repo.revision);
    }
    let Ready::Go(prepared) = desk.prepare(&workspace, declare()?).await? else {
        let declared = declare()?;
        return post::findings(desk, &workspace, &args.post, Kind::Plan, &declared, &declared.loaded.findings).await;
    };
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.snapshot.as_ref())?;
    let permit = Permit::new(&args.allow);
    let throttles = quota::throttles(prepared.planner.fleet(), args.share)?;
    let purpose = if args.out.is_some() { Purpose::Save } else { Purpose::Show };
    let (select, approve) = (&args.select, &args.approve);
    let looking = Looking { twins: &twins, select, approve, purpose, throttles };
    let planned = survey(desk, &prepared, looking, &permit).await?;
    let mut plan = match planned {
        Ok(plan) => plan,
        Err(findings) => {
            desk.findings(&prepared.declared, &findings)?;
            return post::findings(desk, &workspace, &args.post, Kind::Plan, &prepared.declared, &findings).await;
        }
    };
    let hub = login::hub_name(prepared.planner.fleet(), access, args.snapshot.is_some())?;
    plan.hash = Some(plan::saved::hash(&plan, hub.as_deref().unwrap_or_default()));
    if let Some(path) = &args.out {
        let hub = hub.as_deref().ok_or_else(saved::for_no_hub)?;
        saved::write(path, &plan, hub, access::is_all(&args.select))?;
    }
    let places = Files::new(&prepared.declared.source, desk.root).with_history(&workspace);
    let report = PlanReport { plan: &plan, places: &places };
    desk.printer.report(&report, desk.format)?;
    let changes = plan.has_changes() && args.detailed_exitcode;
    let exit = if changes { Exit::Changes } else { Exit::Done };
    let state = if plan.is_refused() { State::Failed } else { State::Passed };
    let (fleet, revision) = (&plan.fleet, &plan.revision);
    let news = News { kind: Kind::Plan, fleet, revision, plan: Some(&plan), report: &report, state };
    post::tell(desk, &workspace, &args.post, news, exit).await
}

/// Which twins are looked at, what for, and how fast.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    pub(crate) twins: &'a Twins,
    pub(crate) select: &'a SelectArgs,
    pub(crate) approve: &'a ApproveArgs,
    pub(crate) purpose: Purpose,
    pub(crate) throttles: Option<Throttles>,
}

/// The plan for the twins that the arguments select, guards judged; the inner error holds what the twins show to be wrong
/// with the fleet.
pub(crate) async fn survey(
    desk: &Desk<'_>,
    prepared: &Prepared,
    looking: Looking<'_>,
    permit: &Permit,
) -> Result<Result<Plan, Vec<Finding>>, Failure> {
    let Looking { twins, select, throttles, .. } = looking;
    let progress = desk.printer.progress("comparing twins", None);
    let statement = access::statement(select, desk.printer)?;
    let pages = access::selected(twins, Some(prepared.planner.fleet()), select, statement.as_deref());
    let paced = paced(pages, throttles.filter(|_| statement.is_some() && !twins.is_snapshot()));
    let rollouts = rollouts::of(prepared, twins, select, looking.approve).await?;
    let planned = cache::plan(desk, prepared, looking, paced, rollouts).await?;
    progress.finish();
    let mut plan = match planned {
        Ok(plan) => plan,
        Err(findings) => return Ok(Err(findings)),
    };
    rollouts::take_back(prepared, twins, select, statement.as_deref(), &mut plan).await?;
    plan.quota = throttles.map(|throttles| Quota::predict(throttles, &plan, looked(statement.is_some())));
    permit.judge(&prepared.planner, &mut plan, access::is_all(select));
    Ok(Ok(plan))
}

/// As a query the twins come in pages; those that were named are read one by one.
fn looked(by_query: bool) -> Looked {
    if by_query { Looked::Pages(Options::default().page_size) } else { Looked::Each }
}
