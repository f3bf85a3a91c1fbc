//! What proposals need of the fleet's repository.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{fleet::Finding, portal::Declared, repo::Author};

/// Files as they are to be, by path relative to the fleet's root.
pub type Files = BTreeMap<Arc<str>, String>;

/// A fleet with some files as they are to be.
pub struct Judged {
    /// Ready to be compared with twins; `None` where findings stand in the way.
    pub declared: Option<Declared>,
    /// What stops a plan, and what is new and worth knowing.
    pub findings: Vec<Finding>,
}

/// What is to be written into git.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The commit that it begins with.
    pub base: String,
    /// The files that change or are new.
    pub files: Files,
    /// The branch.
    pub branch: String,
    /// The commit's message.
    pub message: String,
    /// Who asks for it, if that is known.
    pub author: Option<Author>,
}

/// What has become of a proposal.
#[derive(Debug, Clone, Default)]
pub struct Proposed {
    /// The commit.
    pub commit: String,
    /// The remote that it was pushed to.
    pub remote: Option<String>,
    /// The address of its pull request.
    pub pull: Option<String>,
    /// Why it was not pushed, or is on no pull request.
    pub trouble: Option<String>,
}

/// The way into the fleet's repository: by a branch, never by the one that is applied.
pub trait Proposals: Send + Sync {
    /// The fleet with these files, as if they were committed.
    ///
    /// # Errors
    /// One sentence, when that cannot be found out.
    fn judged(&self, declared: &Declared, files: &Files) -> BoxFuture<'_, Result<Judged, String>>;

    /// Puts a proposal onto its branch, pushes that, and opens a pull request, as far as this can be done from here.
    ///
    /// # Errors
    /// One sentence, when there is no branch.
    fn propose(&self, proposal: Proposal) -> BoxFuture<'_, Result<Proposed, String>>;

    /// The same as a mail that `git am` takes.
    ///
    /// # Errors
    /// One sentence, when it cannot be made.
    fn patch(&self, proposal: Proposal) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}
