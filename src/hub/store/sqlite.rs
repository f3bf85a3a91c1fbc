//! The embedded store: one SQLite file with a write-ahead log.
//!
//! All writes go through one thread that commits, fully synced, whatever came in during the last commit; reads go
//! through a few connections that never wait for it. Records that were written lately are in memory.

use std::{fs::OpenOptions, io, path::Path, sync::Arc, time::Duration};

use super::{
    Change, Counts, Document, Kind, Outcome, Scanned, Span, Store, StoreError, Tally, sqlite_document,
    sqlite_reader::{self, Readers},
    sqlite_recent::Recent,
    sqlite_recovery::explained,
    sqlite_row, sqlite_schema, sqlite_tally,
    sqlite_writer::Writer,
};
use crate::{
    hub::{meter::Meter, ports::LinkId, record::Record},
    query::{FieldPath, Sieve},
};

/// The database in the state folder.
pub(super) const FILE: &str = "hub.db";
/// Connections that read at a time.
const READERS: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    // Before the writer, so that its connections are closed when the log is wound up.
    readers: Readers,
    writer: Writer,
    recent: Arc<Recent>,
}

impl SqliteStore {
    /// Opens the store of a state folder, or makes it.
    #[cfg(test)]
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_counted(folder, Meter::new())
    }

    /// Opens the store of a state folder, or makes it; `meter` counts its commits.
    pub(crate) fn open_counted(folder: &Path, meter: Arc<Meter>) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        make_private(&file)
            .map_err(|cause| StoreError::Database { doing: "making the store's file", cause: cause.into() })?;
        let recent = Arc::<Recent>::default();
        let writer = Writer::start(&file, meter, Arc::clone(&recent)).map_err(|error| explained(error, &file))?;
        Ok(Self { readers: Readers::new(&file, READERS), writer, recent })
    }
}

/// Reads settings of a store that a hub may be using; nothing where the folder has no store.
pub(crate) fn settings_of(folder: &Path, names: &[&str]) -> Result<Option<Vec<Option<String>>>, StoreError> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let connection = sqlite_schema::open_reader(&file)?;
    let read = |name: &&str| sqlite_row::setting(&connection, name);
    names.iter().map(read).collect::<Result<_, _>>().map(Some).map_err(sqlite_schema::failed("reading settings"))
}

/// The file holds keys: nobody else may read it. The files beside it inherit its permissions.
pub(super) fn make_private(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

impl Store for SqliteStore {
    async fn get(&self, link: &LinkId) -> Result<Option<Record>, StoreError> {
        if let Some(record) = self.recent.get(link) {
            return Ok(Some(record));
        }
        let link = link.clone();
        self.readers.run("reading a twin", move |connection| sqlite_row::get(connection, &link)).await
    }

    async fn write(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        self.writer.write(batch).await
    }

    fn note(&self, change: Change) {
        self.writer.note(change);
    }

    async fn scan(
        &self,
        span: Span<'_>,
        after: Option<&LinkId>,
        sieve: &Sieve,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let read = sqlite_reader::scan(span, after, sieve, limit);
        self.readers.run("reading many twins", read).await
    }

    async fn tally(&self, sieve: &Sieve, by: &[FieldPath], most: usize) -> Result<Option<Vec<Tally>>, StoreError> {
        self.readers.run("counting devices by groups", sqlite_tally::tally(sieve, by, most)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.readers.run("counting devices", sqlite_reader::counts).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.readers.run("reading a setting", move |connection| sqlite_row::setting(connection, &name)).await
    }

    async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        let id = id.to_owned();
        self.readers.run("reading a document", move |connection| sqlite_document::get(connection, kind, &id)).await
    }

    async fn documents(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let scan = move |connection: &_| sqlite_document::scan(connection, kind, &prefix, after.as_deref(), limit);
        self.readers.run("reading documents", scan).await
    }

    async fn lease(&self, _: &str, _: Duration) -> Result<bool, StoreError> {
        // The folder's lock keeps every other process out.
        Ok(true)
    }
}

/// Pretends that another program wrote the store.
#[cfg(test)]
pub(super) fn set_format_for_test(folder: &Path, format: i64) {
    let connection = sqlite_schema::open_writer(&folder.join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", format).unwrap();
}
