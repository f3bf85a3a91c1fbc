//! The tables of the embedded store, and how connections to it are set up.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use super::{StoreError, sqlite_tag};

/// The format that this program writes (`user_version`).
#[expect(clippy::cast_possible_wrap, reason = "there are few")]
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;

/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for whoever moves the log into the database, during which the writer may have to wait too.
const CHECKPOINTER_PATIENCE: Duration = Duration::from_millis(100);

/// Pages in memory, in KiB, which SQLite wants negative: for the writer, and for each reader.
const WRITER_CACHE: i64 = -64 * 1024;
const READER_CACHE: i64 = -16 * 1024;

/// What leads from each format to the next; the first one begins with nothing. One that was released never changes.
const MIGRATIONS: &[Migration] =
    &[Migration::of(RECORDS), Migration::of(DOCUMENTS), Migration::of(CONFIGURATIONS), Migration::of(WAITING), TAGS];

/// One step.
struct Migration {
    tables: &'static str,
    /// What is done to fill them.
    fill: fn(&Connection) -> rusqlite::Result<()>,
}

impl Migration {
    /// Tables that begin empty.
    const fn of(tables: &'static str) -> Self {
        Self { tables, fill: |_| Ok(()) }
    }
}

/// Rows stay in a rowid table, because they are too big to sit in an index; the index gives order and names.
const RECORDS: &str = "
    CREATE TABLE record(
        id INTEGER PRIMARY KEY,
        device_id TEXT NOT NULL,
        module_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        enabled INTEGER NOT NULL,
        identity TEXT NOT NULL,
        model_id TEXT NOT NULL,
        etag INTEGER NOT NULL,
        version INTEGER NOT NULL,
        tags TEXT,
        desired TEXT NOT NULL,
        desired_metadata TEXT NOT NULL,
        desired_version INTEGER NOT NULL,
        reported TEXT NOT NULL,
        reported_metadata TEXT NOT NULL,
        reported_version INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX record_name ON record(module_id, device_id);
    CREATE INDEX record_enabled ON record(module_id, enabled);
    CREATE TABLE session(
        device_id TEXT NOT NULL,
        module_id TEXT NOT NULL,
        subscriptions INTEGER NOT NULL DEFAULT 0,
        last_activity TEXT,
        state_changed TEXT,
        PRIMARY KEY(device_id, module_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// Modules are found by their device; what is no record is a document.
const DOCUMENTS: &str = "
    CREATE INDEX record_module ON record(device_id, module_id) WHERE module_id > '';
    CREATE TABLE document(
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY(kind, id)
    ) STRICT, WITHOUT ROWID;
";

/// Which configurations a twin carries.
const CONFIGURATIONS: &str = "ALTER TABLE record ADD COLUMN configurations TEXT;";

/// The messages that wait for a device, by their ends; of those that wait already, from their queues.
const WAITING: &str = "
    ALTER TABLE session ADD COLUMN waiting TEXT;
    INSERT INTO session(device_id, module_id, waiting)
    SELECT substr(id, 1, length(id) - 1), '',
        (SELECT json_group_array(json_extract(value, '$.expires')) FROM json_each(body, '$.entries'))
    FROM document WHERE kind = 'queue' AND id <> '/'
    ON CONFLICT DO UPDATE SET waiting = excluded.waiting;
";

/// Records by their tags, in the order in which queries go on, devices and modules apart. A row for each place among
/// the tags of a record, of which `sqlite_tag` tells.
const TAGS: Migration = Migration {
    tables: "
        CREATE TABLE tag(
            place TEXT NOT NULL,
            value ANY NOT NULL,
            device_id TEXT NOT NULL,
            module_id TEXT NOT NULL,
            PRIMARY KEY(place, value, device_id, module_id)
        ) STRICT, WITHOUT ROWID;
    ",
    fill: sqlite_tag::fill,
};

/// Wraps what the database says.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |cause| StoreError::Database { doing, cause: cause.into() }
}

/// A connection for the writer; makes the database if there is none.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_CREATE)?;
    let set_up = || {
        // Before the first table: it cannot be changed later.
        connection.pragma_update(None, "page_size", 8192)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
        // A thread of its own does it, so that no writer has to wait for it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)
    };
    set_up().map_err(failed("setting up the store"))?;
    migrate(&connection)?;
    Ok(connection)
}

/// A connection that cannot change anything.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let connection = open(file, OpenFlags::empty())?;
    connection.pragma_update(None, "query_only", true).map_err(failed("setting up a reader of the store"))?;
    connection.pragma_update(None, "cache_size", READER_CACHE).map_err(failed("setting up a reader of the store"))?;
    check_format(&connection)?;
    Ok(connection)
}

/// A connection for moving pages from the log to the database.
pub(super) fn open_checkpointer(file: &Path) -> Result<Connection, StoreError> {
    let connection = open(file, OpenFlags::empty())?;
    connection.pragma_update(None, "synchronous", "full").map_err(failed("setting up the store"))?;
    connection.busy_timeout(CHECKPOINTER_PATIENCE).map_err(failed("setting up the store"))?;
    Ok(connection)
}

fn open(file: &Path, more: OpenFlags) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(file, flags).map_err(failed("opening the store"))?;
    connection.busy_timeout(PATIENCE).map_err(failed("opening the store"))?;
    // Otherwise a statement whose value decides whether a partial index will do is compiled again for every value.
    let stable = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    stable.map_err(failed("opening the store"))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

pub(super) fn check_format(connection: &Connection) -> Result<i64, StoreError> {
    let found = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed("reading the store's format"))?;
    if found > FORMAT { Err(StoreError::TooNew { found, known: FORMAT }) } else { Ok(found) }
}

/// Brings the tables from whatever format they have to this program's, each step whole or not at all.
fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let found = check_format(connection)?;
    let steps = MIGRATIONS.iter().zip(1_i64..).filter(|(_, format)| *format > found);
    for (step, format) in steps {
        let carry_out = || {
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            transaction.execute_batch(step.tables)?;
            (step.fill)(&transaction)?;
            transaction.pragma_update(None, "user_version", format)?;
            transaction.commit()
        };
        carry_out().map_err(failed("making the tables of the store"))?;
    }
    Ok(())
}

/// A store as an earlier version left it, with these rows in it.
#[cfg(test)]
pub(super) fn make_format_for_test(file: &Path, format: usize, rows: &str) {
    let tables: String = MIGRATIONS[..format].iter().map(|migration| migration.tables).collect();
    let script = format!("{tables} {rows} PRAGMA user_version = {format};");
    Connection::open(file).and_then(|connection| connection.execute_batch(&script)).expect("a new store");
}
