//! Puts a backup back.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    BackupError, Summary, failed,
    files::{self, Passing},
    manifest::Manifest,
};
use crate::hub::{
    store::{self, DirectoryLock},
    time,
};

/// Puts a backup into a state folder that no hub is using, once every file of it was checked. With `force` whatever is
/// there is moved aside, into a folder of its own in the state folder. Blocks.
///
/// # Errors
/// When the backup is damaged or too new, the folder is in use or, without `force`, not empty.
pub fn restore(backup: &Path, state: &Path, force: bool) -> Result<Summary, BackupError> {
    let manifest = Manifest::read(backup)?;
    if !state.exists() {
        files::make_folder(state)?;
    }
    let _lock = DirectoryLock::take(state).map_err(|error| BackupError::InUse(error.into()))?;
    let there = what_is_there(state, &manifest);
    if !force && !there.is_empty() {
        return Err(BackupError::NotEmpty(state.to_owned()));
    }
    let staged = state.join(format!("restoring.{:08x}", fastrand::u32(..)));
    files::make_folder(&staged)?;
    let _passing = Passing(&staged);
    stage(&manifest, backup, &staged)?;
    let moved = set_aside(state, &there)?;
    put(&manifest, &staged, state)?;
    Ok(Summary { moved, ..manifest.summary() })
}

/// Files that a restore would overwrite, the log of the database first.
fn what_is_there(state: &Path, manifest: &Manifest) -> Vec<PathBuf> {
    let database = store::database(state);
    let files = manifest.files.iter().map(|entry| state.join(&entry.name));
    let all = store::beside(&database).into_iter().chain(files).chain([database]);
    let mut there: Vec<PathBuf> = Vec::new();
    for path in all.filter(|path| path.exists()) {
        if !there.contains(&path) {
            there.push(path);
        }
    }
    there
}

/// Copies everything to where it can be moved from in one step, and checks the copies.
fn stage(manifest: &Manifest, backup: &Path, staged: &Path) -> Result<(), BackupError> {
    for entry in &manifest.files {
        let from = backup.join(&entry.name);
        let copied = files::copy(&from, &staged.join(&entry.name))?;
        Manifest::check(entry, &from, &copied)?;
    }
    let database = store::database(staged);
    if !database.exists() {
        return Err(BackupError::Damaged { path: backup.to_owned(), what: "it has no database".to_owned() });
    }
    store::check(&database)?;
    files::sync_folder(staged)
}

/// Keeps what is there: the log is moved, because it must never meet another database; the rest is linked, so that it
/// is replaced in one step each.
fn set_aside(state: &Path, there: &[PathBuf]) -> Result<Option<PathBuf>, BackupError> {
    if there.is_empty() {
        return Ok(None);
    }
    let aside = state.join(format!("before-restore.{}", time::ticks(time::now())));
    files::make_folder(&aside)?;
    let log = store::beside(&store::database(state));
    for path in there {
        let Some(name) = path.file_name() else { continue };
        let keep = |from: &Path, to: PathBuf| -> io::Result<()> {
            if log.contains(path) { fs::rename(from, to) } else { fs::hard_link(from, to) }
        };
        keep(path, aside.join(name)).map_err(failed(path))?;
    }
    files::sync_folder(&aside)?;
    files::sync_folder(state)?;
    Ok(Some(aside))
}

/// The database comes last: as long as it is not there, no hub is.
fn put(manifest: &Manifest, staged: &Path, state: &Path) -> Result<(), BackupError> {
    let mut names: Vec<&str> = manifest.files.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_by_key(|name| *name == "hub.db");
    for name in names {
        let target = state.join(name);
        fs::rename(staged.join(name), &target).map_err(failed(&target))?;
    }
    files::sync_folder(state)
}
