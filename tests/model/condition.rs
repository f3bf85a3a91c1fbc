//! Conditions of queries, and what they mean (protocol reference 6.2): anything that is compared with what is not
//! there or of another kind is neither true nor false.

use std::{cmp::Ordering, fmt};

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Compare(String, &'static str, Value),
    IsDefined(String),
    Not(Box<Self>),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
}

impl Condition {
    /// Whether a document fulfils it; nothing if that cannot be said.
    pub(crate) fn holds(&self, document: &Value) -> Option<bool> {
        match self {
            Self::Compare(path, comparison, literal) => compare(find(document, path)?, comparison, literal),
            Self::IsDefined(path) => Some(find(document, path).is_some()),
            Self::Not(inner) => inner.holds(document).map(|holds| !holds),
            Self::Both(one, other) => join(one.holds(document), other.holds(document), false),
            Self::Either(one, other) => join(one.holds(document), other.holds(document), true),
        }
    }
}

/// One side is enough if it is `decisive`.
fn join(one: Option<bool>, other: Option<bool>, decisive: bool) -> Option<bool> {
    if [one, other].contains(&Some(decisive)) { Some(decisive) } else { one.and(other).map(|_| !decisive) }
}

fn find<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    path.split('.').try_fold(document, |value, key| value.get(key))
}

fn compare(value: &Value, comparison: &str, literal: &Value) -> Option<bool> {
    let ordering = match (value, literal) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?)?,
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => return None,
    };
    Some(match comparison {
        "=" => ordering == Ordering::Equal,
        "!=" => ordering != Ordering::Equal,
        "<" => ordering == Ordering::Less,
        _ => ordering != Ordering::Less,
    })
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(path, comparison, Value::String(text)) => write!(f, "{path} {comparison} '{text}'"),
            Self::Compare(path, comparison, literal) => write!(f, "{path} {comparison} {literal}"),
            Self::IsDefined(path) => write!(f, "IS_DEFINED({path})"),
            Self::Not(inner) => write!(f, "NOT ({inner})"),
            Self::Both(one, other) => write!(f, "({one} AND {other})"),
            Self::Either(one, other) => write!(f, "({one} OR {other})"),
        }
    }
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    let section = || select(vec!["tags", "properties.desired", "properties.reported"]);
    let path =
        || (section(), select(vec!["a", "b", "c", "a.b"])).prop_map(|(section, keys)| format!("{section}.{keys}"));
    let literal = select(vec![json!(1), json!(0), json!(1.5), json!("x"), json!(""), json!(true), json!(false)]);
    let whole = select(vec![
        Condition::Compare("status".to_owned(), "=", json!("enabled")),
        Condition::Compare("deviceId".to_owned(), "!=", json!("d2")),
        Condition::Compare("properties.desired.$version".to_owned(), ">=", json!(3)),
        Condition::Compare("version".to_owned(), "<", json!(4)),
    ]);
    let leaf = prop_oneof![
        5 => (path(), select(vec!["=", "!=", "<", ">="]), literal)
            .prop_filter("truth has no order", |(_, sign, literal)| sign.contains('=') && *sign != ">=" || !literal.is_boolean())
            .prop_map(|(path, sign, literal)| Condition::Compare(path, sign, literal)),
        3 => path().prop_map(Condition::IsDefined),
        3 => whole,
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(inner.into())),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| Condition::Both(one.into(), other.into())),
            (inner.clone(), inner).prop_map(|(one, other)| Condition::Either(one.into(), other.into())),
        ]
    })
}
