//! The working tree: what is not committed, and how it becomes a revision all the same.

use git2::{Index, IndexEntry, IndexTime, Oid, Signature, Status, StatusOptions, StatusShow};

use super::{
    error::{RepoError, doing},
    open::{Repo, Revision},
};
use crate::fleet::FileKind;

/// Keeps recorded working trees from being collected, each the child of the one before.
const RECORD: &str = "refs/twinops/worktree";
const FILE_MODE: u32 = 0o100_644;

impl Repo {
    /// The fleet's files whose working copy is not what `HEAD` has, by path relative to the fleet's root, in order.
    /// New files count, ignored ones do not. Empty: the working tree is clean.
    ///
    /// # Errors
    /// When git cannot tell, e.g. in a bare repository.
    pub fn dirty_files(&self) -> Result<Vec<String>, RepoError> {
        let mut options = StatusOptions::new();
        options
            .show(StatusShow::IndexAndWorkdir)
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .exclude_submodules(true)
            .disable_pathspec_match(true);
        if !self.prefix.is_empty() {
            options.pathspec(&self.prefix);
        }
        let statuses = self.git.statuses(Some(&mut options)).map_err(doing("comparing the working tree"))?;
        let mut files: Vec<String> = statuses
            .iter()
            .filter(|entry| !entry.status().intersects(Status::IGNORED | Status::WT_UNREADABLE))
            .filter_map(|entry| self.within(entry.path().ok()?).map(str::to_owned))
            .filter(|path| FileKind::of(path).is_some())
            .collect();
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }

    /// The working tree below the fleet's root as a revision that can be read back later. `HEAD` when it is clean;
    /// otherwise a commit in the object database that no branch knows: neither the index nor a branch is touched.
    ///
    /// # Errors
    /// When a file cannot be read or the repository not be written.
    pub fn record_worktree(&self) -> Result<Revision, RepoError> {
        let dirty = self.dirty_files()?;
        let head = match self.revision(None) {
            Ok(head) if dirty.is_empty() => return Ok(head),
            Ok(head) => Some(head),
            Err(RepoError::NoCommit) => None,
            Err(other) => return Err(other),
        };
        let tree = self.write_tree(head.as_ref(), &dirty)?;
        self.commit_record(tree)
    }

    /// `HEAD`'s tree with the files as they are now.
    fn write_tree(&self, head: Option<&Revision>, dirty: &[String]) -> Result<Oid, RepoError> {
        let failed = doing("recording the working tree");
        let mut index = Index::new().map_err(&failed)?;
        if let Some(head) = head {
            let tree = self.git.find_tree(head.tree).map_err(&failed)?;
            index.read_tree(&tree).map_err(&failed)?;
        }
        for path in dirty {
            let full = self.full(path);
            match self.write_blob(&full)? {
                Some(blob) => index.add(&entry(&full, blob)).map_err(&failed)?,
                None => index.remove(full.as_ref(), 0).or_else(absent_is_fine).map_err(&failed)?,
            }
        }
        index.write_tree_to(&self.git).map_err(&failed)
    }

    /// The content of a working copy; `None` when there is no file.
    fn write_blob(&self, full: &str) -> Result<Option<Oid>, RepoError> {
        let Some(top) = self.git.workdir() else { return Ok(None) };
        let path = top.join(full);
        if !path.symlink_metadata().is_ok_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        self.git.blob_path(&path).map(Some).map_err(doing("recording the working tree"))
    }

    fn commit_record(&self, tree: Oid) -> Result<Revision, RepoError> {
        let failed = doing("recording the working tree");
        let before = self.git.find_reference(RECORD).and_then(|reference| reference.peel_to_commit()).ok();
        if let Some(before) = before.as_ref().filter(|before| before.tree_id() == tree) {
            return self.revision_of(before.id());
        }
        let who = Signature::now("twinops", "twinops@localhost").map_err(&failed)?;
        let tree = self.git.find_tree(tree).map_err(&failed)?;
        let parents: Vec<_> = before.iter().collect();
        let message = "The working tree as it was applied\n";
        let commit = self.git.commit(Some(RECORD), &who, &who, message, &tree, &parents).map_err(&failed)?;
        self.revision_of(commit)
    }
}

fn absent_is_fine(error: git2::Error) -> Result<(), git2::Error> {
    if error.code() == git2::ErrorCode::NotFound { Ok(()) } else { Err(error) }
}

fn entry(path: &str, id: Oid) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: FILE_MODE,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
