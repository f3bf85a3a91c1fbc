//! Makes a backup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    BackupError, Summary, failed,
    files::{self, Passing},
    manifest::{Manifest, is_key_or_certificate},
};
use crate::hub::{store, time};

/// Writes a backup of a state folder into a new folder, which is there only when all of it is. The hub may be running:
/// its writers go on, and everything that was acknowledged before this was called is in the backup. Blocks.
///
/// # Errors
/// When there is no store, the target is there already, or a file cannot be read or written.
pub fn make(state: &Path, target: &Path) -> Result<Summary, BackupError> {
    let database = store::database(state);
    if !database.exists() {
        return Err(BackupError::NoStore(state.to_owned()));
    }
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let part = beside(target);
    files::make_folder(&part)?;
    let _passing = Passing(&part);
    let manifest = fill(state, &database, &part)?;
    files::sync_folder(&part)?;
    fs::rename(&part, target).map_err(failed(target))?;
    files::sync_folder(parent(target))?;
    Ok(manifest.summary())
}

fn fill(state: &Path, database: &Path, part: &Path) -> Result<Manifest, BackupError> {
    let made = time::text(time::now());
    let copy = store::database(part);
    let mut manifest = Manifest::new(made, store::copy(database, &copy)?);
    manifest.add("hub.db", files::digest(&copy)?);
    for name in keys_and_certificates(state)? {
        manifest.add(&name, files::copy(&state.join(&name), &part.join(&name))?);
    }
    manifest.write(part)?;
    Ok(manifest)
}

/// In the order of their names.
fn keys_and_certificates(state: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(state).map_err(failed(state))? {
        let entry = entry.map_err(failed(state))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let name = entry.file_name().into_string().ok().filter(|name| is_file && is_key_or_certificate(name));
        names.extend(name);
    }
    names.sort_unstable();
    Ok(names)
}

/// A folder beside the target, on the same disk, that nobody else has.
fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{:08x}.part", fastrand::u32(..)));
    name.into()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
