//! Values into a form and back, as a browser would send them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    component::{ComponentSchema, Convention, Registry},
    fleet::{Kind, written},
};

/// A component that holds a value, declared by a profile.
struct Case {
    registry: Registry,
    document: Document,
}

fn value(text: &str) -> Value {
    Editor::new(&document(text.to_owned()).source()).value(0).unwrap()
}

impl Case {
    fn new(schema: Value, value: Value) -> Self {
        let registry = [ComponentSchema::new("it", schema, Convention::Echo)].into_iter().collect();
        let profile = json!({
            "apiVersion": "twinops/v1", "kind": "Profile", "metadata": { "name": "p" },
            "spec": { "desired": { "it": value } },
        });
        let mut text = String::new();
        written::members(profile.as_object().unwrap(), 0, &mut text);
        Self { registry, document: document(text) }
    }

    fn form(&self, added: &[&str]) -> Form {
        let added: Vec<String> = added.iter().map(|path| (*path).to_owned()).collect();
        build(Kind::Profile, &value(&self.document.text), &self.registry, &added)
    }

    /// The value after this was typed into the fields of these pointers; `None` when nothing changes.
    fn after(&self, added: &[&str], typed: &[(&str, &str)]) -> Option<Value> {
        let mut form = self.form(added);
        let mut sent = sent(&form);
        for (pointer, text) in typed {
            let name = format!("v/spec/desired/it{pointer}");
            let field = sent.iter_mut().find(|(known, _)| *known == name);
            (*text).clone_into(&mut field.unwrap_or_else(|| panic!("no field {name}")).1);
        }
        form.fill(&sent);
        let text = form.text(&self.document).unwrap()?;
        Some(value(&text)["spec"]["desired"]["it"].clone())
    }
}

fn document(text: String) -> Document {
    Document { kind: Kind::Profile, name: "p".to_owned(), file: "p.yaml".into(), number: 0, text, is_new: false }
}

/// What a browser sends of a form that nobody has touched.
fn sent(form: &Form) -> Vec<(String, String)> {
    let inputs = form.fields().filter(|field| field.input != Input::Fixed);
    inputs.map(|field| (field.name(), field.text.replace('\n', "\r\n"))).collect()
}

/// Small schemas, each with a value that satisfies it.
fn described() -> impl Strategy<Value = (Value, Value)> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "[a-zæ日]{1,4}\n{0,2}[ -~]{0,9}\n?",
        Just("${vars.x}".to_owned()),
        Just("true".to_owned()),
        "\n{1,2}[a-z]{1,3}",
        "[\u{0}-\u{20}]{1,3}",
    ];
    let leaf = prop_oneof![
        text.prop_map(|text| (json!({ "type": "string" }), json!(text))),
        any::<i32>().prop_map(|number| (json!({ "type": "integer" }), json!(number))),
        (-1e9..1e9).prop_map(|number| (json!({ "type": "number" }), json!(number))),
        any::<bool>().prop_map(|flag| (json!({ "type": ["boolean", "null"] }), json!(flag))),
        (0..3_usize)
            .prop_map(|at| (json!({ "enum": ["a", 1, "b c"] }), [json!("a"), json!(1), json!("b c")][at].clone())),
        prop::collection::vec("[ -~]{0,6}", 0..4)
            .prop_map(|items| (json!({ "type": "array", "items": { "type": "string" } }), json!(items))),
        prop::collection::vec(any::<i16>(), 0..4)
            .prop_map(|items| (json!({ "type": "array", "items": { "type": "integer" } }), json!(items))),
        Just((json!({ "type": ["string", "null"] }), Value::Null)),
        any::<bool>().prop_map(|flag| (json!({}), json!([{ "x": flag }]))),
        "[a-z]{0,4}".prop_map(|text| (json!({ "$ref": "#/$defs/named" }), json!(text))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::btree_map("[a-zA-Z][a-z~/]{0,4}", inner, 0..4).prop_map(|members| {
            let (mut schemas, mut values) = (serde_json::Map::new(), serde_json::Map::new());
            for (key, (schema, value)) in members {
                schemas.insert(key.clone(), schema);
                values.insert(key, value);
            }
            (json!({ "type": "object", "properties": schemas }), Value::Object(values))
        })
    })
}

proptest! {
    #[test]
    fn a_form_that_comes_back_untouched_proposes_nothing((mut schema, value) in described()) {
        schema["$defs"] = json!({ "named": { "type": "string" } });
        prop_assert_eq!(Case::new(schema, value).after(&[], &[]), None);
    }

    #[test]
    fn a_line_that_is_typed_is_the_value(text in "[ -~æ日]{1,20}") {
        prop_assume!(text != "x");
        let case = Case::new(json!({ "properties": { "a": { "type": "string" } } }), json!({ "a": "x", "b": [1] }));
        let after = case.after(&[], &[("/a", &text)]);
        prop_assert_eq!(after, Some(json!({ "a": text, "b": [1] })));
    }
}

fn screen() -> Case {
    let schema = json!({
        "type": "object",
        "required": ["brightness"],
        "properties": {
            "brightness": { "type": "integer", "description": "Percent.", "default": 80, "maximum": 100 },
            "mode": { "anyOf": [{ "$ref": "#/$defs/Mode" }, { "type": "null" }] },
            "hosts": { "type": "array", "items": { "type": "string" } },
            "night": { "type": "object", "properties": { "from": { "type": "string" }, "dim": { "type": "boolean" } } },
        },
        "$defs": { "Mode": { "oneOf": [{ "const": "day", "description": "Bright." }, { "const": "night" }] } },
    });
    Case::new(schema, json!({ "brightness": 80, "hosts": ["a", "b"], "night": { "from": "22:00" }, "odd": null }))
}

#[test]
fn fields_are_as_the_schema_describes_them() {
    let form = screen().form(&["desired.it.mode", "desired.it.night.dim"]);
    let fields: Vec<_> = form.fields().map(|field| (field.pointer.as_str(), &field.input, field.required)).collect();
    let (day, yes) = ([json!("day"), json!("night")], [json!(true), json!(false)]);
    assert_eq!(
        fields,
        [
            ("/spec/desired/it/brightness", &Input::Number, true),
            ("/spec/desired/it/hosts", &Input::Items(input::Scalar::Text), false),
            ("/spec/desired/it/mode", &Input::Choice(day.to_vec()), false),
            ("/spec/desired/it/night/dim", &Input::Choice(yes.to_vec()), false),
            ("/spec/desired/it/night/from", &Input::Line, false),
            ("/spec/desired/it/odd", &Input::Fixed, false),
        ]
    );
    let brightness = form.fields().next().unwrap();
    assert_eq!((brightness.text.as_str(), brightness.hint.as_str()), ("80", "Percent. By itself: 80."));
    assert!(form.choices.contains(&"desired.it.mode".to_owned()) && form.choices.contains(&"where".to_owned()));
    assert!(!form.choices.contains(&"desired.it.hosts".to_owned()));
    let opened = form.items.iter().filter(|item| matches!(item, Item::Open { .. })).count();
    assert_eq!(opened, form.items.iter().filter(|item| matches!(item, Item::Close)).count());
}

#[test]
fn what_is_typed_becomes_values_of_their_types() {
    let typed =
        [("/brightness", " 90 "), ("/hosts", "a\r\n\r\nc\r\n"), ("/mode", "\"night\""), ("/night/from", "21:00")];
    let after = screen().after(&["desired.it.mode", "desired.it.night.dim"], &typed).unwrap();
    let wanted =
        json!({ "brightness": 90, "hosts": ["a", "c"], "mode": "night", "night": { "from": "21:00" }, "odd": null });
    assert_eq!(after, wanted);
    // The rules are to say what is wrong with it, not the form.
    assert_eq!(screen().after(&[], &[("/brightness", "very")]).unwrap()["brightness"], json!("very"));
    assert_eq!(screen().after(&[], &[("/hosts", "")]).unwrap()["hosts"], json!([]));
    assert_eq!(screen().after(&["desired.it.mode"], &[]), None);
}

#[test]
fn a_component_that_is_added_has_a_field_for_each_of_its_values() {
    let case = Case { registry: screen().registry, document: screen().document };
    let bare = json!({ "spec": {} });
    let chosen = chosen(Kind::Device, &bare, &case.registry, "desired.it");
    assert_eq!(
        chosen,
        ["brightness", "hosts", "mode", "night.dim", "night.from"].map(|key| format!("desired.it.{key}"))
    );
    assert_eq!(super::chosen(Kind::Device, &bare, &case.registry, "tags.site"), ["tags.site"]);
    let form = build(Kind::Device, &bare, &case.registry, &["tags.site".to_owned()]);
    assert!(form.choices.contains(&"desired.it".to_owned()));
    assert_eq!(form.fields().next().unwrap().input, Input::Line);
}

#[test]
fn a_value_that_is_taken_out_loses_its_line_and_a_field_that_is_not_sent_stays() {
    let case = screen();
    let mut form = case.form(&[]);
    form.fill(&[("r/spec/desired/it/hosts".to_owned(), "on".to_owned())]);
    let text = form.text(&case.document).unwrap().unwrap();
    let after = value(&text)["spec"]["desired"]["it"].clone();
    assert_eq!(after, json!({ "brightness": 80, "night": { "from": "22:00" }, "odd": null }));
}

#[test]
fn what_cannot_be_changed_in_its_place_is_a_fault_of_its_field() {
    let case = Case::new(json!({}), json!({ "a": "${vars.x}" }));
    let mut form = case.form(&[]);
    form.fill(&[("v/spec/desired/it/a".to_owned(), "y".to_owned())]);
    let faults = form.text(&case.document).unwrap_err();
    assert!(faults[0].message.contains("filled in from") && faults[0].at.as_deref() == Some("field-1"), "{faults:?}");
}

#[test]
fn a_finding_stands_beside_the_field_that_it_is_about() {
    let case = screen();
    let mut form = case.form(&[]);
    let at = |pointer: &str| Finding::error("schema", pointer).at(Place::value(&"p.yaml".into(), 0, pointer));
    let findings = [at("/spec/desired/it/hosts/1"), at("/spec/desired/it/ho"), at("/spec"), Finding::error("x", "y")];
    let faults = form.blame(&case.document, &findings);
    let ids: Vec<_> = faults.iter().map(|fault| fault.at.as_deref()).collect();
    assert_eq!(ids, [Some("field-2"), None, None, None]);
    let wrong: Vec<_> = form.fields().filter(|field| !field.faults.is_empty()).map(|field| &*field.id).collect();
    assert_eq!(wrong, ["field-2"]);
}
