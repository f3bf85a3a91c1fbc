//! The files of a revision by name and content, and the content of those that are asked for.

use std::sync::Arc;

use git2::{ObjectType, Oid, Repository, Tree};
use rayon::prelude::*;

use super::{
    error::RepoError,
    open::{Repo, Revision},
};
use crate::fleet::{ContentId, FileKind, Listed, SourceFile};

/// How git marks what is no file of its own; its type bits.
const FILE_TYPE: i32 = 0o170_000;
const LINK: i32 = 0o120_000;
/// Objects that are worth a thread of their own, with a repository of its own.
const PART: usize = 512;

/// The id that git gives a content.
///
/// # Errors
/// None that a content can cause.
pub fn content_id(content: &[u8]) -> Result<ContentId, RepoError> {
    let id = Oid::hash_object(ObjectType::Blob, content);
    Ok(bytes(id.map_err(super::error::doing("hashing a file"))?))
}

/// An id as bytes.
pub(super) fn bytes(id: Oid) -> ContentId {
    let all = id.as_bytes();
    std::array::from_fn(|at| all.get(at).copied().unwrap_or_default())
}

impl Repo {
    /// The fleet's files at a revision, in order of path, not read yet. Links and submodules are passed over.
    ///
    /// # Errors
    /// When the clone lacks an object, or the revision has no such folder.
    pub fn listed(&self, revision: &Revision) -> Result<Vec<Listed>, RepoError> {
        self.list(revision, |path, id| Listed { path: path.into(), id: Some(bytes(id)), text: None })
    }

    /// The content of files that were listed, straight from git's objects.
    ///
    /// # Errors
    /// When the clone lacks one.
    pub fn read_listed(&self, files: &[&Listed], revision: &Revision) -> Result<Vec<SourceFile>, RepoError> {
        let ids = files.iter().map(|file| Oid::from_bytes(&file.id.unwrap_or_default()));
        let ids: Vec<Oid> = ids.collect::<Result<_, _>>().map_err(|error| self.reading(revision, error))?;
        let texts = self.contents(&ids).map_err(|error| self.reading(revision, error))?;
        Ok(files.iter().zip(texts).map(|(file, text)| SourceFile { path: file.path.clone(), text }).collect())
    }

    /// Path and content of every file that matters to the fleet, in order of path.
    pub(super) fn listing(&self, revision: &Revision) -> Result<Vec<(String, Oid)>, RepoError> {
        self.list(revision, |path, id| (path.to_owned(), id))
    }

    /// Every file that matters to the fleet, in the order in which git has them, which is that of their paths.
    fn list<T>(&self, revision: &Revision, mut each: impl FnMut(&str, Oid) -> T) -> Result<Vec<T>, RepoError> {
        let mut files = Vec::new();
        let mut add = |path: &str, id| files.push(each(path, id));
        self.folder(&self.root(revision)?, &mut String::new(), &mut add)
            .map_err(|error| self.reading(revision, error))?;
        Ok(files)
    }

    fn folder(&self, tree: &Tree<'_>, path: &mut String, each: &mut dyn FnMut(&str, Oid)) -> Result<(), git2::Error> {
        let prefix = path.len();
        for entry in tree {
            let Ok(name) = entry.name() else { continue };
            path.push_str(name);
            match entry.kind() {
                Some(ObjectType::Tree) if !name.starts_with('.') => {
                    path.push('/');
                    self.folder(&self.git.find_tree(entry.id())?, path, each)?;
                }
                Some(ObjectType::Blob) if entry.filemode() & FILE_TYPE != LINK && FileKind::of(path).is_some() => {
                    each(path, entry.id());
                }
                _ => {}
            }
            path.truncate(prefix);
        }
        Ok(())
    }

    /// Contents by their ids. Of many, each thread reads a part through a repository of its own.
    pub(super) fn contents(&self, ids: &[Oid]) -> Result<Vec<Arc<[u8]>>, git2::Error> {
        if ids.len() <= PART {
            return read(&self.git, ids);
        }
        let part = ids.len().div_ceil(rayon::current_num_threads()).max(PART);
        let folder = self.git.path();
        let read = |ids: &[Oid]| read(&Repository::open(folder)?, ids);
        let parts: Vec<Vec<Arc<[u8]>>> = ids.par_chunks(part).map(read).collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

fn read(git: &Repository, ids: &[Oid]) -> Result<Vec<Arc<[u8]>>, git2::Error> {
    let objects = git.odb()?;
    ids.iter().map(|id| Ok(objects.read(*id)?.data().into())).collect()
}
