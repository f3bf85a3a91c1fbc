//! Connections that read, a few of them, handed out in turn.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, params_from_iter, types::Value};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{Counts, Filter, Span, StoreError, Term, sqlite_row, sqlite_schema};
use crate::hub::{ports::LinkId, record::Record};

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
    filter: &Filter,
    limit: usize,
) -> impl FnOnce(&Connection) -> rusqlite::Result<Vec<Record>> + Send + 'static {
    let device = after.map_or_else(String::new, |after| after.device.to_string());
    let module = after.and_then(|after| after.module.as_deref()).unwrap_or_default().to_owned();
    let (span, mut values) = match span {
        Span::Devices => ("r.module_id = '' AND r.device_id > ?", vec![device]),
        Span::Modules => ("r.module_id > '' AND (r.device_id, r.module_id) > (?, ?)", vec![device, module]),
        // The literal is what the index of modules is declared with.
        Span::ModulesOf(of) => {
            ("r.device_id = ? AND r.module_id > '' AND r.module_id > ?", vec![of.to_string(), module])
        }
    };
    let (condition, more) = condition(filter);
    let sql =
        format!("SELECT {} WHERE {span}{condition} ORDER BY r.device_id, r.module_id LIMIT ?", sqlite_row::COLUMNS);
    let mut values: Vec<Value> = values.drain(..).map(Value::Text).chain(more).collect();
    values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    move |connection| connection.prepare_cached(&sql)?.query_map(params_from_iter(values), sqlite_row::read)?.collect()
}

/// ` AND …` for what the database can see by itself, and the values that go with it.
fn condition(filter: &Filter) -> (String, Vec<Value>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    for term in &filter.terms {
        let any_of = match term {
            Term::DeviceIds(ids) => {
                sql.push_str(" AND r.device_id IN (");
                ids
            }
            Term::ModuleIds(ids) => {
                sql.push_str(" AND r.module_id IN (");
                ids
            }
            Term::Tag { keys, any_of } => {
                let Some(path) = json_path(keys) else { continue };
                sql.push_str(" AND json_extract(r.tags, ?) IN (");
                values.push(Value::Text(path));
                any_of
            }
        };
        sql.push_str(&vec!["?"; any_of.len()].join(","));
        sql.push(')');
        values.extend(any_of.iter().cloned().map(Value::Text));
    }
    (sql, values)
}

/// The way to a tag as the database writes it; nothing for keys that it cannot write.
fn json_path(keys: &[String]) -> Option<String> {
    let writable = |key: &String| !key.contains(['"', '\\']) && !key.chars().any(char::is_control);
    keys.iter().all(writable).then(|| keys.iter().fold("$".to_owned(), |path, key| format!("{path}.\"{key}\"")))
}

/// How many devices there are, from an index.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let mut statement =
        connection.prepare_cached("SELECT enabled, COUNT(*) FROM record WHERE module_id = '' GROUP BY enabled")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, bool>(0)?, sqlite_row::counter(row, 1)?)))?;
    let mut counts = Counts::default();
    for row in rows {
        match row? {
            (true, count) => counts.enabled = count,
            (false, count) => counts.disabled = count,
        }
    }
    Ok(counts)
}
