//! Reads of the shared store that are not by name.

use deadpool_postgres::Pool;
use tokio_postgres::{Row, types::ToSql};

use super::{
    super::{Counts, Document, Kind, Scanned, Span, span::beyond},
    connect::Lent,
    fault::Fault,
    row::{self, COLUMNS, SESSIONS},
    sift,
};
use crate::{
    hub::{ports::LinkId, record::Record},
    query::Sieve,
};

/// Values of a statement that is put together.
pub(super) type Values = Vec<Box<dyn ToSql + Sync + Send>>;

/// Rows of a statement that is the same every time.
pub(super) async fn rows(pool: &Pool, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
    let lent = Lent::from(pool).await?;
    let statement = lent.client().prepare_cached(sql).await?;
    let rows = lent.client().query(&statement, values).await?;
    lent.give_back();
    Ok(rows)
}

/// Rows of a statement that is put together, planned for just these values.
pub(super) async fn rows_once(pool: &Pool, sql: &str, values: &Values) -> Result<Vec<Row>, Fault> {
    let lent = Lent::from(pool).await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let rows = lent.client().query(sql, &values).await?;
    lent.give_back();
    Ok(rows)
}

/// The records of a span, from the first one after `after`, as a condition.
pub(super) fn place(span: Span<'_>, after: Option<&LinkId>, values: &mut Values) -> String {
    let device = after.map_or_else(String::new, |after| after.device.to_string());
    let module = after.map_or_else(String::new, |after| row::module(after).to_owned());
    let mut value = |text: String| {
        values.push(Box::new(text));
        values.len()
    };
    match span {
        Span::Devices => format!("r.module_id = '' AND r.device_id > ${}", value(device)),
        Span::Modules => {
            let (device, module) = (value(device), value(module));
            format!("r.module_id > '' AND (r.device_id, r.module_id) > (${device}, ${module})")
        }
        Span::ModulesOf(of) => {
            let (of, module) = (value(of.to_string()), value(module));
            format!("r.device_id = ${of} AND r.module_id > ${module} AND r.module_id > ''")
        }
    }
}

/// Records in the order of their names.
pub(super) async fn scan(
    pool: &Pool,
    span: Span<'_>,
    after: Option<&LinkId>,
    sieve: &Sieve,
    limit: usize,
) -> Result<Scanned, Fault> {
    let mut values = Values::new();
    let place = place(span, after, &mut values);
    let condition = sift::sift(sieve, &mut values).sql;
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT {COLUMNS} FROM record r {SESSIONS} WHERE {place} AND {condition} \
         ORDER BY r.device_id, r.module_id LIMIT ${}",
        values.len()
    );
    let records: Result<Vec<Record>, Fault> = rows_once(pool, &sql, &values).await?.iter().map(row::read).collect();
    Ok(Scanned::up_to(limit, records?))
}

/// How many devices there are, from an index.
pub(super) async fn counts(pool: &Pool) -> Result<Counts, Fault> {
    let sql = "SELECT enabled, count(*) FROM record WHERE module_id = '' GROUP BY enabled";
    let mut counts = Counts::default();
    for row in rows(pool, sql, &[]).await? {
        let count = row::counter(&row, 1)?;
        if row.try_get(0)? { counts.enabled = count } else { counts.disabled = count }
    }
    Ok(counts)
}

pub(super) async fn setting(pool: &Pool, name: &str) -> Result<Option<String>, Fault> {
    let rows = rows(pool, "SELECT value FROM setting WHERE name = $1", &[&name]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}

/// Makes a setting unless there is one. What there is then: whoever comes first has said it.
pub(super) async fn settle(pool: &Pool, name: &str, value: &str) -> Result<String, Fault> {
    let insert = "INSERT INTO setting(name, value) VALUES($1, $2) ON CONFLICT DO NOTHING";
    rows(pool, insert, &[&name, &value]).await?;
    setting(pool, name).await?.ok_or_else(|| Fault::statement("a setting was not kept"))
}

/// Documents in the order of their ids.
pub(super) async fn documents(
    pool: &Pool,
    kind: Kind,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let sql = "SELECT id, revision, body FROM document \
        WHERE kind = $1 AND id >= $2 AND ($3::text IS NULL OR id < $3) AND id > $4 ORDER BY id LIMIT $5";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values: &[&(dyn ToSql + Sync)] = &[&kind.name(), &prefix, &beyond(prefix), &after.unwrap_or_default(), &limit];
    rows(pool, sql, values).await?.iter().map(|row| row::document(kind, row)).collect()
}
