//! The merge patch of a twin, as the hub applies it, and single steps into a section.

use std::sync::Arc;

use serde_json::Value;

use super::Map;

/// Merges `patch` into `target`: RFC 7396, with the hub's own reading of what that standard leaves open (protocol
/// reference 4): `null` deletes, arrays and scalars are replaced whole, and a patch of nulls below a missing key
/// creates that key as `{}`.
pub fn merge(target: &mut Map, patch: &Map) {
    for (key, change) in patch {
        match change {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(inner) => {
                let slot = target.entry(key).or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(below) = slot {
                    merge(below, inner);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                target.insert(key.clone(), change.clone());
            }
        }
    }
}

/// The value at `keys` below `section`; `None` when something on the way is missing or no object.
pub fn get<'a>(section: &'a Map, keys: &[Arc<str>]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(section.get(&**first)?, |value, key| value.as_object()?.get(&**key))
}

/// Puts `value` at `keys`, making objects on the way and replacing what is no object there. Without keys, nothing
/// happens: a section is never replaced by one value.
pub fn set_path(section: &mut Map, keys: &[Arc<str>], value: Value) {
    let Some((last, parents)) = keys.split_last() else { return };
    let mut here = section;
    for key in parents {
        let slot = here.entry(key.to_string()).or_insert_with(|| Value::Object(Map::new()));
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(below) = slot else { return };
        here = below;
    }
    here.insert(last.to_string(), value);
}

/// Takes the value at `keys` out; the objects that held it stay, as they do in a twin. Returns what was there.
pub fn remove_path(section: &mut Map, keys: &[Arc<str>]) -> Option<Value> {
    let (last, parents) = keys.split_last()?;
    let mut here = section;
    for key in parents {
        here = here.get_mut(&**key)?.as_object_mut()?;
    }
    here.remove(&**last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(target: Value, patch: Value) -> Value {
        let (Value::Object(mut target), Value::Object(patch)) = (target, patch) else { panic!("objects") };
        merge(&mut target, &patch);
        Value::Object(target)
    }

    #[test]
    fn null_deletes_and_the_parent_stays() {
        assert_eq!(merged(json!({"a": {"b": 1}}), json!({"a": {"b": null}})), json!({"a": {}}));
    }

    #[test]
    fn a_null_below_a_missing_key_creates_an_empty_object() {
        assert_eq!(merged(json!({}), json!({"a": {"b": null}})), json!({"a": {}}));
    }

    #[test]
    fn arrays_are_replaced_whole() {
        assert_eq!(merged(json!({"a": [1, 2, 3]}), json!({"a": [4]})), json!({"a": [4]}));
    }

    #[test]
    fn an_object_replaces_a_scalar_and_a_scalar_an_object() {
        assert_eq!(merged(json!({"a": 1}), json!({"a": {"b": 2}})), json!({"a": {"b": 2}}));
        assert_eq!(merged(json!({"a": {"b": 2}}), json!({"a": 1})), json!({"a": 1}));
    }

    #[test]
    fn steps_into_a_section_agree_with_each_other() {
        let keys: Vec<Arc<str>> = ["a", "b", "c"].map(Into::into).into();
        let mut section = Map::new();
        set_path(&mut section, &keys, json!(7));
        assert_eq!(get(&section, &keys), Some(&json!(7)));
        assert_eq!(remove_path(&mut section, &keys), Some(json!(7)));
        assert_eq!(Value::Object(section), json!({"a": {"b": {}}}));
    }
}
