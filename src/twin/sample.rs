//! Generated sections, for tests of laws.

use proptest::prelude::*;
use serde_json::Value;

use super::Map;

/// Sections of a few levels, without nulls: what a twin can hold.
pub(crate) fn section() -> impl Strategy<Value = Map> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
        prop::collection::vec((0_i64..3).prop_map(Value::from), 0..3).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect()))
    });
    prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|m| m.into_iter().collect())
}
