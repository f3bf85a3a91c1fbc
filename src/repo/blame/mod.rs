//! The commits that lines of files come from.
//!
//! What is shown of a device lies in a handful of files, of which a few lines matter. `git blame` and libgit2 walk
//! history once for each file; here all files are walked at once, and only with those lines. A commit whose tree holds
//! the same object on the way to a file says nothing about it and is passed by unread; the walk ends with the last
//! line. Merges and renames are followed as git does.

mod lines;
#[cfg(test)]
mod tests;
mod trail;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use git2::Oid;

use super::{
    error::{RepoError, doing},
    history::{self, CommitInfo},
    open::{Repo, Revision},
};
use walk::{Suspect, Walk};

/// The lines that are asked for, from 1, by the path of their file relative to the fleet's root.
pub type Lines = BTreeMap<Arc<str>, BTreeSet<usize>>;

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineOrigin {
    /// A commit.
    Commit {
        /// The commit that wrote it.
        commit: Arc<CommitInfo>,
        /// History is cut off at this commit (a shallow clone): the line may be older.
        cut_off: bool,
    },
    /// It stands in the working tree and in no commit.
    Uncommitted,
}

/// The origin of each line that was asked for, by file and line.
pub type Origins = BTreeMap<(Arc<str>, usize), LineOrigin>;

impl Repo {
    /// Where lines of files come from, as of a revision. A file that the revision does not have is left out.
    ///
    /// # Errors
    /// When the revision is no commit, or git cannot read its history.
    pub fn blame(&self, revision: &Revision, lines: &Lines) -> Result<Origins, RepoError> {
        let failed = doing("finding the commits of lines");
        let newest = Oid::from_str(&revision.id).map_err(&failed)?;
        let mut suspects = Vec::new();
        for (file, lines) in lines {
            suspects.extend(self.suspect(revision, file, lines).map_err(&failed)?);
        }
        self.walk(newest, suspects)
    }

    /// The same of the files as they lie in the working tree, with these contents: what `HEAD` does not have is
    /// [`LineOrigin::Uncommitted`].
    ///
    /// # Errors
    /// As [`Self::blame`].
    pub fn blame_worktree(
        &self,
        lines: &Lines,
        content: impl Fn(&str) -> Option<Arc<[u8]>>,
    ) -> Result<Origins, RepoError> {
        let failed = doing("finding the commits of lines");
        let head = match self.revision(None) {
            Ok(head) => head,
            Err(RepoError::NoCommit) => return Ok(all_uncommitted(lines)),
            Err(error) => return Err(error),
        };
        let mut suspects = Vec::new();
        for (file, lines) in lines {
            let Some(content) = content(file) else { continue };
            let Some(mut suspect) = self.suspect(&head, file, lines).map_err(&failed)? else { continue };
            if suspect.blob() != Oid::hash_object(git2::ObjectType::Blob, &content).map_err(&failed)? {
                suspect.lines = lines::in_blob(&self.git, suspect.blob(), &content, suspect.lines).map_err(&failed)?;
            }
            suspects.push(suspect);
        }
        let mut origins = all_uncommitted(lines);
        origins.extend(self.walk(Oid::from_str(&head.id).map_err(&failed)?, suspects)?);
        Ok(origins)
    }

    fn suspect(
        &self,
        revision: &Revision,
        file: &Arc<str>,
        lines: &BTreeSet<usize>,
    ) -> Result<Option<Suspect>, git2::Error> {
        let path = self.full(file);
        let Some(trail) = trail::of(&self.git, revision.tree, &path, &[])? else { return Ok(None) };
        let lines = lines.iter().map(|line| lines::Line { asked: *line, here: *line }).collect();
        Ok(Some(Suspect { file: file.clone(), path: path.into(), trail, lines }))
    }

    fn walk(&self, newest: Oid, suspects: Vec<Suspect>) -> Result<Origins, RepoError> {
        let found = Walk::new(&self.git).run(newest, suspects).map_err(doing("finding the commits of lines"))?;
        // Names as people are called now.
        let mailmap = self.git.mailmap().ok();
        let mut commits: HashMap<Oid, LineOrigin> = HashMap::new();
        let mut origins = Origins::new();
        for (line, commit) in found {
            let origin = if let Some(known) = commits.get(&commit) {
                known.clone()
            } else {
                let origin = self.line_origin(commit, mailmap.as_ref())?;
                commits.entry(commit).or_insert(origin).clone()
            };
            origins.insert(line, origin);
        }
        Ok(origins)
    }

    fn line_origin(&self, id: Oid, mailmap: Option<&git2::Mailmap>) -> Result<LineOrigin, RepoError> {
        let commit = self.git.find_commit(id).map_err(doing("finding the commits of lines"))?;
        let cut_off = commit.parent_count() == 0 && self.git.is_shallow();
        Ok(LineOrigin::Commit { commit: Arc::new(history::info(&commit, mailmap)?), cut_off })
    }
}

fn all_uncommitted(lines: &Lines) -> Origins {
    let each = lines.iter().flat_map(|(file, lines)| lines.iter().map(|line| (file.clone(), *line)));
    each.map(|line| (line, LineOrigin::Uncommitted)).collect()
}
