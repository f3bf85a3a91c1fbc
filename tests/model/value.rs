//! Values for twins: mostly small, sometimes at a limit or beyond it.

use std::fmt;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

/// JSON on one line, with long texts and deep nestings cut.
pub(crate) struct Short<'v>(pub(crate) &'v Value);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", cut(self.0))
    }
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 20 => json!(format!("({} bytes)", text.len())),
        Value::Array(items) => items.iter().map(cut).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), cut(value))).collect(),
        other => other.clone(),
    }
}

/// What may stand for a section in a body: mostly an object.
pub(crate) fn section() -> impl Strategy<Value = Value> {
    prop_oneof![30 => object(value()), 3 => bulk(), 3 => Just(Value::Null), 1 => Just(json!([1]))]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        12 => (-2_i64..3).prop_map(Value::from),
        4 => any::<bool>().prop_map(Value::from),
        8 => select(vec![json!("x"), json!("y"), json!(""), json!(1.5), json!(1.0)]),
        12 => Just(Value::Null),
        1 => extreme(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| prop_oneof![3 => object(inner.clone()), 1 => array(inner)])
}

fn array(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec(item, 0..3).prop_map(Value::from)
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    vec((key(), value), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn key() -> impl Strategy<Value = String> {
    let odd = ["", "é", "a.b", "a b", "a#", "a$", "$version", "$metadata", "\u{85}"];
    let long = [1024, 1025].map(|length| "k".repeat(length));
    let odd: Vec<String> = odd.map(str::to_owned).into_iter().chain(long).collect();
    prop_oneof![200 => select(vec!["a", "b", "c"]).prop_map(str::to_owned), 1 => select(odd)]
}

/// A third of what desired properties may hold, and more than tags may.
fn bulk() -> impl Strategy<Value = Value> {
    let text = json!("t".repeat(4000));
    select(vec!["a", "b", "c"]).prop_map(move |key| json!({ key: { "a": text, "b": text, "c": text } }))
}

/// At a limit, or one beyond it.
fn extreme() -> impl Strategy<Value = Value> {
    let text = |length: usize| json!("t".repeat(length));
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!({ "n": inner }));
    prop_oneof![
        4 => Just(text(4096)),
        1 => Just(text(4097)),
        2 => (6_usize..11).prop_map(nested),
        1 => select(vec![json!(-(1_i64 << 52)), json!((1_i64 << 52) - 1), json!(1_i64 << 52), json!(u64::MAX)]),
    ]
}
