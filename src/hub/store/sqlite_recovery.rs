//! What the embedded store finds when it is opened after it was not closed in good order.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};
use tracing::{info, warn};

use super::{
    StoreError,
    sqlite_check::{self, Check, SOUND},
    sqlite_row,
    sqlite_schema::failed,
};
use crate::hub::time;

/// The setting that is there as long as the store is open, with the time since when.
pub(super) const OPEN: &str = "open";

/// Bytes of the log before its first page, and of what precedes each page.
const LOG_HEAD: u64 = 32;
const PAGE_HEAD: u64 = 24;

/// Bytes of a database that is checked before it is served. A bigger one would keep devices waiting: it is checked
/// while it is served. What a crash can leave behind is in the log, whose pages carry checksums; the check is for disks
/// that lose what they have said is there.
const CHECKED_FIRST: u64 = 256 << 20;

/// How the last use of a store ended, as far as its files tell. To be asked before the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Bytes of the database, and of the log that was left.
    database: u64,
    log: u64,
}

impl Found {
    /// Looks at the files.
    pub(super) fn at(database: &Path) -> Self {
        let bytes = |file: &Path| std::fs::metadata(file).map_or(0, |file| file.len());
        Self { database: bytes(database), log: bytes(&database.with_extension("db-wal")) }
    }

    /// Checks a store that was not closed in good order, says what was found, and notes that it is open now. A check
    /// that takes long goes on.
    pub(super) fn settle(self, connection: &Connection, database: &Path) -> Result<Option<Check>, StoreError> {
        let since = sqlite_row::setting(connection, OPEN).map_err(failed("reading a setting"))?;
        let check = since.map(|since| self.check(connection, database, &since)).transpose()?.flatten();
        let now = time::text(time::now());
        let sql = "INSERT INTO setting VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        // A full disk is no reason not to open: reading goes on.
        if let Err(error) = connection.execute(sql, [OPEN, &now]) {
            warn!(%error, "the store cannot note that it is open");
        }
        Ok(check)
    }

    fn check(self, connection: &Connection, database: &Path, since: &str) -> Result<Option<Check>, StoreError> {
        let page = connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0));
        let page = page.map_err(failed("reading the store's page size"))?.cast_unsigned();
        let pages = self.log.saturating_sub(LOG_HEAD) / (page + PAGE_HEAD);
        // Whatever follows the last whole commit is left out: a write that nobody was told of, or what an older log left.
        let taken = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1));
        let taken = taken.map_err(failed("reading the store's log"))?;
        warn!(since, log_pages = pages, taken, "the hub was not stopped in good order; its store is checked");
        #[cfg(not(test))]
        let first = CHECKED_FIRST;
        #[cfg(test)]
        let first = tests::checked_first();
        if self.database > first {
            return Check::start(database).map(Some);
        }
        let verdict = sqlite_check::verdict(connection).map_err(failed("checking the store"))?;
        verdict.map_err(|verdict| StoreError::Damaged { file: database.to_owned(), cause: verdict.into() })?;
        info!("{SOUND}");
        Ok(None)
    }
}

/// Notes that the store is closed in good order.
pub(super) fn closed(connection: &Connection) {
    if let Err(error) = connection.execute("DELETE FROM setting WHERE name = ?1", [OPEN]) {
        warn!(%error, "the store cannot note that it was closed in good order; it will be checked at the next start");
    }
}

/// Tells a damaged database and a full disk from other failures.
pub(super) fn explained(error: StoreError, database: &Path) -> StoreError {
    let StoreError::Database { doing, cause } = error else { return error };
    let code = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    match code {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { file: database.to_owned(), cause }
        }
        Some(ErrorCode::DiskFull) => StoreError::Full,
        _ => StoreError::Database { doing, cause },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{cell::Cell, fs, sync::Arc};

    use super::{
        super::{Change, Document, Kind, Outcome, SqliteStore, Store as _},
        *,
    };
    use crate::hub::meter::Meter;

    thread_local! {
        /// How many pages stores may have that this thread opens: a disk of that size.
        static PAGES: Cell<Option<i64>> = const { Cell::new(None) };
        /// Bytes of a database that is checked before this thread has opened it.
        static FIRST: Cell<u64> = const { Cell::new(CHECKED_FIRST) };
    }

    pub(super) fn checked_first() -> u64 {
        FIRST.get()
    }

    /// Makes the disk of a store as small as the test wants it.
    pub(in super::super) fn limit(connection: &Connection) {
        if let Some(pages) = PAGES.get() {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        }
    }

    fn document(id: &str, bytes: usize) -> Document {
        Document { kind: Kind::Job, id: id.into(), revision: 0, body: "x".repeat(bytes).into() }
    }

    async fn put(store: &SqliteStore, id: &str, bytes: usize) -> Result<Outcome, StoreError> {
        store.write(vec![Change::Document(Arc::new(document(id, bytes)))]).await
    }

    /// As a process leaves it that is killed.
    fn killed(from: &Path) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hub.db", "hub.db-wal"] {
            fs::copy(from.join(name), folder.path().join(name)).unwrap();
        }
        folder
    }

    fn noted(folder: &Path) -> Option<String> {
        super::super::settings_of(folder, &[OPEN]).unwrap().unwrap().remove(0)
    }

    #[tokio::test]
    async fn a_store_notes_that_it_is_open_and_that_it_was_closed() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        assert!(noted(folder.path()).is_some());
        assert_eq!(put(&store, "a", 10).await.unwrap(), Outcome::Written);
        let killed = killed(folder.path());
        drop(store);
        assert_eq!(noted(folder.path()), None);
        assert!(noted(killed.path()).is_some());
        let store = SqliteStore::open(killed.path()).unwrap();
        assert!(store.document(Kind::Job, "a").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_damaged_store_is_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        for n in 0..50 {
            assert_eq!(put(&store, &n.to_string(), 4000).await.unwrap(), Outcome::Written);
        }
        drop(store);
        let file = folder.path().join("hub.db");
        let whole = fs::read(&file).unwrap();
        let is_named = |folder: &Path| {
            let error = SqliteStore::open(folder).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
            assert!(text.contains("hub.db") && text.contains("twinops hub restore"), "{text}");
        };
        fs::write(&file, "no database at all, but long enough to be looked at".repeat(10)).unwrap();
        is_named(folder.path());
        // A page that went bad is found only by a check, which an end in disorder leads to.
        fs::write(&file, &whole).unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(put(&store, "last", 10).await.unwrap(), Outcome::Written);
        let killed = killed(folder.path());
        let mut pages = fs::read(killed.path().join("hub.db")).unwrap();
        let end = pages.len();
        pages[end - 8 * 8192..].fill(0xaa);
        fs::write(killed.path().join("hub.db"), pages).unwrap();
        is_named(killed.path());
        // A big one is served meanwhile, until it is known to be damaged.
        FIRST.set(0);
        let store = SqliteStore::open(killed.path()).unwrap();
        FIRST.set(CHECKED_FIRST);
        let setting = || Change::Setting { name: "a".to_owned(), value: "1".to_owned() };
        while !matches!(store.write(vec![setting()]).await, Err(StoreError::Damaged { .. })) {}
        assert!(store.setting("").await.is_ok(), "reading goes on");
        drop(store);
        assert!(noted(killed.path()).is_some(), "the next start checks again");
    }

    #[tokio::test]
    async fn a_full_disk_refuses_writes_and_nothing_else_and_recovers() {
        let folder = tempfile::tempdir().unwrap();
        PAGES.set(Some(60));
        let meter = Meter::new();
        let store = SqliteStore::open_counted(folder.path(), Arc::clone(&meter)).unwrap();
        PAGES.set(None);
        let mut written = 0;
        let refused = loop {
            match put(&store, &written.to_string(), 8000).await {
                Ok(outcome) => assert_eq!(outcome, Outcome::Written),
                Err(error) => break error,
            }
            written += 1;
        };
        assert!(matches!(refused, StoreError::Full), "{refused}");
        assert!(written > 10 && meter.text().contains("twinops_hub_store_commit_failures_total 1"));
        for n in 0..written {
            assert!(store.document(Kind::Job, &n.to_string()).await.unwrap().is_some(), "{n}");
        }
        assert_eq!(store.document(Kind::Job, &written.to_string()).await.unwrap(), None, "not half of it");
        let delete = Change::DeleteDocuments { kind: Kind::Job, prefix: "0".into() };
        assert_eq!(store.write(vec![delete]).await.unwrap(), Outcome::Written);
        assert_eq!(put(&store, "again", 7000).await.unwrap(), Outcome::Written);
    }
}
