//! The fleet repository that a command works on: its files, at a revision or as they lie there, and its history.

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{debug, warn};

use super::{Failure, secrets::Found};
use crate::{
    fleet::{
        self, Finding, Loaded, Locator, Place, Severity, Source, SourceError,
        resolve::{Resolver, Secrets},
    },
    plan::Bases,
    repo::{Lines, Origins, Repo, RepoError, Revision},
    report::{Location, Places},
    twin::DeviceId,
};

/// A fleet's folder, and the git repository that it lies in.
pub(crate) struct Workspace {
    root: PathBuf,
    repo: Option<Arc<Mutex<Repo>>>,
    secrets: Secrets,
    /// Those that were found where the fleet says that they are kept.
    found: Found,
    /// Whether values are looked at, and so secrets needed.
    needs_secrets: bool,
    /// The only device that is asked about.
    device: Option<DeviceId>,
}

/// The fleet cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceError {
    #[error("the fleet cannot be read from git")]
    Repo(#[from] RepoError),
    #[error("the fleet's files cannot be read")]
    Files(#[from] SourceError),
}

/// A fleet as one set of files declares it.
pub(crate) struct Declared {
    pub(crate) source: Arc<Source>,
    pub(crate) loaded: Loaded,
    /// The git object that it can be read back from; empty when there is none.
    pub(crate) revision: String,
}

impl Workspace {
    /// A folder, in a git repository or not.
    pub(crate) fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let repo = match Repo::discover(root) {
            Ok(repo) => Some(repo),
            Err(RepoError::NotARepository(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let found = Found::default();
        Ok(Self {
            root: root.to_owned(),
            repo: repo.map(|repo| Arc::new(Mutex::new(repo))),
            secrets: found.secrets(),
            found,
            needs_secrets: true,
            device: None,
        })
    }

    /// The same for whoever asks about one device alone: what concerns only others is not looked at.
    pub(crate) fn about(self, device: &DeviceId) -> Self {
        Self { device: Some(device.clone()), ..self }
    }

    /// The same with values for secrets that are not to be had, for whoever does not look at values.
    pub(crate) fn without_secrets(self) -> Self {
        Self { secrets: once_known(&self.found), needs_secrets: false, ..self }
    }

    /// The same; a folder that is in no repository gets one in `state`, so that what is applied can be read back.
    pub(crate) fn open_or_keep_in(root: &Path, state: &Path) -> Result<Self, WorkspaceError> {
        let mut workspace = Self::open(root)?;
        if workspace.repo.is_none() {
            workspace.repo = Some(Arc::new(Mutex::new(Repo::scratch(state, root)?)));
        }
        Ok(workspace)
    }

    /// The files as they lie in the folder, committed or not.
    pub(crate) fn files(&self) -> Result<Source, WorkspaceError> {
        Ok(Source::read_folder(&self.root)?)
    }

    /// The fleet at a revision.
    pub(crate) fn at(&self, revision: &str) -> Result<Declared, WorkspaceError> {
        let repo = self.repo()?;
        let revision = repo.revision(Some(revision))?;
        let source = repo.source(&revision)?;
        drop(repo);
        Ok(declared(self.of_interest(source), revision.id))
    }

    /// The files as they lie in the folder; nothing is written, so that no marker can name them.
    pub(crate) fn on_disk(&self) -> Result<Declared, WorkspaceError> {
        Ok(declared(self.of_interest(self.files()?), String::new()))
    }

    /// The files as they lie in the folder, written into the object database so that they can be read back as base.
    pub(crate) fn worktree(&self) -> Result<Declared, WorkspaceError> {
        let repo = self.repo()?;
        let revision = repo.record_worktree()?;
        let source = repo.source(&revision)?;
        drop(repo);
        Ok(declared(source, revision.id))
    }

    /// Files that differ from `HEAD`.
    pub(crate) fn uncommitted(&self) -> Result<Vec<String>, WorkspaceError> {
        Ok(self.repo()?.dirty_files()?)
    }

    /// Earlier revisions, for the planner.
    pub(crate) fn history(&self) -> Box<dyn Bases> {
        match &self.repo {
            Some(repo) => Box::new(History {
                repo: repo.clone(),
                secrets: once_known(&self.found),
                device: self.device.clone(),
                known: Mutex::default(),
            }),
            None => Box::new(crate::plan::NoBases),
        }
    }

    /// Brings the secrets that the documents name from where the fleet keeps them.
    pub(crate) async fn unseal(&self, declared: &Declared) -> Result<(), Failure> {
        match &declared.loaded.fleet {
            Some(fleet) if self.needs_secrets => self.found.look(&fleet.spec.secrets, &declared.source).await,
            _ => Ok(()),
        }
    }

    /// The documents ready to be resolved, with the secrets that are at hand.
    pub(crate) fn resolver(&self, declared: &Declared) -> Option<Arc<Resolver>> {
        resolver(&declared.loaded, &self.secrets)
    }

    /// Who wrote lines of the fleet's files, as of a revision or as they lie in the folder; nothing for a folder that
    /// is in no repository.
    pub(crate) fn blame(&self, declared: &Declared, lines: &Lines) -> Result<Origins, WorkspaceError> {
        if self.repo.is_none() {
            return Ok(Origins::new());
        }
        let repo = self.repo()?;
        if declared.revision.is_empty() {
            return Ok(repo.blame_worktree(lines, |file| Some(declared.source.file(file)?.text.clone()))?);
        }
        Ok(repo.blame(&repo.recorded(&declared.revision)?, lines)?)
    }

    fn of_interest(&self, source: Source) -> Source {
        of_interest(self.device.as_ref(), source)
    }

    /// The fleet's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What the repository says, if there is one.
    pub(crate) fn with_repo<T>(&self, ask: impl FnOnce(&Repo) -> T) -> Option<T> {
        self.repo.as_ref().map(|repo| ask(&lock(repo)))
    }

    /// The repository.
    pub(crate) fn repo(&self) -> Result<MutexGuard<'_, Repo>, WorkspaceError> {
        let repo = self.repo.as_ref().ok_or_else(|| RepoError::NotARepository(self.root.clone()))?;
        Ok(lock(repo))
    }
}

impl Declared {
    /// Whether the repository can be planned with.
    pub(crate) fn is_sound(&self) -> bool {
        self.loaded.is_sound()
    }

    /// What does not stop a plan.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.loaded.findings.iter().filter(|finding| finding.severity == Severity::Warning)
    }
}

fn of_interest(device: Option<&DeviceId>, source: Source) -> Source {
    match device {
        Some(device) => source.about(device),
        None => source,
    }
}

fn declared(source: Source, revision: String) -> Declared {
    let loaded = fleet::load(&source);
    Declared { source: Arc::new(source), loaded, revision }
}

fn resolver(loaded: &Loaded, secrets: &Secrets) -> Option<Arc<Resolver>> {
    let fleet = loaded.fleet.clone()?;
    Some(Arc::new(Resolver::new(fleet, loaded.registry.clone(), secrets.clone())))
}

/// Secrets as earlier revisions need them: which paths were declared is known without one that has been deleted since,
/// and those paths are to be pruned.
fn once_known(found: &Found) -> Secrets {
    let now = found.secrets();
    let gone = Secrets::placeholders();
    Secrets::new(move |name| now.get(name).or_else(|| gone.get(name)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Revisions that markers name, read once each.
struct History {
    repo: Arc<Mutex<Repo>>,
    secrets: Secrets,
    device: Option<DeviceId>,
    known: Mutex<HashMap<String, Option<Arc<Resolver>>>>,
}

impl Bases for History {
    fn base(&self, revision: &str) -> Option<Arc<Resolver>> {
        // The lock is held while a revision is read, so that many threads asking for it read it once.
        let mut known = lock(&self.known);
        if let Some(base) = known.get(revision) {
            return base.clone();
        }
        let base = self.read(revision);
        known.insert(revision.to_owned(), base.clone());
        base
    }
}

impl History {
    fn read(&self, id: &str) -> Option<Arc<Resolver>> {
        let repo = lock(&self.repo);
        let revision = repo.recorded(id).or_else(|error| fetched(&repo, id, error));
        match revision.and_then(|revision| repo.source(&revision)) {
            Ok(source) => {
                debug!(revision = id, "read a base");
                resolver(&fleet::load(&of_interest(self.device.as_ref(), source)), &self.secrets)
            }
            Err(error) => {
                warn!(revision = id, %error, "a base is not to be had");
                None
            }
        }
    }
}

fn fetched(repo: &Repo, id: &str, error: RepoError) -> Result<Revision, RepoError> {
    match error {
        RepoError::Missing { .. } => repo.fetch(id).map_err(|_| error),
        other => Err(other),
    }
}

/// The files of a fleet as reports name them: relative to where the user stands.
pub(crate) struct Files<'s> {
    source: &'s Source,
    locator: Locator<'s>,
    prefix: String,
    history: Option<&'s Workspace>,
    /// What was looked up in it.
    found: RefCell<HashMap<(String, Place), Option<Location>>>,
    /// Revisions that were read for that.
    earlier: RefCell<HashMap<String, Option<Source>>>,
}

/// Revisions that are read to tell where a value stood.
const EARLIER: usize = 8;

impl<'s> Files<'s> {
    /// The files of `source`, which lies in `root`.
    pub(crate) fn new(source: &'s Source, root: &Path) -> Self {
        let (found, earlier) = (RefCell::default(), RefCell::default());
        Self { source, locator: Locator::new(source), prefix: Self::prefix(root), history: None, found, earlier }
    }

    /// What the paths of files in `root` begin with, as they are shown.
    pub(crate) fn prefix(root: &Path) -> String {
        let shown = root.to_string_lossy().replace('\\', "/");
        match shown.trim_end_matches('/').trim_start_matches("./") {
            "" | "." => String::new(),
            root => format!("{root}/"),
        }
    }

    /// The same, which also knows where values stood in earlier revisions.
    pub(crate) fn with_history(self, workspace: &'s Workspace) -> Self {
        Self { history: Some(workspace), ..self }
    }

    /// One file of an earlier revision, as a source of its own.
    fn file_at(&self, file: &str, revision: &str) -> Option<Source> {
        let mut earlier = self.earlier.borrow_mut();
        if !earlier.contains_key(revision) && earlier.len() < EARLIER {
            let repo = self.history?.repo().ok()?;
            let source = repo.recorded(revision).and_then(|revision| repo.source(&revision)).ok();
            earlier.insert(revision.to_owned(), source);
        }
        let file = earlier.get(revision)?.as_ref()?.file(file)?.clone();
        Some(Source::from_files([file]))
    }

    fn shown(&self, found: fleet::Location) -> Location {
        let file = format!("{}{}", self.prefix, found.file).into();
        Location { file, line: found.line, column: found.column, end: found.end, span: found.span }
    }

    /// File, relative to the fleet's root, and line of a place.
    pub(crate) fn line(&self, place: &Place) -> Option<(Arc<str>, usize)> {
        self.locator.locate(place).map(|found| (found.file, found.line))
    }
}

impl Places for Files<'_> {
    fn locate(&self, place: &Place) -> Option<Location> {
        Some(self.shown(self.locator.locate(place)?))
    }

    fn locate_at(&self, place: &Place, revision: &str) -> Option<Location> {
        let key = (revision.to_owned(), place.clone());
        if let Some(known) = self.found.borrow().get(&key) {
            return known.clone();
        }
        let source = self.file_at(&place.file, revision);
        let found = source.and_then(|source| Locator::new(&source).locate(place)).map(|found| self.shown(found));
        self.found.borrow_mut().insert(key, found.clone());
        found
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        let file = self.source.file(file.strip_prefix(&self.prefix)?)?;
        Some(String::from_utf8_lossy(&file.text).into())
    }
}
