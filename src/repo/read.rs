//! The files of a revision.

use std::{collections::BTreeMap, sync::Arc};

use git2::{ErrorCode, ObjectType, Oid, Tree, TreeWalkMode, TreeWalkResult};

use super::{
    error::{RepoError, doing},
    open::{Repo, Revision},
};
use crate::fleet::{FileKind, Source, SourceFile};

/// How git marks what is no file of its own; its type bits.
const FILE_TYPE: i32 = 0o170_000;
const LINK: i32 = 0o120_000;
/// Most bytes of contents that are kept for the next revision.
const KEPT_BYTES: usize = 256 << 20;

impl Repo {
    /// The fleet's files at a revision, straight from git's objects. Links and submodules are passed over.
    ///
    /// # Errors
    /// When the clone lacks an object, or the revision has no such folder.
    pub fn source(&self, revision: &Revision) -> Result<Source, RepoError> {
        let files = self.listing(revision)?;
        let read = |(path, blob): (String, Oid)| Ok(SourceFile { path: path.into(), text: self.blob(blob, revision)? });
        let files = files.into_iter().map(read).collect::<Result<Vec<_>, RepoError>>();
        self.forget_much();
        Ok(Source::from_files(files?))
    }

    /// The fleet's files that differ between two revisions, by path relative to its root, in order.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub fn changed_files(&self, from: &Revision, to: &Revision) -> Result<Vec<String>, RepoError> {
        if from.tree == to.tree {
            return Ok(Vec::new());
        }
        let (mut old, new) = (self.listing(from)?, self.listing(to)?);
        let mut changed: Vec<String> =
            new.into_iter().filter(|(path, blob)| old.remove(path) != Some(*blob)).map(|(path, _)| path).collect();
        changed.extend(old.into_keys());
        changed.sort_unstable();
        Ok(changed)
    }

    /// Path and content id of every file that matters to the fleet.
    fn listing(&self, revision: &Revision) -> Result<BTreeMap<String, Oid>, RepoError> {
        let root = self.root(revision)?;
        let mut files = BTreeMap::new();
        let walked = root.walk(TreeWalkMode::PreOrder, |folder, entry| {
            let Ok(name) = entry.name() else { return TreeWalkResult::Skip };
            match entry.kind() {
                Some(ObjectType::Tree) if name.starts_with('.') => return TreeWalkResult::Skip,
                Some(ObjectType::Blob) if entry.filemode() & FILE_TYPE != LINK => {
                    let path = format!("{folder}{name}");
                    if FileKind::of(&path).is_some() {
                        files.insert(path, entry.id());
                    }
                }
                _ => {}
            }
            TreeWalkResult::Ok
        });
        walked.map_err(|error| self.reading(revision, error))?;
        Ok(files)
    }

    fn root(&self, revision: &Revision) -> Result<Tree<'_>, RepoError> {
        let top = self.git.find_tree(revision.tree).map_err(|error| self.reading(revision, error))?;
        if self.prefix.is_empty() {
            return Ok(top);
        }
        let no_folder = || RepoError::NoFolder { revision: revision.id.clone(), folder: self.prefix.clone() };
        let entry = top.get_path(self.prefix.as_ref()).map_err(|_| no_folder())?;
        let object = entry.to_object(&self.git).map_err(|error| self.reading(revision, error))?;
        object.into_tree().map_err(|_| no_folder())
    }

    fn blob(&self, id: Oid, revision: &Revision) -> Result<Arc<[u8]>, RepoError> {
        if let Some(known) = self.blobs.borrow().get(&id) {
            return Ok(Arc::clone(known));
        }
        let blob = self.git.find_blob(id).map_err(|error| self.reading(revision, error))?;
        let content: Arc<[u8]> = blob.content().into();
        self.blobs.borrow_mut().insert(id, Arc::clone(&content));
        Ok(content)
    }

    /// Someone who watches a repository for weeks must not gather all that it ever held.
    fn forget_much(&self) {
        let mut blobs = self.blobs.borrow_mut();
        if blobs.values().map(|content| content.len()).sum::<usize>() > KEPT_BYTES {
            blobs.clear();
        }
    }

    fn reading(&self, revision: &Revision, error: git2::Error) -> RepoError {
        match error.code() {
            ErrorCode::NotFound => self.missing(&revision.id),
            _ => doing("reading the revision")(error),
        }
    }
}
