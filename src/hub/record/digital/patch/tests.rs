//! What operations do to a twin.

use proptest::prelude::*;

use super::*;
use crate::hub::record::{laws::record, parse_report};

fn twin(desired: &Value, reported: &Value) -> Record {
    let mut twin = record();
    let body = json!({"properties": {"desired": desired}}).to_string();
    TwinWrite::parse(body.as_bytes(), Mode::Merge).unwrap().apply(&mut twin, "T").unwrap();
    twin.report(&parse_report(reported.to_string().as_bytes()).unwrap(), None, "T").unwrap();
    twin
}

/// What the device is told, and the desired properties then.
fn apply(twin: &mut Record, patch: &Value) -> Result<(Value, Value), u32> {
    let mut patched = || {
        let patch = DigitalPatch::parse(patch.to_string().as_bytes())?;
        let told = patch.write(twin)?.apply(twin, "U")?;
        Ok(told.map_or(Value::Null, |told| serde_json::from_slice(&told).unwrap()))
    };
    let told = patched().map_err(|failure: Failure| failure.code.number())?;
    Ok((told, serde_json::from_str(&twin.desired.values).unwrap()))
}

#[test]
fn properties_are_added_replaced_and_removed() {
    let mut twin = twin(&json!({"a": 1, "b": {"x": 1, "y": 2}, "c": 3}), &json!({"r": 1}));
    let patch = json!([{"op": "add", "path": "/a", "value": 2}, {"op": "replace", "path": "/b", "value": {"x": 5}},
        {"op": "remove", "path": "/c"}, {"op": "replace", "path": "/r", "value": true}]);
    let (told, desired) = apply(&mut twin, &patch).unwrap();
    assert_eq!(told, json!({"a": 2, "b": {"x": 5, "y": null}, "c": null, "r": true, "$version": 3}));
    assert_eq!(desired, json!({"a": 2, "b": {"x": 5}, "r": true}));
}

#[test]
fn a_patch_that_touches_a_component_carries_its_mark() {
    let mut twin = twin(&json!({"plain": {"k": 1}}), &json!({"seen": {"__t": "c", "a": 1}}));
    let patch = json!([{"op": "add", "path": "/thermo/target", "value": 22}, {"op": "add", "path": "/seen/b", "value": 1},
        {"op": "add", "path": "/whole", "value": {"$metadata": {}, "v": 1}}, {"op": "replace", "path": "/plain/k", "value": 2}]);
    let (mut told, desired) = apply(&mut twin, &patch).unwrap();
    told.as_object_mut().unwrap().remove("$version");
    let expected = json!({"thermo": {"__t": "c", "target": 22}, "seen": {"__t": "c", "b": 1},
        "whole": {"__t": "c", "v": 1}, "plain": {"k": 2}});
    assert_eq!((&told, &desired), (&expected, &expected));
    let (told, desired) =
        apply(&mut twin, &json!([{"op": "remove", "path": "/thermo/target"}, {"op": "remove", "path": "/seen"}]))
            .unwrap();
    assert_eq!(told, json!({"thermo": {"__t": "c", "target": null}, "seen": null, "$version": 4}));
    assert_eq!(desired["thermo"], json!({"__t": "c"}));
}

#[test]
fn operations_follow_one_another() {
    let mut twin = twin(&json!({"thermo": {"__t": "c", "old": 1}}), &json!({}));
    let patch = json!([{"op": "remove", "path": "/thermo"}, {"op": "add", "path": "/thermo/new", "value": 1},
        {"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}]);
    let (told, desired) = apply(&mut twin, &patch).unwrap();
    assert_eq!(told, json!({"thermo": {"__t": "c", "new": 1, "old": null}, "a": null, "$version": 3}));
    assert_eq!(desired, json!({"thermo": {"__t": "c", "new": 1}}));
}

#[test]
fn what_does_not_fit_changes_nothing() {
    for bad in [
        json!({}),
        json!([{"op": "test", "path": "/a", "value": 1}]),
        json!([{"op": "move", "path": "/a", "from": "/b"}]),
        json!([{"op": "add", "path": "/$metadata/a", "value": 1}]),
        json!([{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/none"}]),
        json!([{"op": "add", "path": "/a/b", "value": 1}]),
        json!([{"op": "add", "path": "/a.b", "value": 1}]),
        json!([{"op": "add", "path": "/x", "value": {"$y": 1}}]),
    ] {
        let mut twin = twin(&json!({"a": 1}), &json!({}));
        let before = twin.clone();
        assert_eq!(apply(&mut twin, &bad), Err(400_004), "{bad}");
        assert_eq!(twin, before);
    }
    let mut twin = twin(&json!({"a": 1}), &json!({}));
    assert_eq!(apply(&mut twin, &json!([])).unwrap().0, Value::Null);
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop::collection::vec("[abc]|\\$x|__t|~", 0..3).prop_map(|keys| format!("/{}", keys.join("/")));
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(1)),
        Just(json!({"a": 2})),
        Just(json!({"$metadata": {}, "b": {"c": 1}}))
    ];
    ("add|replace|remove|test", path, value)
        .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
}

proptest! {
    #[test]
    fn no_body_panics_and_the_device_ends_where_the_hub_is(
        body in any::<Vec<u8>>(), text in ".{0,60}", operations in prop::collection::vec(operation(), 0..6),
    ) {
        let _ = DigitalPatch::parse(&body);
        let _ = pointer::parse(&text);
        let desired = json!({"a": {"__t": "c", "b": 1}, "b": {"c": 1}});
        let mut twin = twin(&desired, &json!({"a": {"__t": "c", "c": {"value": 1, "ac": 200, "av": 1}}}));
        if let Ok((Value::Object(mut told), now)) = apply(&mut twin, &Value::Array(operations)) {
            told.remove("$version");
            let Value::Object(mut device) = desired else { unreachable!() };
            crate::twin::merge(&mut device, &told);
            prop_assert_eq!(Value::Object(device), now);
        }
    }
}
