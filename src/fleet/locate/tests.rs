//! Every value is found where it was written.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fleet::yaml::escape;

fn source(text: &str) -> Source {
    Source::from_files([SourceFile { path: "a.yaml".into(), text: text.as_bytes().into() }])
}

fn shown_at(text: &str, document: usize, target: Target) -> (usize, usize, String) {
    let source = source(text);
    let place = Place { file: "a.yaml".into(), document, target };
    let found = Locator::new(&source).locate(&place).unwrap();
    (found.line, found.column, text[found.span].to_owned())
}

fn value(text: &str, pointer: &str) -> (usize, usize, String) {
    shown_at(text, 0, Target::Value(pointer.into()))
}

#[test]
fn a_scalar_a_key_and_a_collection_are_found() {
    let text = "a:\n  b: [1, two]\n  ü: {c: x}\n  d:\n    - 1\n";
    assert_eq!(value(text, "/a/b/1"), (2, 10, "two".into()));
    assert_eq!(value(text, "/a/b"), (2, 6, "[1, two]".into()));
    assert_eq!(value(text, "/a/ü/c"), (3, 10, "x".into()));
    assert_eq!(value(text, "/a/d"), (4, 3, "d".into()));
    assert_eq!(shown_at(text, 0, Target::Key("/a/b".into())), (2, 3, "b".into()));
}

#[test]
fn what_is_missing_is_shown_at_what_it_is_missing_from() {
    assert_eq!(value("a:\n  b: 1\n", "/a/x/y"), (1, 1, "a".into()));
    assert_eq!(value("a:\nb: 1\n", "/a"), (1, 1, "a".into()));
}

#[test]
fn an_alias_leads_to_its_anchor() {
    let text = "a: &x {p: 1}\nb: *x\n";
    assert_eq!(value(text, "/b/p"), (1, 11, "1".into()));
    assert_eq!(value(text, "/b"), (2, 4, "*x".into()));
}

#[test]
fn a_part_of_a_text_is_found_when_it_stands_there_letter_by_letter() {
    let part = |pointer: &str| Target::Part { pointer: pointer.into(), from: 4, to: 7 };
    assert_eq!(shown_at("w: tag foo\n", 0, part("/w")), (1, 8, "foo".into()));
    assert_eq!(shown_at("w: 'tag foo'\n", 0, part("/w")), (1, 9, "foo".into()));
    assert_eq!(shown_at("w: \"t\\x61g foo\"\n", 0, part("/w")), (1, 4, "\"t\\x61g foo\"".into()));
}

#[test]
fn lines_are_counted_through_comments_carriage_returns_and_documents() {
    let text = "\u{FEFF}# ünï\r\na: 1\r\n---\r\n# zwei ü\r\nb: x # ü\r\nc: y\r\n";
    assert_eq!(shown_at(text, 1, Target::Value("/b".into())), (5, 4, "x".into()));
    assert_eq!(shown_at(text, 1, Target::Value("/c".into())), (6, 4, "y".into()));
}

#[test]
fn a_document_after_a_broken_one_is_found() {
    assert_eq!(shown_at("a: [1\n---\nb: x\n", 1, Target::Value("/b".into())), (3, 4, "x".into()));
}

/// Trees whose scalars say at which line they were written.
fn shape() -> impl Strategy<Value = Value> {
    let leaf = Just(Value::Null);
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Value::Array),
            prop::collection::btree_map("[a-zäö/~ ]{1,6}", inner, 1..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn write(value: &Value, indent: usize, pointer: &str, out: &mut String, wanted: &mut Vec<(String, usize)>) {
    let pad = " ".repeat(indent);
    let mut child = |head: String, step: String, value: &Value, out: &mut String| {
        let line = out.matches('\n').count() + 1;
        out.push_str(&pad);
        out.push_str(&head);
        if value.is_null() {
            wanted.push((step, line));
            out.push_str(" x\n");
        } else {
            out.push_str(" # ö\n");
            write(value, indent + 2, &step, out, wanted);
        }
    };
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                child("-".into(), format!("{pointer}/{at}"), item, out);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                child(format!("'{key}':"), format!("{pointer}/{}", escape(key)), value, out);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_pointer_of_a_document_is_found_on_its_line(shape in shape()) {
        let (mut text, mut wanted) = (String::new(), Vec::new());
        write(&shape, 0, "", &mut text, &mut wanted);
        let source = source(&text);
        let locator = Locator::new(&source);
        for (pointer, line) in wanted {
            let found = locator.locate(&Place::value(&"a.yaml".into(), 0, &*pointer)).unwrap();
            prop_assert_eq!((found.line, &text[found.span]), (line, "x"), "{} in\n{}", pointer, text);
        }
    }
}
