//! A fleet's folder, as the portal asks for it.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::task::spawn_blocking;

use crate::{
    cli::{
        Failure,
        workspace::{self, Workspace, WorkspaceError},
    },
    fleet,
    forge::Wishes,
    iothub::HostName,
    plan::Planner,
    portal::{Declared, Repository},
    repo::{Lines, Origins},
};

/// How often a remote is asked for new commits.
const FETCH: Duration = Duration::from_mins(1);

/// A fleet's folder.
pub(in crate::cli::cmd) struct Folder {
    pub(super) root: PathBuf,
    revision: String,
    /// Where the files are recorded as they lie in the folder, committed or not.
    pub(super) worktree: Option<PathBuf>,
    /// Where pull requests are opened, as far as it is not found out.
    pub(super) forge: Wishes,
    fetched: Mutex<Option<Instant>>,
}

impl Folder {
    /// At a commit, branch or tag.
    pub(in crate::cli::cmd) fn new(root: &Path, revision: &str) -> Self {
        Self {
            root: root.to_owned(),
            revision: revision.to_owned(),
            worktree: None,
            forge: Wishes::default(),
            fetched: Mutex::default(),
        }
    }

    /// As its files lie there; a folder in no repository is recorded in `state`.
    pub(in crate::cli::cmd) fn worktree(root: &Path, state: &Path) -> Self {
        Self { worktree: Some(state.to_owned()), ..Self::new(root, "HEAD") }
    }

    /// The same, with what is known of where pull requests are opened.
    pub(super) fn proposing(self, forge: Wishes) -> Self {
        Self { forge, ..self }
    }

    /// The hub that the fleet says it is for.
    pub(super) fn hostname(&self) -> Option<HostName> {
        let declared = self.open().and_then(|workspace| workspace.at(&self.revision)).ok()?;
        HostName::parse(declared.loaded.fleet?.spec.hub.as_ref()?.hostname.as_deref()?).ok()
    }

    pub(super) fn open(&self) -> Result<Workspace, WorkspaceError> {
        match &self.worktree {
            Some(state) => Workspace::open_or_keep_in(&self.root, state),
            None => Workspace::open(&self.root),
        }
    }

    fn tip_of(&self) -> Result<String, Failure> {
        let workspace = self.open()?;
        let repo = workspace.repo()?;
        if self.worktree.is_some() {
            return Ok(repo.record_worktree()?.id);
        }
        if repo.has_remote()?
            && self.is_time_to_fetch()
            && let Err(error) = repo.fetch_branches()
        {
            // What is here goes on being shown.
            tracing::warn!(error = &error as &dyn std::error::Error, "new commits cannot be fetched");
        }
        let followed = repo.followed(&self.revision)?;
        Ok(repo.revision(Some(&followed))?.id)
    }

    fn is_time_to_fetch(&self) -> bool {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if fetched.is_some_and(|when| when.elapsed() < FETCH) {
            return false;
        }
        *fetched = Some(Instant::now());
        true
    }

    async fn read(&self, tip: &str) -> Result<Declared, Failure> {
        let (root, state, tip) = (self.root.clone(), self.worktree.clone(), tip.to_owned());
        let read = move || {
            let workspace = match &state {
                Some(state) => Workspace::open_or_keep_in(&root, state)?,
                None => Workspace::open(&root)?,
            };
            let declared = if state.is_some() { workspace.worktree()? } else { workspace.at(&tip)? };
            Ok::<_, WorkspaceError>((workspace, declared))
        };
        let (workspace, declared) = spawn_blocking(read).await??;
        compared(&workspace, declared).await?.map_err(|declared| unsound(&declared))
    }

    fn blame(&self, declared: &Declared, lines: &Lines) -> Result<Origins, WorkspaceError> {
        let workspace = self.open()?;
        let repo = workspace.repo()?;
        if self.worktree.is_some() {
            return Ok(repo.blame_worktree(lines, |file| Some(declared.source.file(file)?.text.clone()))?);
        }
        Ok(repo.blame(&repo.recorded(declared.planner.revision())?, lines)?)
    }
}

impl Repository for Folder {
    fn tip(&self) -> Result<String, String> {
        self.tip_of().map_err(|failure| told(&failure))
    }

    fn declared(&self, tip: &str) -> BoxFuture<'_, Result<Declared, String>> {
        let tip = tip.to_owned();
        async move { self.read(&tip).await.map_err(|failure| told(&failure)) }.boxed()
    }

    fn authors(&self, declared: &Declared, lines: &Lines) -> Origins {
        self.blame(declared, lines).unwrap_or_else(|error| {
            tracing::debug!(%error, "git cannot tell who wrote the lines");
            Origins::new()
        })
    }

    fn web_address(&self, commit: &str, file: &str, line: usize) -> Option<String> {
        // What is not committed is on no forge.
        let workspace = self.worktree.is_none().then(|| self.open().ok()).flatten()?;
        workspace.with_repo(|repo| repo.web_address(commit, file, line))?
    }
}

/// A fleet ready to be compared with twins; the inner error is one that is not sound.
pub(super) async fn compared(
    workspace: &Workspace,
    declared: workspace::Declared,
) -> Result<Result<Declared, workspace::Declared>, Failure> {
    if !declared.is_sound() {
        return Ok(Err(declared));
    }
    workspace.unseal(&declared).await?;
    let today = jiff::Zoned::now().date();
    let Some(resolver) = workspace.resolver(&declared) else { return Ok(Err(declared)) };
    let planner = Planner::new(resolver, &declared.revision, workspace.history(), today);
    Ok(Ok(Declared { planner: planner.into(), source: declared.source }))
}

fn unsound(declared: &workspace::Declared) -> Failure {
    let wrong = |finding: &&fleet::Finding| finding.severity == fleet::Severity::Error;
    let findings: Vec<_> = declared.loaded.findings.iter().filter(wrong).collect();
    let first = findings.first().map(|finding| finding.message.as_str()).unwrap_or_default();
    let more = match findings.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Failure::new(crate::cli::Exit::Findings, format!("the fleet is not sound: {first}{more}"))
        .help("`twinops validate` shows them with their lines")
}

pub(super) fn told(failure: &Failure) -> String {
    let help = failure.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}{help}", failure.error)
}
