//! Checking the fleet's files, and not twice what has not changed.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rayon::prelude::*;
use tracing::debug;

use super::workspace::{Workspace, WorkspaceError};
use crate::{
    fleet::{Checked, ContentId, Entry, Kept, Listed, Save, Source, SourceError, SourceFile, Stamp, check_again},
    repo::{Repo, content_id},
};

/// How old a change has to be before a stamp tells it from the next one.
const SETTLED: Duration = Duration::from_millis(100);

/// Checks, and remembers.
pub(crate) struct Checker<'w> {
    workspace: &'w Workspace,
    /// Whether what is found out about files on disk will be asked for again.
    learns: bool,
    /// What the files on disk held when they were looked at last.
    seen: Option<HashMap<Arc<str>, (Stamp, ContentId)>>,
    kept: Kept,
}

impl<'w> Checker<'w> {
    /// A checker that knows what earlier runs in this repository found out. One that `stays` learns in any folder.
    pub(crate) fn new(workspace: &'w Workspace, stays: bool) -> Self {
        let kept = workspace.with_repo(|repo| repo.kept(&build()));
        let learns = stays || kept.is_some();
        Self { workspace, learns, seen: None, kept: kept.map(|bytes| Kept::read(&bytes)).unwrap_or_default() }
    }

    /// Checks a revision.
    pub(crate) fn revision(&mut self, revision: &str) -> Result<Checked, WorkspaceError> {
        let repo = self.workspace.repo()?;
        let revision = repo.revision(Some(revision))?;
        let files = repo.listed(&revision)?;
        let checked = check_again(&files, &mut self.kept, |wanted| repo.read_listed(wanted, &revision))?;
        drop(repo);
        self.save();
        Ok(checked)
    }

    /// Checks the files as they lie in the folder.
    pub(crate) fn on_disk(&mut self) -> Result<Checked, WorkspaceError> {
        let entries = Source::list_folder(self.workspace.root())?;
        let files = self.list(&entries)?;
        let doubtful = RefCell::new(Vec::new());
        let root = self.workspace.root();
        let read = |wanted: &[&Listed]| read(root, wanted, &entries, &mut doubtful.borrow_mut());
        let checked = check_again(&files, &mut self.kept, read)?;
        doubtful.into_inner().iter().for_each(|id| self.kept.forget(id));
        self.save();
        Ok(checked)
    }

    /// Content by content: from what is known, or by reading.
    fn list(&mut self, entries: &[Entry]) -> Result<Vec<Listed>, WorkspaceError> {
        if !self.learns {
            return Ok(entries.iter().map(|e| Listed { path: e.path.clone(), id: None, text: None }).collect());
        }
        let workspace = self.workspace;
        let seen = self.seen.get_or_insert_with(|| workspace.with_repo(Repo::stamps).unwrap_or_default());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = now.saturating_sub(SETTLED).as_nanos().cast_signed();
        let look = |entry: &Entry| match seen.get(&entry.path) {
            Some((stamp, id)) if *stamp == entry.stamp => {
                Ok(Listed { path: entry.path.clone(), id: Some(*id), text: None })
            }
            _ => {
                let text = fs::read(&entry.at).map_err(|cause| SourceError { path: entry.at.clone(), cause })?;
                let id = Some(content_id(&text)?);
                Ok(Listed { path: entry.path.clone(), id, text: Some(text.into()) })
            }
        };
        let files: Vec<Listed> =
            entries.par_iter().with_min_len(64).map(look).collect::<Result<_, WorkspaceError>>()?;
        for (file, entry) in files.iter().zip(entries).filter(|(file, _)| file.text.is_some()) {
            match file.id {
                Some(id) if entry.stamp.changed < settled => _ = seen.insert(file.path.clone(), (entry.stamp, id)),
                _ => _ = seen.remove(&file.path),
            }
        }
        Ok(files)
    }

    /// What was found out, for the next run. A repository that cannot be written costs that one time, and no more.
    fn save(&mut self) {
        let saved = self.workspace.with_repo(|repo| match self.kept.save() {
            Save::Nothing => Ok(()),
            Save::Append(bytes) => repo.keep_more(&build(), &bytes),
            Save::Replace(bytes) => repo.keep(&build(), &bytes),
        });
        if let Some(Err(error)) = saved {
            debug!(%error, "results are not kept");
        }
    }
}

/// Reads files that were listed; the contents of those that have changed since are `doubtful`.
fn read(
    root: &Path,
    wanted: &[&Listed],
    entries: &[Entry],
    doubtful: &mut Vec<ContentId>,
) -> Result<Vec<SourceFile>, WorkspaceError> {
    let read = |file: &&Listed| {
        if let Some(text) = &file.text {
            return Ok((SourceFile { path: file.path.clone(), text: text.clone() }, None));
        }
        let at: PathBuf = root.join(&*file.path);
        let failed = |cause| SourceError { path: at.clone(), cause };
        let text = fs::read(&at).map_err(failed)?;
        let listed = entries.binary_search_by(|entry| entry.path.cmp(&file.path)).ok().and_then(|n| entries.get(n));
        let now = Stamp::of(&fs::metadata(&at).map_err(failed)?);
        let doubt = file.id.filter(|_| listed.is_none_or(|entry| entry.stamp != now));
        Ok((SourceFile { path: file.path.clone(), text: text.into() }, doubt))
    };
    let files: Vec<_> = wanted.par_iter().with_min_len(64).map(read).collect::<Result<_, SourceError>>()?;
    Ok(files.into_iter().map(|(file, doubt)| (file, doubtful.extend(doubt)).0).collect())
}

/// This build of the program: what another one found out is not believed.
fn build() -> String {
    let meta = std::env::current_exe().and_then(fs::metadata);
    let program = meta.map(|meta| (meta.len(), meta.modified().ok())).ok();
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((env!("CARGO_PKG_VERSION"), program));
    format!("{hash:016x}")
}
