//! `twinops drift`, and `--adopt`: what was changed in the hub is written into the documents. Given a reader only; what
//! it writes are files, or a commit.

use std::sync::Arc;

use super::standing;
use crate::{
    cli::{
        Exit, Failure,
        access::{self, Access, Twins},
        args::{AdoptTo, DriftArgs},
        new_files::{self, NewFile},
        post,
        prepare::{Desk, Prepared, Ready},
        workspace::{Declared, Files, Workspace},
    },
    fleet::{self, Finding},
    plan::{
        Planner,
        adopt::{self, Adoption, EditedTwin, Sharing},
    },
    reconcile::{ports::TwinRead as _, survey},
    report::{AdoptionReport, Lens, Written, adoption_message},
    twin::{DeviceId, PropertyPath},
};

/// Most values that one adoption takes: nobody reviews more.
const MOST: usize = 20_000;

/// What stands in the way of an adoption.
#[derive(Debug, thiserror::Error)]
enum AdoptError {
    #[error("{0} values were changed in the hub, more than anybody can review at once")]
    TooMany(usize),
    #[error("with these lines `{device}` would still not be what its twin holds at `{path}`; nothing was written")]
    Unsettled { device: DeviceId, path: PropertyPath },
}

/// Tells what has drifted, or adopts it.
pub(crate) async fn drift(args: &DriftArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    match args.adopt.adopt {
        None => standing::run(&args.standing, Lens::Drift, desk).await,
        Some(to) => run(args, to, desk).await,
    }
}

async fn run(args: &DriftArgs, to: AdoptTo, desk: &Desk<'_>) -> Result<Exit, Failure> {
    if to == AdoptTo::Worktree && (args.adopt.branch.is_some() || args.adopt.push || args.adopt.open_pr) {
        return Err(Failure::usage(
            "`--branch`, `--push` and `--open-pr` are about a commit; leave `--adopt=worktree` out",
        ));
    }
    let workspace = Workspace::open(desk.root)?;
    let declared = match to {
        AdoptTo::Branch => workspace.at(&args.standing.repo.revision)?,
        AdoptTo::Worktree => workspace.on_disk()?,
    };
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let access = Access { hub: &args.standing.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.standing.snapshot.as_ref())?;
    let looking = Looking { args, twins: &twins, desk };
    let progress = desk.printer.progress("comparing twins", None);
    let found = looking.edits(&prepared.planner).await?;
    let found = match found {
        Ok(found) => found,
        Err(findings) => return desk.findings(&prepared.declared, &findings),
    };
    let adoption = looking.propose(&prepared, &found).await?;
    progress.finish();
    if !adoption.files.is_empty()
        && let Ready::Findings = looking.verify(&workspace, &prepared, &adoption).await?
    {
        desk.printer.warn("these findings come with the values of the hub; nothing was written");
        return Ok(Exit::Findings);
    }
    let written = write(args, to, &workspace, &prepared, &adoption, desk)?;
    let places = Files::new(&prepared.declared.source, desk.root);
    let report = report(&prepared, &adoption, written.as_ref(), &places);
    desk.printer.report(&report, desk.format)?;
    let exit = match (adoption.left.is_empty(), adoption.adopted.is_empty()) {
        (false, _) => Exit::Partial,
        (true, false) if args.standing.detailed_exitcode => Exit::Changes,
        (true, _) => Exit::Done,
    };
    if !args.adopt.open_pr {
        return Ok(exit);
    }
    post::or_worse(desk.printer, propose(args, desk, &report).await, exit)
}

/// Asks on the forge for what was adopted to be merged, or for nothing any more.
async fn propose(args: &DriftArgs, desk: &Desk<'_>, report: &AdoptionReport<'_>) -> Result<(), Failure> {
    let place = &args.standing.post.place;
    let Some(Written::Branch { branch, .. }) = report.written else {
        return post::withdraw(desk, place, &branch_of(args, report.fleet)).await;
    };
    let message = adoption_message(report);
    post::propose(desk, place, branch, message.lines().next().unwrap_or_default(), report).await
}

fn branch_of(args: &DriftArgs, fleet: &str) -> String {
    args.adopt.branch.clone().unwrap_or_else(|| format!("twinops/adopt-{fleet}"))
}

/// Which twins are looked at.
struct Looking<'a> {
    args: &'a DriftArgs,
    twins: &'a Twins,
    desk: &'a Desk<'a>,
}

impl Looking<'_> {
    /// What was changed on the devices, and at the paths, that the arguments select.
    async fn edits(&self, planner: &Arc<Planner>) -> Result<Result<Vec<EditedTwin>, Vec<Finding>>, Failure> {
        let select = &self.args.standing.select;
        let statement = access::statement(select, self.desk.printer)?;
        let pages = access::selected(self.twins, None, select, statement.as_deref());
        let mut found = match survey::edits(pages, Arc::clone(planner)).await? {
            Ok(found) => found,
            Err(findings) => return Ok(Err(findings)),
        };
        let paths = &self.args.adopt.paths;
        let is_meant = |path: &PropertyPath| paths.is_empty() || paths.iter().any(|wanted| path.is_within(wanted));
        for twin in &mut found {
            twin.edits.retain(|edit| is_meant(&edit.path));
        }
        found.retain(|twin| !twin.edits.is_empty());
        let values = found.iter().map(|twin| twin.edits.len()).sum();
        if values > MOST {
            let failure = Failure::from(AdoptError::TooMany(values));
            return Err(failure.help("narrow it with `--device`, `--where` or `--path`"));
        }
        Ok(Ok(found))
    }

    /// Where each value goes. Who else takes a value from a profile is asked of all twins, whatever is selected.
    async fn propose(&self, prepared: &Prepared, found: &[EditedTwin]) -> Result<Adoption, Failure> {
        let mut sharing = Sharing::new(Arc::clone(&prepared.planner), found);
        if !sharing.is_empty() {
            sharing = survey::sharing(self.twins.twins("SELECT * FROM devices"), sharing).await?;
        }
        Ok(adopt::propose(&prepared.planner, found, &sharing, &prepared.declared.source))
    }

    /// Reads the edited documents as if they were committed, and holds the twins against them: what was adopted is no
    /// change any more, and no rule is broken.
    async fn verify(
        &self,
        workspace: &Workspace,
        prepared: &Prepared,
        adoption: &Adoption,
    ) -> Result<Ready<()>, Failure> {
        let source = Arc::new(prepared.declared.source.with(&adoption.files));
        let loaded = fleet::load(&source);
        let edited = Declared { source, loaded, revision: "adopted".to_owned() };
        let secrets = adopt::secrets(&prepared.declared.loaded.findings, &edited.loaded.findings);
        if !secrets.is_empty() {
            self.desk.findings(&edited, &secrets)?;
            return Ok(Ready::Findings);
        }
        let resolver = edited.is_sound().then(|| workspace.resolver(&edited)).flatten();
        let Some(resolver) = resolver else {
            self.desk.findings(&edited, &edited.loaded.findings)?;
            return Ok(Ready::Findings);
        };
        let today = jiff::Zoned::now().date();
        let planner = Arc::new(Planner::new(resolver, &edited.revision, workspace.history(), today));
        let remaining = match self.edits(&planner).await? {
            Ok(remaining) => remaining,
            Err(findings) => {
                self.desk.findings(&edited, &findings)?;
                return Ok(Ready::Findings);
            }
        };
        match adoption.unsettled(&remaining) {
            None => Ok(Ready::Go(())),
            Some((device, path)) => {
                let help = "its twin may have moved on meanwhile: run it again; or leave the path out with `--path`";
                Err(Failure::from(AdoptError::Unsettled { device, path }).help(help))
            }
        }
    }
}

fn report<'a>(
    prepared: &'a Prepared,
    adoption: &'a Adoption,
    written: Option<&'a Written>,
    places: &'a Files<'a>,
) -> AdoptionReport<'a> {
    let fleet = &prepared.planner.fleet().name;
    AdoptionReport { fleet, revision: &prepared.declared.revision, adoption, written, places }
}

/// Writes what was decided; `None` where there is nothing.
fn write(
    args: &DriftArgs,
    to: AdoptTo,
    workspace: &Workspace,
    prepared: &Prepared,
    adoption: &Adoption,
    desk: &Desk<'_>,
) -> Result<Option<Written>, Failure> {
    if adoption.files.is_empty() {
        return Ok(None);
    }
    if to == AdoptTo::Worktree {
        let files = adoption.files.iter().map(|(path, text)| NewFile::new(&**path, text.as_str()));
        new_files::replace(desk.root, files)?;
        return Ok(Some(Written::Worktree));
    }
    let places = Files::new(&prepared.declared.source, desk.root);
    let message = adoption_message(&report(prepared, adoption, None, &places));
    let branch = branch_of(args, &prepared.planner.fleet().name);
    let files = adoption.files.iter().map(|(path, text)| (&**path, text.as_str()));
    let repo = workspace.repo()?;
    let base = repo.revision(Some(&prepared.declared.revision))?;
    let commit = repo.commit_to(&branch, &base, files, &message, None)?;
    let remote = if args.adopt.push || args.adopt.open_pr { Some(repo.push(&branch)?) } else { None };
    drop(repo);
    Ok(Some(Written::Branch { branch, commit, remote }))
}
