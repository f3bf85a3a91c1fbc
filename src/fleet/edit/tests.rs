//! Files before and after, to the byte.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn file(text: &str) -> SourceFile {
    SourceFile { path: "a.yaml".into(), text: text.as_bytes().into() }
}

/// Changes the first document; `null` as the value of a change that begins with `-` takes it out.
fn changed(text: &str, changes: &[(&str, Value)]) -> Result<String, Unwritable> {
    let mut all = Changes::default();
    for (path, value) in changes {
        match path.strip_prefix('-') {
            Some(path) => all.remove(&path.split('.').collect::<Vec<_>>()),
            None => all.set(&path.split('.').collect::<Vec<_>>(), value),
        }
    }
    let file = file(text);
    let editor = Editor::new(&file);
    editor.changed(&BTreeMap::from([(0, all)]))
}

#[track_caller]
fn becomes(before: &str, changes: &[(&str, Value)], after: &str) {
    assert_eq!(changed(before, changes).as_deref(), Ok(after));
    // The same with the other line ends, and without the last one.
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(changed(&crlf(before), changes), Ok(crlf(after)));
    if let (Some(before), Some(after)) = (before.strip_suffix('\n'), after.strip_suffix('\n')) {
        assert_eq!(changed(before, changes).as_deref(), Ok(after));
    }
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    becomes("a:\n  b: 1   # why\n  c: x\n", &[("a.b", json!(2))], "a:\n  b: 2   # why\n  c: x\n");
    becomes("a: 'it''s' # q\n", &[("a", json!("w"))], "a: w # q\n");
    becomes("\"a\" : \"\\\"x\" # q\n", &[("a", json!("w"))], "\"a\" : w # q\n");
    becomes("a: \"x\"\n", &[("a", json!("no"))], "a: \"no\"\n");
    becomes("a: one\n  two\nb: 1\n", &[("a", json!("three"))], "a: three\nb: 1\n");
    becomes("a:\nb: 1\n", &[("a", json!(true))], "a: true\nb: 1\n");
    becomes("a: { b: 1, c: 2 } # f\n", &[("a.b", json!("x y"))], "a: { b: \"x y\", c: 2 } # f\n");
    becomes("a: 1\n", &[("a", json!({"b": [1, 2]}))], "a: { b: [1, 2] }\n");
}

#[test]
fn what_looks_like_a_reference_is_written_as_text() {
    becomes("a: 1\n", &[("a", json!("${vars.x}"))], "a: \"$${vars.x}\"\n");
}

#[test]
fn texts_on_lines_of_their_own_stay_there_if_they_can() {
    let before = "a: | # why\n  one\n  two\n\n# next\nb: 1\n";
    becomes(before, &[("a", json!("three\nfour\n"))], "a: | # why\n  three\n  four\n\n# next\nb: 1\n");
    becomes(before, &[("a", json!("three\nfour"))], "a: |- # why\n  three\n  four\n\n# next\nb: 1\n");
    becomes(before, &[("a", json!(3))], "a: 3 # why\n\n# next\nb: 1\n");
    becomes("a: >-\n    one\n    two\n", &[("a", json!("three"))], "a: three\n");
}

#[test]
fn lists_change_item_by_item() {
    let before = "a:\n  # servers\n  - one # first\n  - two # second\n  - three\nb: 1\n";
    let after = "a:\n  # servers\n  - one # first\n  - 2nd\n  - three\nb: 1\n";
    becomes(before, &[("a", json!(["one", "2nd", "three"]))], &after.replace("2nd", "\"2nd\""));
    let after = "a:\n  # servers\n  - one # first\n  - two # second\n  - three\n  - four\nb: 1\n";
    becomes(before, &[("a", json!(["one", "two", "three", "four"]))], after);
    becomes(before, &[("a", json!(["one", "three"]))], "a:\n  # servers\n  - one # first\n  - three\nb: 1\n");
    becomes("a:\n- one\n- two\n", &[("a", json!(["one"]))], "a:\n- one\n");
    becomes("a: # all\n- one\n- two\nb: 1\n", &[("a", json!([]))], "a: [] # all\nb: 1\n");
    becomes("a:\n  - - 1\n    - 2\n  - 3\n", &[("a", json!([[1], 3]))], "a:\n  - [1]\n  - 3\n");
    becomes("a: {} # ] all\n", &[("a.b", json!(1))], "a: { b: 1 } # ] all\n");
    becomes("a: [one, two] # all\n", &[("a", json!(["two"]))], "a: [two] # all\n");
    becomes(
        "a:\n  - n: 1\n    m: 2\n",
        &[("a", json!([{"n": 1, "m": 2}, {"n": 3}]))],
        "a:\n  - n: 1\n    m: 2\n  - \"n\": 3\n",
    );
}

#[test]
fn what_is_missing_is_put_in_with_its_mappings() {
    becomes("a:\n  b: 1 # b\n# end\nc: 2\n", &[("a.d", json!(3))], "a:\n  b: 1 # b\n  d: 3\n# end\nc: 2\n");
    becomes(
        "a:\n    b: 1\n",
        &[("a.c.d", json!([1])), ("a.c.e", json!("x"))],
        "a:\n    b: 1\n    c:\n      d: [1]\n      e: x\n",
    );
    becomes("a: {}\nb: 1\n", &[("a.c.d", json!(1))], "a: { c: { d: 1 } }\nb: 1\n");
    becomes("a: { b: 1 }\n", &[("a.c", json!(1))], "a: { b: 1, c: 1 }\n");
    becomes("a: { b: { c: 1 } }\n", &[("a.d.e.f", json!({}))], "a: { b: { c: 1 }, d: { e: { f: {} } } }\n");
    becomes("a:\n  b: |\n    text\n\nc: 1\n", &[("a.d", json!(1))], "a:\n  b: |\n    text\n  d: 1\n\nc: 1\n");
    becomes("a:\n  b: 1\n", &[("x.y", json!(null))], "a:\n  b: 1\nx:\n  \"y\": null\n");
}

#[test]
fn what_is_taken_out_goes_with_its_line() {
    becomes("a:\n  b: 1 # b\n  # about c\n  c: 2\n", &[("-a.b", json!(null))], "a:\n  # about c\n  c: 2\n");
    becomes("a:\n  b: 1\n  c:\n    - 1\n    - 2 # two\n", &[("-a.c", json!(null))], "a:\n  b: 1\n");
    becomes("a: { b: 1, c: 2, d: 3 }\n", &[("-a.b", json!(null)), ("-a.c", json!(null))], "a: { d: 3 }\n");
    becomes("a: { b: 1, c: 2, d: 3 }\n", &[("-a.b", json!(null)), ("-a.d", json!(null))], "a: { c: 2 }\n");
    becomes("a:\n  b: 1 # last\n", &[("-a.b", json!(null))], "a:\n  b: null # last\n");
}

#[test]
fn other_documents_of_the_file_are_not_touched() {
    let two = file("# head\n---\na: 1\n---\na: 2 # second\n...\n");
    let mut changes = Changes::default();
    changes.set(&["a"], &json!(3));
    changes.set(&["b"], &json!(4));
    let text = Editor::new(&two).changed(&BTreeMap::from([(1, changes.clone())])).unwrap();
    assert_eq!(text, "# head\n---\na: 1\n---\na: 3 # second\nb: 4\n...\n");
    assert_eq!(Editor::new(&two).check(2, &changes), Err(Unwritable::NoDocument));
}

#[test]
fn what_would_change_something_else_is_refused() {
    for (text, change, why) in [
        ("x: &x 1\na: *x\n", ("a", json!(2)), Unwritable::Marked),
        ("a: &x 1\nb: *x\n", ("a", json!(2)), Unwritable::Marked),
        ("a: !!str 1\n", ("a", json!(2)), Unwritable::Marked),
        ("a: &x\n  b: 1\nc: *x\n", ("a.b", json!(2)), Unwritable::Marked),
        ("a: x ${vars.y}\n", ("a", json!("z")), Unwritable::Template),
        ("a: [\"${vars.y}\"]\n", ("-a", json!(null)), Unwritable::Template),
        ("a: 1\n", ("a.b", json!(1)), Unwritable::InTheWay),
        ("a:\n  b: 1\n", ("a", json!(1)), Unwritable::Mapping),
        ("a: [ # why\n  1,\n  2 ]\n", ("a", json!([1])), Unwritable::Comments),
        ("a:\n  -\n    1\n", ("a", json!([2])), Unwritable::Layout),
    ] {
        assert_eq!(changed(text, &[change]), Err(why), "{text}");
    }
    assert_eq!(changed("a: $${x}\n", &[("a", json!("w"))]).as_deref(), Ok("a: w\n"));
}

fn leaf() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[ -~\n]{0,30}", "[a-z:#'\"-]{1,6}"];
    let plain = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(|text| Value::from(text.replace("${", "$"))),
        Just(Value::Null),
    ];
    prop_oneof![4 => plain.clone(), 1 => prop::collection::vec(plain, 0..4).prop_map(Value::from)]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = leaf();
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop::collection::btree_map("[a-d]", inner, 1..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

/// The ways to all leaves of a mapping.
fn ways(value: &Value, way: &[String], out: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, below) in members {
                ways(below, &[way, std::slice::from_ref(key)].concat(), out);
            }
        }
        _ => out.push(way.to_vec()),
    }
}

proptest! {
    #[test]
    fn a_changed_file_says_what_was_asked_and_the_rest_as_before(
        before in prop::collection::btree_map("[a-d]", tree(), 1..4),
        which in any::<prop::sample::Index>(),
        value in leaf(),
        is_new in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let before: Map = before.into_iter().collect();
        let mut text = String::new();
        yaml::write::members(&before, 0, &mut text);
        // A comment behind every line that can have one.
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let mut all = Vec::new();
        ways(&Value::Object(before.clone()), &[], &mut all);
        let mut way = all[which.index(all.len())].clone();
        if is_new {
            *way.last_mut().unwrap() = "new".to_owned();
        }
        let mut changes = Changes::default();
        changes.set(&way, &value);
        let file = file(&text);
        let editor = Editor::new(&file);
        prop_assume!(editor.check(0, &changes).is_ok());
        let text = editor.changed(&BTreeMap::from([(0, changes)])).unwrap();
        let read = yaml::split(text.as_bytes()).next().and_then(|document| yaml::value(&document)).unwrap();
        let keys: Vec<std::sync::Arc<str>> = way.iter().map(|key| key.as_str().into()).collect();
        let mut expected = before;
        crate::twin::set_path(&mut expected, &keys, value);
        prop_assert!(crate::twin::same(&read, &Value::Object(expected)), "{}", text);
    }
}
