//! `twinops hub backup` and `twinops hub restore`.

use std::path::Path;

use tokio::task::{JoinError, spawn_blocking};

use crate::{
    cli::{
        Exit, Failure,
        args::{BackupArgs, RestoreArgs},
    },
    hub::backup::{self, BackupError, Summary},
};

/// Makes a backup; what to print of it.
pub(super) async fn make(state: &Path, args: &BackupArgs) -> Result<String, Failure> {
    let (from, to) = (state.to_owned(), args.target.clone());
    let made = done(spawn_blocking(move || backup::make(&from, &to)).await)?;
    Ok(format!("backed up {} to {}", told(&made), args.target.display()))
}

/// Puts a backup back; what to print of it.
pub(super) async fn restore(state: &Path, args: &RestoreArgs) -> Result<String, Failure> {
    let (from, to, force) = (args.source.clone(), state.to_owned(), args.force);
    let restored = done(spawn_blocking(move || backup::restore(&from, &to, force)).await)?;
    let mut text = format!("restored {} of {} to {}", told(&restored), restored.made, state.display());
    if let Some(moved) = &restored.moved {
        text.push_str(&format!("\nwhat was there is in {}", moved.display()));
    }
    Ok(text)
}

fn done(ended: Result<Result<Summary, BackupError>, JoinError>) -> Result<Summary, Failure> {
    Ok(ended.map_err(|error| Failure::new(Exit::Failed, error))??)
}

fn told(summary: &Summary) -> String {
    let Summary { devices, modules, documents, bytes, .. } = summary;
    format!("{devices} devices, {modules} modules and {documents} documents ({bytes} bytes)")
}
