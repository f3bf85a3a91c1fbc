//! Conditions of queries as SQL.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use super::reader::Values;
use crate::query::{FieldPath, JsonType, Literal, Relation, Sieve};

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

/// A condition in SQL, in parentheses, and whether it says exactly what the sieve says rather than something weaker.
pub(super) struct Sifted {
    pub(super) sql: String,
    pub(super) exact: bool,
}

impl Sifted {
    fn anything() -> Self {
        Self { sql: "true".to_owned(), exact: false }
    }

    fn exact(sql: String) -> Self {
        Self { sql, exact: true }
    }

    fn join(parts: impl Iterator<Item = Self>, between: &str, none: &str) -> Self {
        let (mut all, mut exact) = (Vec::new(), true);
        for part in parts {
            exact &= part.exact;
            all.push(part.sql);
        }
        let sql = if all.is_empty() { none.to_owned() } else { format!("({})", all.join(between)) };
        Self { sql, exact }
    }
}

/// A parameter.
fn value(values: &mut Values, value: impl ToSql + Sync + Send + 'static) -> String {
    values.push(Box::new(value));
    format!("${}", values.len())
}

/// The tags have this value under these keys. Said this way, the index finds it.
fn has<'k>(
    keys: impl IntoIterator<Item = &'k String, IntoIter: DoubleEndedIterator>,
    leaf: Value,
    values: &mut Values,
) -> String {
    let wrap = |inner, key: &String| Value::Object(Map::from_iter([(key.clone(), inner)]));
    let document = keys.into_iter().rev().fold(leaf, wrap).to_string();
    format!("r.tags_index @> {}::text::jsonb", value(values, document))
}

/// Says a sieve in SQL. What passes the sieve passes the SQL.
pub(super) fn sift(sieve: &Sieve, values: &mut Values) -> Sifted {
    match sieve {
        Sieve::Anything => Sifted::anything(),
        Sieve::All(parts) => Sifted::join(parts.iter().map(|part| sift(part, values)), " AND ", "true"),
        Sieve::Any(parts) => match ids(parts) {
            Some(ids) => Sifted::exact(format!("r.device_id = ANY({}::text[])", value(values, ids))),
            None => Sifted::join(parts.iter().map(|part| sift(part, values)), " OR ", "false"),
        },
        Sieve::Compare(path, relation, literal) => compare(path, *relation, literal, values),
        Sieve::Typed(path, types) => typed(path, types, values),
        Sieve::Begins(path, text, wanted) => begins(path, text, *wanted, values),
    }
}

/// The ids of `deviceId IN […]`.
fn ids(parts: &[Sieve]) -> Option<Vec<String>> {
    let id = |part: &Sieve| match part {
        Sieve::Compare(path, Relation::Equal, Literal::Text(id)) if path.is("deviceId") && !id.contains('\0') => {
            Some(id.clone())
        }
        _ => None,
    };
    parts.iter().map(id).collect::<Option<Vec<_>>>().filter(|ids| ids.len() > 1)
}

/// Whether a text may have become another one, or another one this, where NUL was replaced; or none that the database
/// takes.
pub(super) fn is_doubtful(text: &str) -> bool {
    text.contains(['\0', '\u{fffd}']) || text.contains("\\u0000") || text.contains("\\ufffd")
}

/// What is a column of its own.
enum Column {
    Text(&'static str),
    Number(&'static str),
}

fn column(path: &FieldPath) -> Option<Column> {
    match path.root() {
        "deviceId" if path.is("deviceId") => Some(Column::Text("r.device_id")),
        "status" if path.is("status") => Some(Column::Text("(CASE WHEN r.enabled THEN 'enabled' ELSE 'disabled' END)")),
        "version" if path.is("version") => Some(Column::Number("r.version::float8")),
        _ => None,
    }
}

/// The value at a path of tags or properties as `jsonb`, NULL when nothing is there; nothing for other paths, and for
/// those that would lead into arrays.
pub(super) fn json(path: &FieldPath, values: &mut Values) -> Option<String> {
    let mut segments = path.segments();
    let document = match (segments.next()?, path.segments().nth(1), path.segments().nth(2)) {
        ("tags", ..) => "r.tags_index",
        ("configurations", Some(_), _) => "replace(r.configurations, '\\u0000', '\\ufffd')::jsonb",
        ("properties", Some(half @ ("desired" | "reported")), Some(key)) if !key.starts_with('$') => {
            segments.next();
            // A twin with NUL in it shall not make the query fail.
            if half == "desired" {
                "replace(r.desired, '\\u0000', '\\ufffd')::jsonb"
            } else {
                "replace(r.reported, '\\u0000', '\\ufffd')::jsonb"
            }
        }
        _ => return None,
    };
    let keys: Vec<String> = segments.map(str::to_owned).collect();
    let index = |key: &String| key.trim_start().starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
    if keys.iter().any(|key| index(key) || is_doubtful(key)) {
        return None;
    }
    Some(format!("({document} #> {}::text[])", value(values, keys)))
}

const fn operator(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "=",
        Relation::NotEqual => "<>",
        Relation::Less => "<",
        Relation::Greater => ">",
        Relation::LessOrEqual => "<=",
        Relation::GreaterOrEqual => ">=",
    }
}

fn compare(path: &FieldPath, relation: Relation, literal: &Literal, values: &mut Values) -> Sifted {
    if path.is("moduleId") {
        return module_id(relation, literal, values);
    }
    if let Some(column) = column(path) {
        return compare_column(&column, relation, literal, values);
    }
    if let (Relation::Equal, Some(leaf)) = (relation, leaf(path, literal)) {
        let keys: Vec<String> = path.segments().skip(1).map(str::to_owned).collect();
        return Sifted::exact(has(&keys, leaf, values));
    }
    let operator = operator(relation);
    if matches!(literal, Literal::Text(text) if is_doubtful(text)) {
        return Sifted::anything();
    }
    // Before other values: the database refuses one that nothing asks for.
    let Some(at) = json(path, values) else { return Sifted::anything() };
    let (kind, holds) = match literal {
        Literal::Text(text) => {
            let text = value(values, text.clone());
            let is_order = !matches!(relation, Relation::Equal | Relation::NotEqual);
            let holds = format!("({at} #>> '{{}}') COLLATE \"C\" {operator} {text}::text");
            // What replaces a NUL has another place in the order.
            let holds = if is_order { format!("({holds} OR strpos({at} #>> '{{}}', U&'\\FFFD') > 0)") } else { holds };
            return Sifted { sql: when(&at, "string", &holds), exact: !is_order };
        }
        Literal::Number(number) => ("number", format!("::float8 {operator} {}::float8", value(values, *number))),
        Literal::Bool(flag) => ("boolean", format!(" {operator} '{flag}'::jsonb")),
        Literal::Null => ("null", " = 'null'::jsonb".to_owned()),
        // The sieve has no such tests.
        Literal::Undefined | Literal::List(_) => ("undefined", " = NULL".to_owned()),
    };
    Sifted::exact(when(&at, kind, &format!("{at}{holds}")))
}

/// Devices have no such id, which is an empty one here: only a text that is not empty tells modules alone.
fn module_id(relation: Relation, literal: &Literal, values: &mut Values) -> Sifted {
    match (relation, literal) {
        (Relation::Equal, Literal::Text(id)) if !id.is_empty() && !id.contains('\0') => {
            Sifted::exact(format!("r.module_id = {}::text", value(values, id.clone())))
        }
        _ => Sifted::anything(),
    }
}

/// What equals the literal among tags, if the index can find it exactly.
fn leaf(path: &FieldPath, literal: &Literal) -> Option<Value> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if path.root() != "tags" || path.segments().len() < 2 || path.segments().any(is_doubtful) {
        return None;
    }
    match literal {
        Literal::Text(text) if !is_doubtful(text) => Some(Value::from(text.as_str())),
        Literal::Number(number) if number.abs() < WHOLE => Some(Value::from(*number)),
        Literal::Bool(flag) => Some(Value::from(*flag)),
        Literal::Null => Some(Value::Null),
        _ => None,
    }
}

fn compare_column(column: &Column, relation: Relation, literal: &Literal, values: &mut Values) -> Sifted {
    let operator = operator(relation);
    match (column, literal) {
        (Column::Text(_), Literal::Text(text)) if text.contains('\0') => Sifted::anything(),
        (Column::Text(at), Literal::Text(text)) => {
            Sifted::exact(format!("{at} COLLATE \"C\" {operator} {}::text", value(values, text.clone())))
        }
        (Column::Number(at), Literal::Number(number)) => {
            Sifted::exact(format!("{at} {operator} {}::float8", value(values, *number)))
        }
        // Values of different types are not compared.
        _ => Sifted::exact("false".to_owned()),
    }
}

/// A test that makes sense for one type only, and is made only then.
fn when(at: &str, kind: &str, test: &str) -> String {
    format!("(CASE WHEN jsonb_typeof({at}) = '{kind}' THEN {test} ELSE false END)")
}

fn typed(path: &FieldPath, types: &[JsonType], values: &mut Values) -> Sifted {
    let own = column(path).map(|column| match column {
        Column::Text(_) => JsonType::Text,
        Column::Number(_) => JsonType::Number,
    });
    if let Some(own) = own {
        return Sifted::exact(types.contains(&own).to_string());
    }
    let Some(at) = json(path, values) else { return Sifted::anything() };
    let names = types.iter().map(|kind| match kind {
        JsonType::Undefined => "undefined",
        JsonType::Null => "null",
        JsonType::Bool => "boolean",
        JsonType::Number => "number",
        JsonType::Text => "string",
        JsonType::Object => "object",
        JsonType::Array => "array",
    });
    let names: Vec<String> = names.map(str::to_owned).collect();
    Sifted::exact(format!("coalesce(jsonb_typeof({at}), 'undefined') = ANY({}::text[])", value(values, names)))
}

fn begins(path: &FieldPath, text: &str, wanted: bool, values: &mut Values) -> Sifted {
    if is_doubtful(text) {
        return Sifted::anything();
    }
    let not = if wanted { "" } else { "NOT " };
    if let Some(Column::Text(at)) = column(path) {
        return Sifted::exact(format!("{not}starts_with({at}, {}::text)", value(values, text.to_owned())));
    }
    let Some(at) = json(path, values) else { return Sifted::anything() };
    let holds = format!("{not}starts_with({at} #>> '{{}}', {}::text)", value(values, text.to_owned()));
    Sifted::exact(when(&at, "string", &holds))
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
