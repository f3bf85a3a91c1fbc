//! The files of a revision.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use git2::{ErrorCode, Oid, Tree};

use super::{
    error::{RepoError, doing},
    open::{Repo, Revision},
};
use crate::fleet::{Source, SourceFile};

/// Most bytes of contents that are kept for the next revision.
const KEPT_BYTES: usize = 256 << 20;

impl Repo {
    /// The fleet's files at a revision, straight from git's objects. Links and submodules are passed over.
    ///
    /// # Errors
    /// When the clone lacks an object, or the revision has no such folder.
    pub fn source(&self, revision: &Revision) -> Result<Source, RepoError> {
        let files = self.listing(revision)?;
        let mut blobs = self.blobs.borrow_mut();
        let missing: Vec<Oid> = files.iter().map(|(_, id)| *id).filter(|id| !blobs.contains_key(id)).collect();
        let texts = self.contents(&missing).map_err(|error| self.reading(revision, error))?;
        blobs.extend(missing.into_iter().zip(texts));
        let file = |(path, id): (String, Oid)| Some(SourceFile { path: path.into(), text: blobs.get(&id)?.clone() });
        let source = Source::from_files(files.into_iter().filter_map(file));
        forget_much(&mut blobs);
        Ok(source)
    }

    /// The fleet's files that differ between two revisions, by path relative to its root, in order.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub fn changed_files(&self, from: &Revision, to: &Revision) -> Result<Vec<String>, RepoError> {
        if from.tree == to.tree {
            return Ok(Vec::new());
        }
        let (mut old, new): (BTreeMap<_, _>, _) = (self.listing(from)?.into_iter().collect(), self.listing(to)?);
        let mut changed: Vec<String> =
            new.into_iter().filter(|(path, blob)| old.remove(path) != Some(*blob)).map(|(path, _)| path).collect();
        changed.extend(old.into_keys());
        changed.sort_unstable();
        Ok(changed)
    }

    /// The fleet's folder at a revision.
    pub(super) fn root(&self, revision: &Revision) -> Result<Tree<'_>, RepoError> {
        let top = self.git.find_tree(revision.tree).map_err(|error| self.reading(revision, error))?;
        if self.prefix.is_empty() {
            return Ok(top);
        }
        let no_folder = || RepoError::NoFolder { revision: revision.id.clone(), folder: self.prefix.clone() };
        let entry = top.get_path(self.prefix.as_ref()).map_err(|_| no_folder())?;
        let object = entry.to_object(&self.git).map_err(|error| self.reading(revision, error))?;
        object.into_tree().map_err(|_| no_folder())
    }

    /// Why a revision cannot be read.
    pub(super) fn reading(&self, revision: &Revision, error: git2::Error) -> RepoError {
        match error.code() {
            ErrorCode::NotFound => self.missing(&revision.id),
            _ => doing("reading the revision")(error),
        }
    }
}

/// Someone who watches a repository for weeks must not gather all that it ever held.
fn forget_much(blobs: &mut HashMap<Oid, Arc<[u8]>>) {
    if blobs.values().map(|content| content.len()).sum::<usize>() > KEPT_BYTES {
        blobs.clear();
    }
}
