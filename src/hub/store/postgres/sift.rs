//! Conditions of queries as SQL.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    super::{Filter, Term},
    reader::Values,
};

/// `\u0000` as JSON has it, which `jsonb` refuses.
const NUL: &str = "\\u0000";

/// Text of JSON as the index over tags takes it: every NUL is a replacement character instead.
pub(super) fn indexable(text: &str) -> Cow<'_, str> {
    if !text.contains(NUL) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        // A backslash stands before one more character at least, and what follows an escaped one is no escape.
        let length = if escape.starts_with(NUL) { NUL.len() } else { escape.len().min(2) };
        let length = (length..=escape.len()).find(|end| escape.is_char_boundary(*end)).unwrap_or(escape.len());
        out.push_str(if escape.starts_with(NUL) { "\\ufffd" } else { &escape[..length] });
        rest = &escape[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// ` AND …` for what the database can see by itself; the values go to the others.
pub(super) fn condition(filter: &Filter, values: &mut Values) -> String {
    let mut sql = String::new();
    for term in &filter.terms {
        let part = match term {
            Term::DeviceIds(ids) => {
                values.push(Box::new(ids.clone()));
                format!("r.device_id = ANY(${}::text[])", values.len())
            }
            Term::Tag { keys, any_of } => {
                values.push(Box::new(any_of.iter().map(|text| nested(keys, text)).collect::<Vec<_>>()));
                format!("r.tags_index @> ANY(${}::text[]::jsonb[])", values.len())
            }
        };
        sql.push_str(" AND ");
        sql.push_str(&part);
    }
    sql
}

/// A document that has this text under these keys, and nothing else.
fn nested(keys: &[String], text: &str) -> String {
    let leaf = Value::from(text);
    let wrap = |inner, key: &String| Value::Object(Map::from_iter([(key.clone(), inner)]));
    keys.iter().rev().fold(leaf, wrap).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_index_takes_is_the_same_but_for_nul(text in "[\\\\\u{0}u0a\"\u{e9}]{0,12}") {
            let json = Value::from(text.clone()).to_string();
            let index = indexable(&json);
            let read: String = serde_json::from_str(&index).unwrap();
            prop_assert_eq!(read, text.replace('\0', "\u{fffd}"));
            prop_assert!(!text.contains('\0') || !index.contains("\\u0000") || text.contains("\\u0000"));
        }
    }
}
