//! Counts by groups.

use deadpool_postgres::Pool;
use serde_json::Value;

use super::{
    super::{Span, Tally},
    fault::Fault,
    reader::{Values, place, rows_once},
    row::counter,
    sift::{self, Sifted},
};
use crate::query::{FieldPath, Sieve};

/// Counts devices; nothing when the condition or a path cannot be said exactly in SQL, or a value does not come back
/// exactly.
pub(super) async fn tally(
    pool: &Pool,
    sieve: &Sieve,
    by: &[FieldPath],
    most: usize,
) -> Result<Option<Vec<Tally>>, Fault> {
    let mut values = Values::new();
    let place = place(Span::Devices, None, &mut values);
    let Sifted { sql: condition, exact: true } = sift::sift(sieve, &mut values) else { return Ok(None) };
    let columns: Option<Vec<String>> = by.iter().map(|path| sift::json(path, &mut values)).collect();
    let Some(columns) = columns else { return Ok(None) };
    let columns = columns.iter().map(|column| format!(", ({column})::text")).collect::<Vec<_>>().concat();
    let groups = (2..by.len() + 2).map(|column| column.to_string()).collect::<Vec<_>>().join(", ");
    let groups = if by.is_empty() { groups } else { format!(" GROUP BY {groups} ORDER BY min(r.device_id)") };
    values.push(Box::new(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1)));
    let sql =
        format!("SELECT count(*){columns} FROM record r WHERE {place} AND {condition}{groups} LIMIT ${}", values.len());
    let mut tallies = Vec::new();
    for row in rows_once(pool, &sql, &values).await? {
        let mut keys = Vec::with_capacity(by.len());
        for column in 0..by.len() {
            let text: Option<&str> = row.try_get(column + 1)?;
            match text.map(exact) {
                Some(None) => return Ok(None),
                key => keys.push(key.flatten()),
            }
        }
        tallies.push(Tally { keys, rows: counter(&row, 0)? });
    }
    Ok(Some(tallies))
}

/// The value that a text of `jsonb` stands for, unless it may have been another one: big numbers lose their spelling,
/// and what replaces a NUL may be meant as it is. Groups of objects and arrays are told apart by their text, which
/// `jsonb` does not keep.
fn exact(text: &str) -> Option<Value> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match serde_json::from_str(text).ok()? {
        Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() >= WHOLE) => None,
        Value::String(text) if sift::is_doubtful(&text) => None,
        Value::Array(_) | Value::Object(_) => None,
        value => Some(value),
    }
}
