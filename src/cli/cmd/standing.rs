//! `twinops drift` and `twinops status`: how devices stand to what git says. Given a reader only.

use std::sync::Arc;

use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::StandingArgs,
        prepare::{Desk, Ready},
        workspace::{Files, Workspace},
    },
    plan::Verdict,
    reconcile::survey,
    report::{Lens, StandingReport},
};

/// Judges every twin and tells it through a lens.
pub(crate) async fn run(args: &StandingArgs, lens: Lens, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.snapshot.as_ref())?;
    let progress = desk.printer.progress("comparing twins", None);
    let statement = access::statement(&args.select, desk.printer)?;
    let pages = access::selected(&twins, None, &args.select, statement.as_deref());
    let judged = survey::standing(pages, Arc::clone(&prepared.planner), access::is_all(&args.select)).await?;
    progress.finish();
    let standing = match judged {
        Ok(standing) => standing,
        Err(findings) => return desk.findings(&prepared.declared, &findings),
    };
    let places = Files::new(&prepared.declared.source, desk.root);
    desk.printer.report(&StandingReport { standing: &standing, lens, places: &places }, desk.format)?;
    let changes = match lens {
        Lens::Drift => standing.has_drift(),
        // A declared device that is not there at all is not compliant either.
        Lens::Status => {
            standing.devices.keys().any(|verdict| *verdict != Verdict::Compliant)
                || standing.notices.iter().any(|notice| notice.id == "not-registered")
        }
    };
    Ok(if changes && args.detailed_exitcode { Exit::Changes } else { Exit::Done })
}
