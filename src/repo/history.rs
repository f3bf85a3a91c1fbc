//! Who made a revision, and when.

use git2::{Commit, Mailmap, Oid};
use jiff::Timestamp;

use super::{
    error::{RepoError, doing},
    open::{Repo, Revision},
};

/// What a commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit's full id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Their address.
    pub email: String,
    /// When it was written.
    pub time: Timestamp,
    /// The first line of its message.
    pub subject: String,
}

impl Repo {
    /// Who made a revision; `None` for a revision that is a tree.
    ///
    /// # Errors
    /// When it is not in this clone.
    pub fn commit_info(&self, revision: &Revision) -> Result<Option<CommitInfo>, RepoError> {
        let oid = Oid::from_str(&revision.id).map_err(doing("looking the revision up"))?;
        let object = self.git.find_object(oid, None).map_err(|_| self.missing(&revision.id))?;
        object.into_commit().ok().map(|commit| info(&commit, None)).transpose()
    }
}

/// What a commit says about itself, with the author's name as the mailmap has it.
pub(super) fn info(commit: &Commit<'_>, mailmap: Option<&Mailmap>) -> Result<CommitInfo, RepoError> {
    let mapped = mailmap.and_then(|mailmap| commit.author_with_mailmap(mailmap).ok());
    let author = mapped.unwrap_or_else(|| commit.author().to_owned());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let unreadable = |_| doing("reading a commit's time")(git2::Error::from_str("it lies outside of time"));
    Ok(CommitInfo {
        id: commit.id().to_string(),
        author: text(author.name_bytes()),
        email: text(author.email_bytes()),
        time: Timestamp::from_second(author.when().seconds()).map_err(unreadable)?,
        subject: commit.summary_bytes().map(text).unwrap_or_default(),
    })
}
