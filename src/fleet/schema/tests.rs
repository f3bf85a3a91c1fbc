//! Validators, and which branch of a choice was meant.

mod builtin;

use serde_json::json;

use super::*;
use crate::component::Convention;

fn pump(schema: Value) -> Components {
    Components::new(&[ComponentSchema::new("pump", schema, Convention::Echo)].into_iter().collect())
}

fn whole(schema: Value, value: &Value) -> Vec<String> {
    let faults = pump(schema).check_resolved("pump", value);
    faults.into_iter().map(|fault| format!("{} {}: {}", fault.pointer, fault.rule, fault.message)).collect()
}

#[test]
fn our_own_schemas_compile_and_all_builtin_components_do() {
    for kind in Kind::ALL {
        assert!(Compiled::new(kind.schema()).is_ok(), "{}", kind.name());
    }
    assert!(Compiled::new(crate::fleet::kind::schema()).is_ok());
    let components = Components::new(&Registry::builtin());
    for name in Registry::builtin().names() {
        assert_eq!(components.unusable(name), None, "{name}");
        assert!(components.known[name].part().is_ok(), "{name}");
    }
}

#[test]
fn the_schema_for_editors_takes_what_the_schemas_of_the_kinds_take() {
    let union = Compiled::new(crate::fleet::kind::schema()).unwrap();
    let device =
        |spec: Value| json!({"apiVersion": "twinops/v1", "kind": "Device", "metadata": {"name": "a"}, "spec": spec});
    assert!(union.validator.is_valid(&device(json!({"tags": {}}))));
    assert!(!union.validator.is_valid(&device(json!({"priority": 1}))));
    assert!(
        !union.validator.is_valid(&json!({"apiVersion": "twinops/v1", "kind": "Devise", "metadata": {"name": "a"}}))
    );
}

#[test]
fn a_choice_is_faulted_in_the_branch_that_its_tag_names() {
    let schema = json!({"oneOf": [
        {"type": "object", "required": ["type", "url"], "properties": {"type": {"const": "web"}, "url": {"type": "string"}}},
        {"type": "object", "required": ["type", "path"], "properties": {"type": {"const": "disk"}, "path": {"type": "string"}}},
    ]});
    assert_eq!(
        whole(schema.clone(), &json!({"type": "disk", "path": 1})),
        ["/path wrong-type: `path` is an integer, not a text"]
    );
    assert_eq!(whole(schema.clone(), &json!({"type": "web"})), [" missing-property: `url` is missing"]);
    let wrong_tag = whole(schema.clone(), &json!({"type": "dsik", "path": "a"}));
    assert_eq!(wrong_tag, ["/type not-allowed: `type` has to be one of `web`, `disk`"]);
    assert_eq!(whole(schema, &json!(7)), [" schema: the document fits none of the forms that it may have"]);
}

#[test]
fn a_choice_of_types_is_faulted_in_the_type_that_is_there() {
    let schema = json!({"properties": {"at": {"anyOf": [
        {"type": "integer"}, {"type": "object", "properties": {"hour": {"type": "integer", "maximum": 23}}}]}}});
    assert_eq!(whole(schema, &json!({"at": {"hour": 24}})), ["/at/hour out-of-range: `hour` has to be at most 23"]);
}

#[test]
fn a_whole_component_has_what_is_demanded_and_a_part_need_not() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
    assert_eq!(whole(schema.clone(), &json!({})), [" missing-property: `a` is missing"]);
    assert_eq!(whole(schema.clone(), &json!({"a": "${vars.x}"})).len(), 1);
    let components = pump(schema);
    for part in [json!({}), json!({"a": null}), json!({"a": "${vars.x}"}), json!(null)] {
        assert_eq!(components.check_part("pump", &part), [], "{part}");
    }
    assert_eq!(components.check_part("pump", &json!({"a": "x"})).len(), 1);
}

#[test]
fn messages_never_repeat_a_value() {
    let schema = json!({"properties": {
        "a": {"pattern": "^x$"}, "b": {"enum": ["x", "y"]}, "c": {"const": "x"}, "d": {"type": "integer"},
        "e": {"maxLength": 3}, "f": {"not": {"type": "string"}}, "g": {"propertyNames": {"pattern": "^x$"}},
        "h": {"items": {"uniqueItems": true}, "uniqueItems": true}, "i": {"contains": {"type": "integer"}}}});
    let value = json!({"a": "hunter2", "b": "hunter2", "c": "hunter2", "d": "hunter2", "e": "hunter2", "f": "hunter2",
        "h": ["hunter2", "hunter2"], "i": ["hunter2"]});
    let faults = pump(schema).check_resolved("pump", &value);
    assert_eq!(faults.len(), 8, "{faults:?}");
    assert!(!format!("{faults:?}").contains("hunter2"), "{faults:?}");
}

#[test]
fn a_key_of_the_wrong_form_is_the_fault_of_the_key() {
    let schema = json!({"properties": {"files": {"propertyNames": {"pattern": "^[a-z]+$"}}}});
    let faults = pump(schema).check_resolved("pump", &json!({"files": {"/etc": {}}}));
    assert_eq!((faults.len(), faults[0].pointer.as_str(), faults[0].is_key), (1, "/files/~1etc", true));
    assert_eq!(faults[0].message, "`/etc` cannot be a key in `files`");
    assert_eq!(faults[0].help.as_deref(), Some("keys are of the form `^[a-z]+$`"));
}
