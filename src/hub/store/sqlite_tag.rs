//! The tags of all records by their values: a row of `tag` for each place among the tags of a record.

use std::{borrow::Cow, collections::BTreeMap};

use rusqlite::{
    Connection, Result, ToSql, params,
    types::{ToSqlOutput, Value as Stored, ValueRef},
};
use serde_json::Value;

use super::sqlite_row;
use crate::{hub::ports::LinkId, query::Literal};

/// Bytes of a text, and of a place, that are kept: what is longer would make the index bigger than what it is for.
const TEXT: usize = 128;
const PLACE: usize = 256;
/// Up to here every whole number is exact.
const WHOLE: f64 = 9_007_199_254_740_992.0;
/// Pages in memory while all tags are put into the index, in KiB, which SQLite wants negative.
const FILL_CACHE: i64 = -256 * 1024;

/// What stands at a place, as far as the index tells it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf<'v> {
    Null,
    Bool(bool),
    Number(f64),
    /// The beginning of a text.
    Text(Cow<'v, str>),
    Object,
    Array,
}

impl<'v> Leaf<'v> {
    fn of(value: &'v Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.as_f64()?),
            Value::String(text) => Self::Text(Cow::Borrowed(beginning(text))),
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
        })
    }

    /// What equals a literal; nothing for one that nothing equals.
    pub(super) fn equal_to(literal: &'v Literal) -> Option<Self> {
        match literal {
            Literal::Null => Some(Self::Null),
            Literal::Bool(flag) => Some(Self::Bool(*flag)),
            Literal::Number(number) => Some(Self::Number(*number)),
            Literal::Text(text) => Some(Self::Text(Cow::Borrowed(beginning(text)))),
            Literal::Undefined | Literal::List(_) => None,
        }
    }

    /// What the index has; nothing for what it cannot have.
    pub(super) fn read(stored: ValueRef<'_>) -> Option<Leaf<'static>> {
        Some(match stored {
            #[expect(clippy::cast_precision_loss, reason = "whole numbers that are exact")]
            ValueRef::Integer(number) => Leaf::Number(number as f64),
            ValueRef::Real(number) => Leaf::Number(number),
            ValueRef::Text(text) => Leaf::Text(String::from_utf8(text.to_vec()).ok()?.into()),
            ValueRef::Blob(b"n") => Leaf::Null,
            ValueRef::Blob(b"t") => Leaf::Bool(true),
            ValueRef::Blob(b"f") => Leaf::Bool(false),
            ValueRef::Blob(b"{") => Leaf::Object,
            ValueRef::Blob(b"[") => Leaf::Array,
            ValueRef::Blob(_) | ValueRef::Null => return None,
        })
    }

    /// Whether only equal values have it.
    pub(super) fn is_exact(&self) -> bool {
        match self {
            // The longest beginnings may have lost a character of up to four bytes.
            Self::Text(text) => text.len() + 4 <= TEXT,
            Self::Object | Self::Array => false,
            Self::Null | Self::Bool(_) | Self::Number(_) => true,
        }
    }
}

/// Numbers and texts compare as the language of queries does it; everything else is a word of one byte.
impl ToSql for Leaf<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let word = |word: &'static [u8]| ToSqlOutput::Borrowed(ValueRef::Blob(word));
        Ok(match self {
            Self::Null => word(b"n"),
            Self::Bool(flag) => word(if *flag { b"t" } else { b"f" }),
            #[expect(clippy::cast_possible_truncation, reason = "whole and exact; it takes less room")]
            Self::Number(number) if number.fract() == 0.0 && number.abs() < WHOLE => {
                ToSqlOutput::Owned(Stored::Integer(*number as i64))
            }
            Self::Number(number) => ToSqlOutput::Owned(Stored::Real(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Object => word(b"{"),
            Self::Array => word(b"["),
        })
    }
}

/// As much of a text as is kept.
pub(super) fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT)).unwrap_or(text)
}

/// The name of a place among the tags; nothing for one that the index does not have.
pub(super) fn place<'k>(keys: impl Iterator<Item = &'k str>) -> Option<String> {
    let mut place = String::new();
    for (at, key) in keys.enumerate() {
        // No key has a dot in it (protocol reference 5.5).
        if key.contains('.') {
            return None;
        }
        if at > 0 {
            place.push('.');
        }
        place.push_str(key);
    }
    (place.len() <= PLACE).then_some(place)
}

/// What the index is to have of some tags.
fn leaves(tags: &Value) -> BTreeMap<String, Leaf<'_>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(Vec::new(), tags)];
    while let Some((keys, value)) = waiting.pop() {
        for (key, value) in value.as_object().into_iter().flatten() {
            let keys: Vec<&str> = keys.iter().copied().chain([key.as_str()]).collect();
            found.extend(place(keys.iter().copied()).zip(Leaf::of(value)));
            if value.is_object() {
                waiting.push((keys, value));
            }
        }
    }
    found
}

/// Brings the index from the old tags of a record to the new ones.
pub(super) fn change(connection: &Connection, link: &LinkId, old: Option<&str>, new: Option<&str>) -> Result<()> {
    // What cannot be read has no tags for any query.
    let read = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let (old, new) = (leaves(&old), leaves(&new));
    let (device, module) = (link.device.as_str(), sqlite_row::module(link));
    let gone = "DELETE FROM tag WHERE place = ?1 AND value = ?2 AND device_id = ?3 AND module_id = ?4";
    for (place, leaf) in old.iter().filter(|(place, leaf)| new.get(*place) != Some(leaf)) {
        connection.prepare_cached(gone)?.execute(params![place, leaf, device, module])?;
    }
    let come = "INSERT INTO tag(place, value, device_id, module_id) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    for (place, leaf) in new.iter().filter(|(place, leaf)| old.get(*place) != Some(leaf)) {
        connection.prepare_cached(come)?.execute(params![place, leaf, device, module])?;
    }
    Ok(())
}

/// Puts the tags of all records into the index, which is empty.
pub(super) fn fill(connection: &Connection) -> Result<()> {
    let cache: i64 = connection.pragma_query_value(None, "cache_size", |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", FILL_CACHE)?;
    let sql = "SELECT device_id, module_id, tags FROM record WHERE tags IS NOT NULL ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        change(connection, &sqlite_row::link(row)?, None, row.get_ref(2)?.as_str_or_null()?)?;
    }
    connection.pragma_update(None, "cache_size", cache)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_has_a_name_and_a_value() {
        let long = "é".repeat(100);
        let tags = json!({"a": {"b": 1, "": "x"}, "c": [1], "d": true, "e.f": 1, "g": long, "h": {}});
        let found: Vec<_> = leaves(&tags).into_iter().collect();
        let text = |text: &str| Leaf::Text(text.to_owned().into());
        let expected = [
            ("a", Leaf::Object),
            ("a.", text("x")),
            ("a.b", Leaf::Number(1.0)),
            ("c", Leaf::Array),
            ("d", Leaf::Bool(true)),
            ("g", text(&"é".repeat(64))),
            ("h", Leaf::Object),
        ];
        assert_eq!(found, expected.map(|(place, leaf)| (place.to_owned(), leaf)));
        assert!(!found[5].1.is_exact() && found[2].1.is_exact());
        assert_eq!(place(["x".repeat(300).as_str()].into_iter()), None);
    }
}
