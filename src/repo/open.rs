//! Finding a repository, and revisions in it.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::error::{RepoError, doing};

/// The git repository of a fleet, which may fill it or one of its subfolders. All of it blocks: in async code it
/// belongs on a blocking thread, and one thread at a time.
pub struct Repo {
    pub(super) git: Repository,
    /// The fleet's root relative to the repository's, with `/` and without one at the end; empty when they are one.
    pub(super) prefix: String,
    /// Contents by their id: revisions share most files.
    pub(super) blobs: RefCell<HashMap<Oid, Arc<[u8]>>>,
    /// Revisions that have been asked of the remote already.
    pub(super) fetched: RefCell<HashSet<String>>,
}

/// A commit or a tree, by its full id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The object's id, 40 hexadecimal digits: what the marker in a twin holds.
    pub id: String,
    /// Its first digits, for people.
    pub short: String,
    pub(super) tree: Oid,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short)
    }
}

impl Repo {
    /// The repository that holds the fleet whose root is `path`.
    ///
    /// # Errors
    /// When there is none, or git does not trust it.
    pub fn discover(path: &Path) -> Result<Self, RepoError> {
        let root = canonical(path)?;
        let git = Repository::discover(&root).map_err(|error| match error.code() {
            ErrorCode::NotFound => RepoError::NotARepository(path.to_owned()),
            ErrorCode::Owner => RepoError::Owner(root.display().to_string()),
            _ => RepoError::Git { doing: "opening the repository", cause: error },
        })?;
        let top = git.workdir().map(canonical).transpose()?;
        let prefix = top.and_then(|top| root.strip_prefix(top).ok().map(slashes)).unwrap_or_default();
        Ok(Self::new(git, prefix))
    }

    /// A repository of our own for a folder that is in none, kept in `state_dir`, outside of the folder.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn scratch(state_dir: &Path, root: &Path) -> Result<Self, RepoError> {
        let root = canonical(root)?;
        let folder = state_dir.join("worktree.git");
        let failed = doing("making a repository for the folder");
        let git = Repository::init_bare(&folder).map_err(&failed)?;
        // Known to this process alone: nothing is written into the folder.
        git.set_workdir(&root, false).map_err(&failed)?;
        Ok(Self::new(git, String::new()))
    }

    fn new(git: Repository, prefix: String) -> Self {
        // Objects are not hashed again whenever they are read; git's own commands do not do so either.
        git2::opts::strict_hash_verification(false);
        Self { git, prefix, blobs: RefCell::default(), fetched: RefCell::default() }
    }

    /// The fleet's root relative to the repository's; empty when they are one.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether history is cut off.
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow()
    }

    /// A revision by any name that git takes: a branch, a tag, `HEAD~1`, an id. `HEAD` when none is given.
    ///
    /// # Errors
    /// When git knows no such revision, or does not have it.
    pub fn revision(&self, spec: Option<&str>) -> Result<Revision, RepoError> {
        let spec = spec.unwrap_or("HEAD");
        let object = self.git.revparse_single(spec).map_err(|error| match error.code() {
            ErrorCode::NotFound if spec == "HEAD" => RepoError::NoCommit,
            ErrorCode::UnbornBranch => RepoError::NoCommit,
            ErrorCode::NotFound if is_id(spec) => self.missing(spec),
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Ambiguous => {
                RepoError::UnknownRevision(spec.to_owned())
            }
            _ => RepoError::Git { doing: "looking the revision up", cause: error },
        })?;
        // An annotated tag stands for its commit; a tree stands for itself.
        let object = object.peel(ObjectType::Commit).unwrap_or(object);
        self.revision_of(object.id())
    }

    /// The revision that a marker names. Markers come from a hub and are not trusted: nothing but a full id is
    /// looked up.
    ///
    /// # Errors
    /// [`RepoError::Missing`] when this clone does not have it.
    pub fn recorded(&self, id: &str) -> Result<Revision, RepoError> {
        match Oid::from_str(id) {
            Ok(oid) if is_id(id) => self.revision_of(oid),
            _ => Err(RepoError::UnknownRevision(id.chars().take(64).collect())),
        }
    }

    pub(super) fn revision_of(&self, oid: Oid) -> Result<Revision, RepoError> {
        let id = oid.to_string();
        let tree = self.git.find_object(oid, None).and_then(|object| object.peel_to_tree());
        let tree = tree.map_err(|error| match error.code() {
            ErrorCode::NotFound => self.missing(&id),
            _ => RepoError::UnknownRevision(id.clone()),
        })?;
        Ok(Revision { short: id[..10].to_owned(), tree: tree.id(), id })
    }

    pub(super) fn missing(&self, revision: &str) -> RepoError {
        RepoError::Missing { revision: revision.to_owned(), shallow: self.git.is_shallow() }
    }

    /// A path of the repository as one of the fleet; `None` when it lies elsewhere.
    pub(super) fn within<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self.prefix.as_str() {
            "" => Some(path),
            prefix => path.strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// A path of the fleet as one of the repository.
    pub(super) fn full(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repo").field("git", &self.git.path()).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn canonical(path: &Path) -> Result<PathBuf, RepoError> {
    path.canonicalize().map_err(|cause: io::Error| RepoError::Folder { path: path.to_owned(), cause })
}

fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Whether this is a full id and nothing else.
fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
