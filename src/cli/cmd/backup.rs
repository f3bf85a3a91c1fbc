//! `twinops hub backup` and `twinops hub restore`.

use tokio::task::{JoinError, spawn_blocking};

use crate::{
    cli::{
        Exit, Failure,
        args::{BackupArgs, HubArgs, RestoreArgs},
    },
    hub::{
        backup::{self, BackupError, Summary},
        offline,
    },
};

/// Makes a backup; what to print of it.
pub(super) async fn make(hub: &HubArgs, args: &BackupArgs) -> Result<String, Failure> {
    embedded(hub)?;
    let (from, to) = (hub.state.clone(), args.target.clone());
    let made = done(spawn_blocking(move || backup::make(&from, &to)).await)?;
    Ok(format!("backed up {} to {}", told(&made), args.target.display()))
}

/// Puts a backup back; what to print of it.
pub(super) async fn restore(hub: &HubArgs, args: &RestoreArgs) -> Result<String, Failure> {
    embedded(hub)?;
    let state = &hub.state;
    let (from, to, force) = (args.source.clone(), state.to_owned(), args.force);
    let restored = done(spawn_blocking(move || backup::restore(&from, &to, force)).await)?;
    let text = format!("restored {} of {} to {}", told(&restored), restored.made, state.display());
    Ok(match &restored.moved {
        Some(moved) => format!("{text}\nwhat was there is in {}", moved.display()),
        None => text,
    })
}

/// A shared store is not this program's to copy.
fn embedded(hub: &HubArgs) -> Result<(), Failure> {
    if hub.store.is_none() && !offline::has_shared_store(&hub.state)? {
        return Ok(());
    }
    let what = "the hub keeps its data in PostgreSQL, which this command does not copy";
    Err(Failure::new(Exit::Failed, what).help("use pg_dump and pg_restore, or the backups of the database's operator"))
}

fn done(ended: Result<Result<Summary, BackupError>, JoinError>) -> Result<Summary, Failure> {
    Ok(ended.map_err(|error| Failure::new(Exit::Failed, error))??)
}

fn told(summary: &Summary) -> String {
    let Summary { devices, modules, documents, bytes, .. } = summary;
    format!("{devices} devices, {modules} modules and {documents} documents ({bytes} bytes)")
}
