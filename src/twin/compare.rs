//! The one comparer.

use std::sync::Arc;

use serde_json::Value;

use super::Map;

/// Whether two values are the same as JSON values: numbers by what they are worth and not how they are spelt
/// (`1` is `1.0`), arrays element by element, objects by members in any order. `{}` and absence differ.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Integers of a twin stay within ±2^52 (protocol reference 5.5), so doubles tell all that can occur apart.
#[expect(clippy::float_cmp, reason = "equality of two spellings of one number is what is asked")]
fn same_number(a: &serde_json::Number, b: &serde_json::Number) -> bool {
    matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b)
}

/// One value that a tree of properties ends in, and the way to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<'a> {
    /// The keys, outermost first.
    pub keys: Vec<Arc<str>>,
    /// A scalar, an array, a null, or an object without members.
    pub value: &'a Value,
}

/// The leaves of a section in order of their keys. An empty object is a leaf: it can be told from absence.
pub fn leaves(section: &Map) -> Vec<Leaf<'_>> {
    fn walk<'a>(section: &'a Map, way: &mut Vec<Arc<str>>, out: &mut Vec<Leaf<'a>>) {
        for (key, value) in section {
            way.push(key.as_str().into());
            match value {
                Value::Object(below) if !below.is_empty() => walk(below, way, out),
                _ => out.push(Leaf { keys: way.clone(), value }),
            }
            way.pop();
        }
    }
    let mut out = Vec::new();
    walk(section, &mut Vec::new(), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{merge, sample::section, set_path};
    use super::*;

    #[test]
    fn numbers_compare_by_worth() {
        assert!(same(&json!(1), &json!(1.0)));
        assert!(same(&json!({"a": [1e3]}), &json!({"a": [1000]})));
        assert!(!same(&json!(1), &json!("1")));
    }

    #[test]
    fn an_empty_object_is_not_absence() {
        assert!(!same(&json!({"a": {}}), &json!({})));
    }

    proptest! {
        #[test]
        fn the_leaves_rebuild_the_section(section in section()) {
            let mut rebuilt = Map::new();
            for leaf in leaves(&section) {
                set_path(&mut rebuilt, &leaf.keys, leaf.value.clone());
            }
            prop_assert_eq!(rebuilt, section);
        }

        #[test]
        fn merging_twice_is_merging_once(mut target in section(), patch in section()) {
            merge(&mut target, &patch);
            let once = target.clone();
            merge(&mut target, &patch);
            prop_assert_eq!(target, once);
        }
    }
}
