//! Records as rows, there and back.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params, types::Type};

use super::{Change, Outcome, sqlite_document, sqlite_tag};
use crate::{
    hub::{
        ports::LinkId,
        record::{Corrupt, Half, Record, Session, Waiting},
    },
    twin::DeviceId,
};

/// What [`read`] expects, in its order; `r` is a record, `s` its session.
pub(super) const COLUMNS: &str = "r.device_id, r.module_id, r.revision, r.enabled, r.identity, r.model_id, r.etag, \
    r.version, r.tags, r.desired, r.desired_metadata, r.desired_version, r.reported, r.reported_metadata, \
    r.reported_version, r.configurations, s.subscriptions, s.last_activity, s.state_changed, s.waiting \
    FROM record r LEFT JOIN session s ON s.device_id = r.device_id AND s.module_id = r.module_id";

const INSERT: &str = "INSERT INTO record(device_id, module_id, revision, enabled, identity, model_id, etag, version, \
    tags, desired, desired_metadata, desired_version, reported, reported_metadata, reported_version, configurations) \
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT DO NOTHING";

macro_rules! update {
    ($indexed:literal, $condition:literal) => {
        concat!(
            "UPDATE record SET revision = ?3 + 1, identity = ?5, model_id = ?6, etag = ?7, version = ?8, \
             desired = ?10, desired_metadata = ?11, desired_version = ?12, reported = ?13, reported_metadata = ?14, \
             reported_version = ?15, configurations = ?16",
            $indexed,
            " WHERE device_id = ?1 AND module_id = ?2 AND revision = ?3",
            $condition
        )
    };
}

/// Most writes change nothing that an index is about. SQLite would rewrite the index of every column that a statement
/// sets, which is one more page in the log for each write.
const UPDATE_BESIDE_INDEXES: &str = update!("", " AND enabled = ?4 AND tags IS ?9");
const UPDATE: &str = update!(", enabled = ?4, tags = ?9", "");

const SUBSCRIPTIONS: &str = "INSERT INTO session(device_id, module_id, subscriptions) \
    SELECT device_id, module_id, ?3 FROM record WHERE module_id = ?2 AND device_id = ?1 \
    ON CONFLICT DO UPDATE SET subscriptions = excluded.subscriptions";

const HEARD: &str = "INSERT INTO session(device_id, module_id, last_activity) \
    SELECT device_id, module_id, ?3 FROM record WHERE module_id = ?2 AND device_id = ?1 \
    ON CONFLICT DO UPDATE SET last_activity = excluded.last_activity";

const SEEN: &str = "INSERT INTO session(device_id, module_id, last_activity, state_changed) \
    SELECT device_id, module_id, ?3, ?4 FROM record WHERE module_id = ?2 AND device_id = ?1 \
    ON CONFLICT DO UPDATE SET last_activity = excluded.last_activity, state_changed = excluded.state_changed";

const WAITING: &str = "INSERT INTO session(device_id, module_id, waiting) \
    SELECT device_id, module_id, ?3 FROM record WHERE module_id = ?2 AND device_id = ?1 \
    ON CONFLICT DO UPDATE SET waiting = excluded.waiting";

/// Whom a row is about that begins with the name.
pub(super) fn link(row: &Row<'_>) -> Result<LinkId> {
    link_of(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?)
}

/// Whom the tables mean by a name.
pub(super) fn link_of(device: &str, module: &str) -> Result<LinkId> {
    let device = DeviceId::new(device)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
    Ok(LinkId { device, module: (!module.is_empty()).then(|| module.into()) })
}

/// Reads one row.
pub(super) fn read(row: &Row<'_>) -> Result<Record> {
    let half = |first: usize| -> Result<Half> {
        Ok(Half { values: row.get(first)?, metadata: row.get(first + 1)?, version: counter(row, first + 2)? })
    };
    Ok(Record {
        link: link(row)?,
        revision: counter(row, 2)?,
        enabled: row.get(3)?,
        identity: row.get(4)?,
        model_id: row.get(5)?,
        etag: counter(row, 6)?,
        version: counter(row, 7)?,
        tags: row.get(8)?,
        desired: half(9)?,
        reported: half(12)?,
        configurations: row.get(15)?,
        session: read_session(row, 16)?,
    })
}

/// A session, which is there only once there is something to keep in it.
fn read_session(row: &Row<'_>, first: usize) -> Result<Session> {
    let at = first + 3;
    let unreadable = |error: Corrupt| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, error.into());
    let waiting = row.get_ref(at)?.as_str_or_null()?.map(|text| Waiting::read(text).map_err(unreadable));
    Ok(Session {
        subscriptions: row.get::<_, Option<u32>>(first)?.unwrap_or_default(),
        last_activity: row.get(first + 1)?,
        state_changed: row.get(first + 2)?,
        connected: false,
        waiting: waiting.transpose()?.unwrap_or_default(),
    })
}

/// What is kept of a record's links.
pub(super) fn session(connection: &Connection, link: &LinkId) -> Result<Session> {
    let sql = "SELECT subscriptions, last_activity, state_changed, waiting FROM session \
        WHERE device_id = ?1 AND module_id = ?2";
    let read = |row: &Row<'_>| read_session(row, 0);
    let found = connection.prepare_cached(sql)?.query_row(params![link.device.as_str(), module(link)], read);
    found.optional().map(Option::unwrap_or_default)
}

/// One record by name.
pub(super) fn get(connection: &Connection, link: &LinkId) -> Result<Option<Record>> {
    let sql = format!("SELECT {COLUMNS} WHERE r.module_id = ?2 AND r.device_id = ?1");
    connection.prepare_cached(&sql)?.query_row(params![link.device.as_str(), module(link)], read).optional()
}

/// A setting of the hub.
pub(super) fn setting(connection: &Connection, name: &str) -> Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Carries out one change inside the writer's transaction.
pub(super) fn apply(connection: &Connection, change: &Change) -> Result<Outcome> {
    let written = match change {
        Change::Insert(record) => insert(connection, record)?,
        Change::Update(record) => update(connection, record)?,
        Change::Delete { link, revision } => return delete(connection, link, *revision),
        Change::Subscriptions { link, subscriptions } => {
            let name = params![link.device.as_str(), module(link), subscriptions];
            connection.prepare_cached(SUBSCRIPTIONS)?.execute(name)?;
            1
        }
        Change::Seen { link, last_activity, state_changed, live: _ } => {
            let values = params![link.device.as_str(), module(link), last_activity, state_changed];
            connection.prepare_cached(SEEN)?.execute(values)?;
            1
        }
        Change::Waiting { link, waiting } => {
            let values = params![link.device.as_str(), module(link), waiting.text()];
            connection.prepare_cached(WAITING)?.execute(values)?;
            1
        }
        Change::Heard { link, at } => {
            connection.prepare_cached(HEARD)?.execute(params![link.device.as_str(), module(link), at])?;
            1
        }
        Change::Setting { name, value } => {
            let sql = "INSERT INTO setting VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
            connection.prepare_cached(sql)?.execute([name, value])?
        }
        Change::Document(document) => return sqlite_document::put(connection, document),
        Change::DeleteDocument { kind, id, revision } => {
            return sqlite_document::delete(connection, *kind, id, *revision);
        }
        Change::Tell { .. } | Change::Cut { .. } | Change::Mail { .. } | Change::Claim { .. } => 1,
        Change::DeleteDocuments { kind, prefix } => return sqlite_document::delete_all(connection, *kind, prefix),
    };
    Ok(if written == 1 { Outcome::Written } else { Outcome::Conflict })
}

fn insert(connection: &Connection, record: &Record) -> Result<usize> {
    let written = write(connection, INSERT, record)?;
    if written == 1 && record.tags.is_some() {
        sqlite_tag::change(connection, &record.link, None, record.tags.as_deref())?;
    }
    Ok(written)
}

/// Most writes leave the tags alone, and touch neither an index nor what finds records by their tags.
fn update(connection: &Connection, record: &Record) -> Result<usize> {
    match write(connection, UPDATE_BESIDE_INDEXES, record)? {
        0 => update_tags_too(connection, record),
        written => Ok(written),
    }
}

fn update_tags_too(connection: &Connection, record: &Record) -> Result<usize> {
    let sql = "SELECT tags FROM record \
        WHERE module_id = ?2 AND device_id = ?1 AND revision = ?3 AND tags IS NOT ?4";
    let values = params![record.link.device.as_str(), module(&record.link), record.revision.cast_signed(), record.tags];
    let old = connection.prepare_cached(sql)?.query_row(values, |row| row.get::<_, Option<Box<str>>>(0)).optional()?;
    if let Some(old) = old {
        sqlite_tag::change(connection, &record.link, old.as_deref(), record.tags.as_deref())?;
    }
    write(connection, UPDATE, record)
}

fn write(connection: &Connection, sql: &str, record: &Record) -> Result<usize> {
    let Record { desired, reported, .. } = record;
    connection.prepare_cached(sql)?.execute(params![
        record.link.device.as_str(),
        module(&record.link),
        record.revision.cast_signed(),
        record.enabled,
        record.identity,
        record.model_id,
        record.etag.cast_signed(),
        record.version.cast_signed(),
        record.tags,
        desired.values,
        desired.metadata,
        desired.version.cast_signed(),
        reported.values,
        reported.metadata,
        reported.version.cast_signed(),
        record.configurations,
    ])
}

fn delete(connection: &Connection, link: &LinkId, revision: u64) -> Result<Outcome> {
    let name = params![link.device.as_str(), module(link), revision.cast_signed()];
    let sql = "DELETE FROM record WHERE device_id = ?1 AND module_id = ?2 AND revision = ?3 RETURNING tags";
    let gone = connection.prepare_cached(sql)?.query_row(name, |row| row.get::<_, Option<Box<str>>>(0)).optional()?;
    let Some(tags) = gone else { return Ok(Outcome::Conflict) };
    sqlite_tag::change(connection, link, tags.as_deref(), None)?;
    let sql = "DELETE FROM session WHERE device_id = ?1 AND module_id = ?2";
    connection.prepare_cached(sql)?.execute(params![link.device.as_str(), module(link)])?;
    Ok(Outcome::Written)
}

/// SQLite counts with a sign; no counter of ours comes near it.
pub(super) fn counter(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

/// The module of a name, empty for a device.
pub(super) fn module(link: &LinkId) -> &str {
    link.module.as_deref().unwrap_or_default()
}
