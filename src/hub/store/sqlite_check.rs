//! Checking a big database while it is served.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, InterruptHandle};
use tracing::{debug, error, info, warn};

use super::{StoreError, sqlite_schema};

/// How often a check is told to end until it does.
const PAUSE: Duration = Duration::from_millis(5);

/// What is said of a database in which a check found nothing.
pub(super) const SOUND: &str = "the store is sound, and has every whole write of its log";

/// What a check has found so far.
#[derive(Debug, Default)]
pub(super) struct Finding(OnceLock<Result<(), String>>);

impl Finding {
    /// What is wrong, once it is known.
    pub(super) fn damage(&self) -> Option<&str> {
        self.0.get()?.as_ref().err().map(String::as_str)
    }

    /// Whether the database was found to be sound.
    pub(super) fn is_sound(&self) -> bool {
        matches!(self.0.get(), Some(Ok(())))
    }
}

/// A check under way; it is broken off when this is dropped.
pub(super) struct Check {
    finding: Arc<Finding>,
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("finding", &self.finding).finish_non_exhaustive()
    }
}

impl Check {
    /// Begins to check.
    pub(super) fn start(database: &Path) -> Result<Self, StoreError> {
        let connection = sqlite_schema::open_reader(database)?;
        let (interrupt, finding) = (connection.get_interrupt_handle(), Arc::<Finding>::default());
        let (shared, file) = (Arc::clone(&finding), database.to_owned());
        let thread = std::thread::Builder::new()
            .name("store-check".to_owned())
            .spawn(move || look(&connection, file, &shared))
            .map_err(|cause| StoreError::Database { doing: "starting a thread of the store", cause: cause.into() })?;
        Ok(Self { finding, interrupt, thread: Some(thread) })
    }

    /// What it has found, now and later.
    pub(super) fn finding(&self) -> &Arc<Finding> {
        &self.finding
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        // Again and again, because only what is running hears of it.
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            self.interrupt.interrupt();
            std::thread::park_timeout(PAUSE);
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            error!("the check of the store broke off");
        }
    }
}

/// What is wrong with a database, if anything.
pub(super) fn verdict(connection: &Connection) -> rusqlite::Result<Result<(), String>> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(if verdict == "ok" { Ok(()) } else { Err(verdict) })
}

fn look(connection: &Connection, file: PathBuf, finding: &Finding) {
    let found = match verdict(connection) {
        Ok(found) => found,
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
            debug!("the check of the store was broken off; the next start checks again");
            return;
        }
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => Err(cause.to_string()),
        Err(cause) => {
            warn!(%cause, "the store could not be checked; the next start checks again");
            return;
        }
    };
    if let Err(verdict) = &found {
        let damaged = StoreError::Damaged { file, cause: verdict.as_str().into() };
        error!(verdict, "{damaged}; nothing is written any more");
    } else {
        info!("{SOUND}");
    }
    // Nobody else says it.
    let _first = finding.0.set(found);
}
