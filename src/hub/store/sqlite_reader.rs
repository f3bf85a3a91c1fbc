//! Connections that read, a few of them, handed out in turn.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, params_from_iter, types::Value};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    Counts, Scanned, Span, StoreError,
    sqlite_field::{Spots, is_known},
    sqlite_row, sqlite_schema,
    sqlite_walk::{self, Name, Walk},
    sqlite_way,
};
use crate::{hub::ports::LinkId, query::Sieve};

/// Records that a scan looks at at most, so that no reader is away for long.
const LOOKED: usize = 32 * 1024;

/// A pool of reading connections, opened when first needed.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// At most `size` connections.
    pub(super) fn new(file: &Path, size: usize) -> Self {
        Self { file: file.to_owned(), idle: Arc::default(), permits: Arc::new(Semaphore::new(size)) }
    }

    /// Runs `work` on one of the connections, away from the threads that serve links.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = self.clone();
        let ran = spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&connection).map_err(sqlite_schema::failed(doing));
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            result
        });
        ran.await.unwrap_or_else(|error| Err(StoreError::Database { doing, cause: error.into() }))
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| sqlite_schema::open_reader(&self.file), Ok)
    }
}

/// Records in the order of their ids, as something to be done on a connection.
pub(super) fn scan(
    span: Span<'_>,
    after: Option<&LinkId>,
    sieve: &Sieve,
    limit: usize,
) -> impl FnOnce(&Connection) -> rusqlite::Result<Scanned> + Send + 'static {
    let of = if let Span::ModulesOf(device) = span { Some(device.clone()) } else { None };
    let is_devices = span == Span::Devices;
    let after = Name::after(after);
    let (sieve, _) = sieve.narrowed(&is_known);
    move |connection| {
        let span = match &of {
            Some(device) => Span::ModulesOf(device),
            None if is_devices => Span::Devices,
            None => Span::Modules,
        };
        if sieve == Sieve::Anything || sieve.conjuncts().is_empty() {
            return scan_all(connection, span, &after, limit);
        }
        // What is found is read as it was found.
        let snapshot = connection.unchecked_transaction()?;
        sift(&snapshot, span, after, &sieve, limit)
    }
}

fn scan_all(connection: &Connection, span: Span<'_>, after: &Name, limit: usize) -> rusqlite::Result<Scanned> {
    let (condition, mut values) = sqlite_walk::place(span, after);
    let columns = sqlite_row::COLUMNS;
    let sql = format!("SELECT {columns} WHERE {condition} ORDER BY r.device_id, r.module_id LIMIT ?");
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&sql)?;
    let records = statement.query_map(params_from_iter(values), sqlite_row::read)?;
    Ok(Scanned::up_to(limit, records.collect::<rusqlite::Result<_>>()?))
}

/// First the names of those that pass, then what is known of them: most do not pass.
fn sift(
    connection: &Connection,
    span: Span<'_>,
    after: Name,
    sieve: &Sieve,
    limit: usize,
) -> rusqlite::Result<Scanned> {
    let plan = sqlite_way::plan(connection, span, sieve)?;
    let spots = Spots::new(plan.test.paths());
    let walk = Walk { span, plan, spots };
    let mut links = Vec::new();
    let next = walk.go(connection, after, LOOKED, &mut |seen| {
        links.push(sqlite_row::link(seen.row)?);
        Ok(links.len() < limit)
    })?;
    let records = links.iter().filter_map(|link| sqlite_row::get(connection, link).transpose());
    Ok(Scanned {
        records: records.collect::<rusqlite::Result<_>>()?,
        next: next.map(|name| sqlite_row::link_of(&name.device, &name.module)).transpose()?,
    })
}

/// How many devices there are. All records are counted by the pages of an index, and one by one only those of which
/// there are few: modules, and devices that may not connect.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let sql = "SELECT (SELECT COUNT(*) FROM record) - (SELECT COUNT(*) FROM record WHERE module_id > ''), \
        (SELECT COUNT(*) FROM record WHERE module_id = '' AND enabled = 0)";
    connection.prepare_cached(sql)?.query_row([], |row| {
        let (all, disabled) = (sqlite_row::counter(row, 0)?, sqlite_row::counter(row, 1)?);
        Ok(Counts { enabled: all - disabled, disabled })
    })
}
