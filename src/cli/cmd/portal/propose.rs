//! What is proposed in the portal, on its way into the fleet's repository: a branch, its push, its pull request.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::folder::{Folder, compared, told};
use crate::{
    cli::{
        Failure,
        workspace::{self, Workspace},
    },
    fleet::{self, Finding, Severity, Source, SourceFile},
    forge::{Forge, ForgeError, Place, Service, Wishes},
    plan::adopt,
    portal::{Declared, Files, Judged, Proposal, Proposals, Proposed},
    repo::Repo,
};

/// The revision of files that are in no commit yet.
const PROPOSED: &str = "proposed";

impl Folder {
    async fn judge(&self, source: Arc<Source>, files: Files) -> Result<Judged, Failure> {
        let (root, state) = (self.root.clone(), self.worktree.clone());
        let read = move || {
            let workspace = match &state {
                Some(state) => Workspace::open_or_keep_in(&root, state)?,
                None => Workspace::open(&root)?,
            };
            let after = Arc::new(source.with(&files));
            let loaded = fleet::load(&after);
            let findings = worth_knowing(&source, &files, &loaded.findings);
            let declared = workspace::Declared { source: after, loaded, revision: PROPOSED.to_owned() };
            Ok::<_, Failure>((workspace, declared, findings))
        };
        let (workspace, declared, findings) = spawn_blocking(read).await??;
        let holds_secret = findings.iter().any(|finding| finding.severity == Severity::Error);
        if holds_secret {
            return Ok(Judged { declared: None, findings });
        }
        let declared = compared(&workspace, declared).await?.ok();
        Ok(Judged { declared, findings })
    }
}

/// What stops a plan, secrets that were not there before, and other findings that are new in the files at hand.
fn worth_knowing(before: &Source, files: &Files, found: &[Finding]) -> Vec<Finding> {
    let touched = before.files.iter().filter(|file| files.contains_key(&file.path));
    let touched: Vec<SourceFile> = touched.chain(&before.schemas).cloned().collect();
    let known = fleet::load(&Source::from_files(touched)).findings;
    let secrets = adopt::secrets(&known, found);
    let is_new = |finding: &&Finding| {
        let here = finding.place.as_ref().is_some_and(|place| files.contains_key(&place.file));
        here && !known.iter().any(|known| known.rule == finding.rule && known.message == finding.message)
    };
    let stops = |finding: &&Finding| finding.severity == Severity::Error;
    let others = found.iter().filter(|finding| !secrets.contains(finding)).filter(|f| stops(f) || is_new(f)).cloned();
    let others: Vec<Finding> = others.collect();
    // Nobody reads a secret that never came into the history.
    let refused = secrets.iter().cloned().map(|finding| Finding { severity: Severity::Error, ..finding });
    refused.chain(others).collect()
}

fn pairs(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(path, text)| (&**path, text.as_str()))
}

/// Puts the proposal onto its branch, and pushes it where there is a remote.
fn branch(workspace: &Workspace, in_worktree: bool, proposal: &Proposal) -> Result<Proposed, Failure> {
    let repo = workspace.repo()?;
    if in_worktree && repo.revision(None).map(|head| head.id).ok().as_ref() != Some(&proposal.base) {
        let message = "the fleet is shown as its files lie in the folder, and these are in no commit";
        return Err(Failure::usage(message).help("commit them first, or download the patch"));
    }
    let base = repo.recorded(&proposal.base)?;
    let author = proposal.author.as_ref();
    let commit = repo.commit_to(&proposal.branch, &base, pairs(&proposal.files), &proposal.message, author)?;
    let pushed = if repo.has_remote()? { repo.push(&proposal.branch).map(Some) } else { Ok(None) };
    let (remote, trouble) = match pushed {
        Ok(remote) => (remote, None),
        Err(error) => (None, Some(format!("It was not pushed: {error}."))),
    };
    Ok(Proposed { commit, remote, trouble, pull: None })
}

/// Which forge it is, where neither an argument nor a CI's variable says so.
fn wishes(given: &Wishes, repo: &Repo) -> Option<Wishes> {
    let service = given.service.or_else(|| match repo.remote_host()?.as_str() {
        "github.com" => Some(Service::GitHub),
        "gitlab.com" => Some(Service::GitLab),
        _ => None,
    })?;
    let project = given.project.clone().or_else(|| repo.remote_project());
    Some(Wishes { service: Some(service), project, ..given.clone() })
}

/// Asks for the branch to be merged; nothing where no forge is known, or nobody to ask in the name of.
async fn pull(wishes: Wishes, proposal: &Proposal) -> Result<Option<String>, ForgeError> {
    let place = Place::find(&|name| std::env::var(name).ok(), wishes)?;
    if !place.has_token() {
        return Ok(None);
    }
    let (title, body) = proposal.message.split_once('\n').unwrap_or((&proposal.message, ""));
    let forge = Forge::connect(&place)?;
    forge.open_or_update_pull_request(&proposal.branch, None, title, &body.trim()).await.map(Some)
}

impl Folder {
    async fn bring(&self, proposal: Proposal) -> Result<Proposed, Failure> {
        let (workspace, in_worktree, given) = (self.open()?, self.worktree.is_some(), self.forge.clone());
        // What is told on a forge is no business of several threads.
        let here = Handle::current();
        let work = move || {
            let mut proposed = branch(&workspace, in_worktree, &proposal)?;
            let wishes = workspace.with_repo(|repo| wishes(&given, repo)).flatten();
            if let Some(wishes) = wishes.filter(|_| proposed.remote.is_some()) {
                match here.block_on(pull(wishes, &proposal)) {
                    Ok(pull) => proposed.pull = pull,
                    Err(error) => proposed.trouble = Some(format!("No pull request was opened: {error}.")),
                }
            }
            Ok::<_, Failure>(proposed)
        };
        spawn_blocking(work).await?
    }

    async fn mail(&self, proposal: Proposal) -> Result<Vec<u8>, Failure> {
        let workspace = self.open()?;
        let work = move || {
            let repo = workspace.repo()?;
            let base = repo.recorded(&proposal.base)?;
            let Proposal { files, message, author, .. } = &proposal;
            Ok::<_, Failure>(repo.patch(&base, pairs(files), message, author.as_ref())?)
        };
        spawn_blocking(work).await?
    }
}

impl Proposals for Folder {
    fn judged(&self, declared: &Declared, files: &Files) -> BoxFuture<'_, Result<Judged, String>> {
        let (source, files) = (Arc::clone(&declared.source), files.clone());
        async move { self.judge(source, files).await.map_err(|failure| told(&failure)) }.boxed()
    }

    fn propose(&self, proposal: Proposal) -> BoxFuture<'_, Result<Proposed, String>> {
        async move { self.bring(proposal).await.map_err(|failure| told(&failure)) }.boxed()
    }

    fn patch(&self, proposal: Proposal) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        async move { self.mail(proposal).await.map_err(|failure| told(&failure)) }.boxed()
    }
}
