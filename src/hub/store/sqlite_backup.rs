//! Copies of the embedded store, made while it is written to, and what has to be known before one is put back.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, backup::Backup};

use super::{
    StoreError,
    sqlite::{FILE, make_private},
    sqlite_recovery::OPEN,
    sqlite_schema::{self, failed},
};

/// Pages that are copied in one step.
const PAGES: i32 = 2048;
/// What is left to others between two steps.
const REST: Duration = Duration::from_millis(1);

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Contents {
    pub(crate) format: i64,
    pub(crate) devices: u64,
    pub(crate) modules: u64,
    pub(crate) documents: u64,
}

/// The database of a state folder, whether it is there or not.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The files beside the database that belong to it as long as it is open, or was not closed in good order.
pub(crate) fn beside(database: &Path) -> [PathBuf; 2] {
    ["db-wal", "db-shm"].map(|extension| database.with_extension(extension))
}

/// Copies the store as it is at this moment into a single new file, synced. Others may write meanwhile: the copy is
/// made from one snapshot, for which nobody waits.
pub(crate) fn copy(database: &Path, target: &Path) -> Result<Contents, StoreError> {
    let doing = "copying the store";
    make_private(target).map_err(|cause| StoreError::Database { doing, cause: cause.into() })?;
    let source = sqlite_schema::open_reader(database)?;
    // A transaction that reads: what others commit from here on is not seen, so that the copy never starts again.
    source.execute_batch("BEGIN").map_err(failed(doing))?;
    source.query_row("SELECT COUNT(*) FROM setting", [], |_| Ok(())).map_err(failed(doing))?;
    copy_pages(&source, target).map_err(failed(doing))?;
    let contents = finish(target)?;
    File::open(target)
        .and_then(|file| file.sync_all())
        .map_err(|cause| StoreError::Database { doing: "syncing the copy of the store", cause: cause.into() })?;
    Ok(contents)
}

fn copy_pages(source: &Connection, target: &Path) -> rusqlite::Result<()> {
    let mut target = Connection::open(target)?;
    let backup = Backup::new(source, &mut target)?;
    backup.run_to_completion(PAGES, REST, None)
}

/// Makes the copy a single file of a store that was closed in good order.
fn finish(target: &Path) -> Result<Contents, StoreError> {
    let doing = "finishing the copy of the store";
    let connection = Connection::open(target).map_err(failed(doing))?;
    connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).map_err(failed(doing))?;
    connection.execute("DELETE FROM setting WHERE name = ?1", [OPEN]).map_err(failed(doing))?;
    contents(&connection)
}

/// Checks a copy from its first page to its last.
pub(crate) fn check(database: &Path) -> Result<Contents, StoreError> {
    let doing = "checking the copy of the store";
    let connection = Connection::open(database).map_err(failed(doing))?;
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed(doing))?;
    if verdict != "ok" {
        return Err(StoreError::Database { doing, cause: verdict.into() });
    }
    contents(&connection)
}

fn contents(connection: &Connection) -> Result<Contents, StoreError> {
    let format = sqlite_schema::check_format(connection)?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
    let read = || {
        Ok(Contents {
            format,
            devices: count("SELECT COUNT(*) FROM record WHERE module_id = ''")?,
            modules: count("SELECT COUNT(*) FROM record WHERE module_id > ''")?,
            // The first format has no documents.
            documents: if format < 2 { 0 } else { count("SELECT COUNT(*) FROM document")? },
        })
    };
    read().map_err(failed("counting what the copy of the store holds"))
}
