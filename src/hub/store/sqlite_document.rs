//! Documents as rows, there and back.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::{Document, Kind, Outcome, sqlite_row::counter};

/// One document by name.
pub(super) fn get(connection: &Connection, kind: Kind, id: &str) -> Result<Option<Document>> {
    let sql = "SELECT id, revision, body FROM document WHERE kind = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.query_row(params![kind.name(), id], read(kind)).optional()
}

/// Documents in the order of their ids.
pub(super) fn scan(
    connection: &Connection,
    kind: Kind,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Document>> {
    let sql = "SELECT id, revision, body FROM document \
        WHERE kind = ?1 AND id >= ?2 AND id < ?2 || char(1114111) AND substr(id, 1, length(?2)) = ?2 AND id > ?3 \
        ORDER BY id LIMIT ?4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = params![kind.name(), prefix, after.unwrap_or_default(), limit];
    connection.prepare_cached(sql)?.query_map(values, read(kind))?.collect()
}

/// Writes a document under the condition of its revision.
pub(super) fn put(connection: &Connection, document: &Document) -> Result<Outcome> {
    let Document { kind, id, revision, body } = document;
    let sql = if *revision == 0 {
        "INSERT INTO document(kind, id, revision, body) VALUES(?1, ?2, ?3 + 1, ?4) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE document SET revision = ?3 + 1, body = ?4 WHERE kind = ?1 AND id = ?2 AND revision = ?3"
    };
    let values = params![kind.name(), id, revision.cast_signed(), body];
    connection.prepare_cached(sql)?.execute(values).map(outcome)
}

/// Deletes a document under the condition of its revision.
pub(super) fn delete(connection: &Connection, kind: Kind, id: &str, revision: u64) -> Result<Outcome> {
    let sql = "DELETE FROM document WHERE kind = ?1 AND id = ?2 AND revision = ?3";
    connection.prepare_cached(sql)?.execute(params![kind.name(), id, revision.cast_signed()]).map(outcome)
}

/// Deletes all documents whose ids begin in one way.
pub(super) fn delete_all(connection: &Connection, kind: Kind, prefix: &str) -> Result<Outcome> {
    // The last character that there is bounds the search; what begins in the way is told by its beginning.
    let sql = "DELETE FROM document \
        WHERE kind = ?1 AND id >= ?2 AND id < ?2 || char(1114111) AND substr(id, 1, length(?2)) = ?2";
    connection.prepare_cached(sql)?.execute(params![kind.name(), prefix])?;
    Ok(Outcome::Written)
}

const fn outcome(written: usize) -> Outcome {
    if written == 1 { Outcome::Written } else { Outcome::Conflict }
}

fn read(kind: Kind) -> impl Fn(&Row<'_>) -> Result<Document> {
    move |row| Ok(Document { kind, id: row.get(0)?, revision: counter(row, 1)?, body: row.get(2)? })
}
