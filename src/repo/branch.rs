//! Proposals: a commit on a branch of its own, made of objects alone, and its way to the remote.

use std::process::{Command, Stdio};

use git2::{Commit, ErrorCode, FileMode, Oid, Reference, Signature, build::TreeUpdateBuilder};

use super::{
    error::{RepoError, doing},
    fetch::without_credentials,
    open::{Repo, Revision},
};

/// The last line of a proposal's message: a branch whose tip has it may be replaced by the next proposal.
const TRAILER: &str = "Proposed-by: twinops";

/// Who has made a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

impl Author {
    pub(super) fn signature(&self) -> Result<Signature<'static>, RepoError> {
        Signature::now(&self.name, &self.email).map_err(doing("naming the author"))
    }
}

impl Repo {
    /// Puts a commit onto a branch: `base` with these files (path relative to the fleet's root, and text) as they are to
    /// be. Neither the working tree nor the index is touched. A branch that holds an earlier proposal is replaced; the id
    /// of the commit, which is the same one where nothing would differ. Without an author it is the user's own.
    ///
    /// # Errors
    /// When the branch is checked out or holds commits of somebody else, or `base` is no commit.
    pub fn commit_to<'f>(
        &self,
        branch: &str,
        base: &Revision,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        message: &str,
        author: Option<&Author>,
    ) -> Result<String, RepoError> {
        let name = format!("refs/heads/{branch}");
        if !Reference::is_valid_name(&name) || branch.starts_with('-') {
            return Err(RepoError::BadBranch(branch.to_owned()));
        }
        let failed = doing("making the commit");
        let (parent, tree) = self.with_files(base, files)?;
        let tip = self.tip(&name, branch)?;
        if let Some(tip) = &tip
            && tip.tree_id() == tree
            && tip.parent_id(0).is_ok_and(|id| id == parent.id())
        {
            return Ok(tip.id().to_string());
        }
        let tree = self.git.find_tree(tree).map_err(&failed)?;
        let who = self.signature()?;
        let author = author.map_or_else(|| Ok(who.clone()), Author::signature)?;
        let message = format!("{}\n\n{TRAILER}\n", message.trim_end());
        // Only the branch as it was looked at may give way.
        let id = self.git.commit(None, &author, &who, &message, &tree, &[&parent]).map_err(&failed)?;
        let log = "twinops: a proposal";
        match tip {
            Some(tip) => self.git.reference_matching(&name, id, true, tip.id(), log),
            None => self.git.reference(&name, id, false, log),
        }
        .map_err(&failed)?;
        Ok(id.to_string())
    }

    /// A commit, and its tree with these files as they are to be, which is written into the object database.
    pub(super) fn with_files<'f>(
        &self,
        base: &Revision,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Result<(Commit<'_>, Oid), RepoError> {
        let failed = doing("making the commit");
        let parent = Oid::from_str(&base.id).and_then(|id| self.git.find_commit(id));
        let parent = parent.map_err(|_| RepoError::UnknownRevision(base.id.clone()))?;
        let mut update = TreeUpdateBuilder::new();
        let before = parent.tree().map_err(&failed)?;
        for (path, text) in files {
            let full = self.full(path);
            let blob = self.git.blob(text.as_bytes()).map_err(&failed)?;
            let is_executable = before.get_path(full.as_ref()).is_ok_and(|entry| entry.filemode() == 0o100_755);
            update.upsert(full, blob, if is_executable { FileMode::BlobExecutable } else { FileMode::Blob });
        }
        let tree = update.create_updated(&self.git, &before).map_err(&failed)?;
        Ok((parent, tree))
    }

    /// The user's own, or ours.
    pub(super) fn signature(&self) -> Result<Signature<'static>, RepoError> {
        let own = self.git.signature().or_else(|_| Signature::now("twinops", "twinops@localhost"));
        own.map_err(doing("making the commit"))
    }

    /// The tip of a branch that may be replaced; `None` when there is no such branch.
    fn tip(&self, name: &str, branch: &str) -> Result<Option<Commit<'_>>, RepoError> {
        let found = match self.git.find_reference(name) {
            Ok(found) => found,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(doing("looking for the branch")(error)),
        };
        let is_head = self.git.head().is_ok_and(|head| head.name_bytes() == found.name_bytes());
        if is_head {
            return Err(RepoError::CheckedOut(branch.to_owned()));
        }
        let tip = found.peel_to_commit().map_err(doing("looking for the branch"))?;
        let text = String::from_utf8_lossy(tip.message_bytes()).into_owned();
        if text.lines().any(|line| line == TRAILER) {
            Ok(Some(tip))
        } else {
            Err(RepoError::ForeignBranch(branch.to_owned()))
        }
    }

    /// Pushes a branch that [`Self::commit_to`] made to the remote of the branch at hand, in the place of an earlier
    /// proposal. The remote's name.
    ///
    /// # Errors
    /// When there is no remote, or git fails.
    pub fn push(&self, branch: &str) -> Result<String, RepoError> {
        let remote = self.remote()?.ok_or(RepoError::NoRemote)?;
        let name = format!("refs/heads/{branch}");
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(self.git.path())
            .args(["push", "--quiet", "--"])
            // A proposal is replaced, never merged.
            .args([&remote, &format!("+{name}:{name}")])
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(RepoError::NoGit)?;
        if output.status.success() {
            return Ok(remote);
        }
        Err(RepoError::Push { remote, message: without_credentials(&output) })
    }
}
