//! The smallest patch that turns one reported section into another.

use serde_json::Value;

use crate::{
    component::pnp::MARKER,
    twin::{Map, same},
};

/// What must be merged into `was` to make it `now`: nulls for what vanished, nothing for what stayed. A component
/// that is touched carries its marker (protocol reference 15.2).
pub(in crate::agent) fn patch(was: &Map, now: &Map) -> Map {
    let mut changes = Map::new();
    for name in was.keys().filter(|name| !now.contains_key(*name)) {
        changes.insert(name.clone(), Value::Null);
    }
    for (name, value) in now {
        match (was.get(name), value) {
            (Some(Value::Object(was)), Value::Object(now)) => {
                let mut below = patch(was, now);
                if !below.is_empty() {
                    let marker = now.get_key_value(MARKER).filter(|(_, marker)| marker.is_string());
                    below.extend(marker.map(|(key, marker)| (key.clone(), marker.clone())));
                    changes.insert(name.clone(), Value::Object(below));
                }
            }
            (Some(was), now) if same(was, now) => {}
            (_, now) => {
                changes.insert(name.clone(), now.clone());
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::twin::merge;

    fn map(value: Value) -> Map {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    #[test]
    fn only_what_changed_is_said_and_the_component_named() {
        let was =
            map(json!({"time": {"__t": "c", "timeZone": {"value": "UTC", "ac": 200}, "old": 1}, "same": {"x": 1}}));
        let now = map(json!({"time": {"__t": "c", "timeZone": {"value": "Asia/Tokyo", "ac": 200}}, "same": {"x": 1}}));
        let expected = json!({"time": {"__t": "c", "timeZone": {"value": "Asia/Tokyo"}, "old": null}});
        assert_eq!(Value::Object(patch(&was, &now)), expected);
    }

    fn section() -> impl Strategy<Value = Map> {
        let leaf = prop_oneof![(0_i64..3).prop_map(Value::from), "[a-b]{0,1}".prop_map(Value::from), Just(json!([1]))];
        let tree = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[a-c]|__t", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        });
        prop::collection::btree_map("[a-c]", tree, 0..4).prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn merging_the_patch_gives_the_new_section(was in section(), now in section()) {
            let mut merged = was.clone();
            merge(&mut merged, &patch(&was, &now));
            prop_assert_eq!(merged, now);
        }

        #[test]
        fn what_is_as_it_was_needs_no_patch(now in section()) {
            prop_assert!(patch(&now, &now).is_empty());
        }
    }
}
