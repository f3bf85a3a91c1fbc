//! Who made a revision, and when.

use git2::{BlameOptions, Commit, Oid};
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
        object.into_commit().ok().map(|commit| info(&commit)).transpose()
    }

    /// The commit that a line of a file (path relative to the fleet's root, line from 1) came from, as of a revision.
    ///
    /// # Errors
    /// When the revision has no such file, or history is cut off before it.
    pub fn blame_line(&self, revision: &Revision, file: &str, line: usize) -> Result<CommitInfo, RepoError> {
        let failed = doing("finding the commit of a line");
        let newest = Oid::from_str(&revision.id).map_err(&failed)?;
        let mut options = BlameOptions::new();
        options.newest_commit(newest).min_line(line).max_line(line);
        let blame = self.git.blame_file(self.full(file).as_ref(), Some(&mut options)).map_err(&failed)?;
        let commit = blame.get_line(line).map(|hunk| hunk.final_commit_id());
        let commit = commit.ok_or_else(|| failed(git2::Error::from_str("there is no such line")))?;
        info(&self.git.find_commit(commit).map_err(&failed)?)
    }
}

fn info(commit: &Commit<'_>) -> Result<CommitInfo, RepoError> {
    let author = commit.author();
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
