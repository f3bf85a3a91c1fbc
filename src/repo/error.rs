//! Why a repository cannot be read.

use std::path::PathBuf;

/// Why something could not be had from git.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No repository at that folder or above it.
    #[error("{} is in no git repository; run `git init` there and commit, or give another folder", .0.display())]
    NotARepository(PathBuf),
    /// Git does not trust a repository that belongs to another user.
    #[error(
        "the git repository of {0} belongs to another user; if you trust it, run \
         `git config --global --add safe.directory {0}`"
    )]
    Owner(String),
    /// The folder does not exist.
    #[error("cannot read {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A repository without a commit.
    #[error("the repository has no commit yet; commit the fleet first")]
    NoCommit,
    /// A name that git does not know.
    #[error("git knows no revision `{0}`")]
    UnknownRevision(String),
    /// An object that the repository should have.
    #[error("revision {revision} is not in this clone; {remedy}", remedy = remedy(*shallow))]
    Missing {
        /// Its id.
        revision: String,
        /// Whether the clone is a shallow one.
        shallow: bool,
    },
    /// The revision has no such folder.
    #[error("revision {revision} has no folder `{folder}`")]
    NoFolder {
        /// Its id.
        revision: String,
        /// The fleet's root, relative to the repository's.
        folder: String,
    },
    /// The user's `git` could not be started.
    #[error("cannot run `git`; is it installed?")]
    NoGit(#[source] std::io::Error),
    /// The user's `git fetch` failed.
    #[error("`git fetch {remote}` failed: {message}")]
    Fetch {
        /// Name of the remote.
        remote: String,
        /// What git said, without credentials.
        message: String,
    },
    /// A name that no branch can have.
    #[error("`{0}` cannot be the name of a branch")]
    BadBranch(String),
    /// A branch that is not ours to replace.
    #[error("the branch `{0}` holds commits of somebody else; delete it, or name another one")]
    ForeignBranch(String),
    /// A branch that the working tree belongs to.
    #[error("the branch `{0}` is checked out; name another one, or change the working tree itself")]
    CheckedOut(String),
    /// The user's `git push` failed.
    #[error("`git push {remote}` failed: {message}")]
    Push {
        /// Name of the remote.
        remote: String,
        /// What git said, without credentials.
        message: String,
    },
    /// There is nowhere to push to.
    #[error("the repository has no remote to push to")]
    NoRemote,
    /// Anything else that git refuses.
    #[error("{doing} failed")]
    Git {
        /// What was being done.
        doing: &'static str,
        /// What libgit2 said.
        #[source]
        cause: git2::Error,
    },
}

const fn remedy(shallow: bool) -> &'static str {
    if shallow {
        "it is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0` where CI checks out"
    } else {
        "run `git fetch`; if its history was rewritten, the revision may be gone for good"
    }
}

/// Names what was being done when libgit2 failed.
pub(super) fn doing(doing: &'static str) -> impl Fn(git2::Error) -> RepoError {
    move |cause| RepoError::Git { doing, cause }
}
