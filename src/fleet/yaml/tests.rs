//! What each piece of YAML means here: one row, one promise.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fleet::finding::{Severity, Target};

/// Every document, and every finding as `start..end rule`.
fn read(text: &[u8]) -> (Vec<Value>, Vec<String>) {
    let (mut values, mut findings) = (Vec::new(), Vec::new());
    documents(&"a.yaml".into(), text, &mut findings, |_, value, _| values.push(value));
    let told = findings.iter().map(|finding| {
        let place = finding.place.as_ref().unwrap();
        let Target::Bytes { from, to } = place.target else { panic!("bytes") };
        let severity = if finding.severity == Severity::Error { "" } else { " (warning)" };
        format!("{from}..{to} {}{severity}", finding.rule)
    });
    (values, told.collect())
}

/// The value of `v: <text>`, when nothing is wrong with it.
fn clean(text: &str) -> Value {
    let (values, findings) = read(format!("v: {text}\n").as_bytes());
    assert_eq!(findings, Vec::<String>::new(), "{text}");
    values[0]["v"].clone()
}

fn told(text: &str) -> Vec<String> {
    read(text.as_bytes()).1
}

#[test]
fn plain_scalars_mean_what_the_core_schema_says() {
    let rows = [
        ("", json!(null)),
        ("~", json!(null)),
        ("null", json!(null)),
        ("Null", json!(null)),
        ("NULL", json!(null)),
        ("nULL", json!("nULL")),
        ("true", json!(true)),
        ("True", json!(true)),
        ("TRUE", json!(true)),
        ("false", json!(false)),
        ("False", json!(false)),
        ("FALSE", json!(false)),
        ("tRUE", json!("tRUE")),
        ("y", json!("y")),
        ("n", json!("n")),
        ("0", json!(0)),
        ("12", json!(12)),
        ("-7", json!(-7)),
        ("+7", json!(7)),
        ("-0", json!(0)),
        ("0x1F", json!(31)),
        ("0x", json!("0x")),
        ("0o9", json!("0o9")),
        ("-0x1", json!("-0x1")),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1.5", json!(1.5)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("-.5", json!(-0.5)),
        ("1.0", json!(1.0)),
        ("0.25", json!(0.25)),
        ("+1.5e+3", json!(1500.0)),
        ("010.5", json!(10.5)),
        ("1e", json!("1e")),
        ("1.2.3", json!("1.2.3")),
        (".", json!(".")),
        ("+", json!("+")),
        ("..5", json!("..5")),
        (".e3", json!(".e3")),
        ("1,000", json!("1,000")),
        ("12:60", json!("12:60")),
        ("12:5a", json!("12:5a")),
        ("00:1b:44:11:3a:b7", json!("00:1b:44:11:3a:b7")),
        ("1.2_3.4", json!("1.2_3.4")),
        ("0b12", json!("0b12")),
        ("2027-03-01", json!("2027-03-01")),
        ("2027-03-01T00:00:00Z", json!("2027-03-01T00:00:00Z")),
        ("10.0.0.1", json!("10.0.0.1")),
        ("kiosk", json!("kiosk")),
        ("a b", json!("a b")),
        ("50%", json!("50%")),
        ("infinity", json!("infinity")),
    ];
    for (text, value) in rows {
        assert_eq!(clean(text), value, "{text}");
    }
}

#[test]
fn quoted_scalars_are_texts() {
    for (text, value) in [("'yes'", "yes"), ("\"010\"", "010"), ("'null'", "null"), ("\"\\u00fc\"", "ü"), ("''", "")] {
        assert_eq!(clean(text), json!(value), "{text}");
    }
    assert_eq!(clean("|\n  010\n"), json!("010\n"));
    assert_eq!(clean(">-\n  a\n  b\n"), json!("a b"));
}

#[test]
fn texts_that_other_tools_read_otherwise_are_warned_of() {
    for text in ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "010", "-010", "00"] {
        let (values, findings) = read(format!("v: {text}").as_bytes());
        assert_eq!(values[0]["v"], json!(text));
        assert_eq!(findings, [format!("3..{} yaml-trap (warning)", 3 + text.len())]);
    }
    assert_eq!(told("on: 1\n"), ["0..2 yaml-trap (warning)"]);
    for text in ["03:00", "12:30:45", "-1:30", "16:9", "1_000", "1_0.5", "0777", "0b101"] {
        let (values, findings) = read(format!("v: {text}").as_bytes());
        assert_eq!(values[0]["v"], json!(text));
        assert_eq!(findings, [format!("3..{} yaml-trap (warning)", 3 + text.len())]);
    }
}

#[test]
fn numbers_that_other_tools_read_otherwise_and_lost_zeros_are_warned_of() {
    for (text, value, rule) in [
        ("0o17", json!(15), "yaml-trap"),
        ("1e3", json!(1000.0), "yaml-trap"),
        ("1E-3", json!(0.001), "yaml-trap"),
        ("1.10", json!(1.1), "yaml-digits"),
        ("24.10", json!(24.1), "yaml-digits"),
        ("2.00", json!(2.0), "yaml-digits"),
    ] {
        let (values, findings) = read(format!("v: {text}").as_bytes());
        assert_eq!(values[0]["v"], value, "{text}");
        assert_eq!(findings, [format!("3..{} {rule} (warning)", 3 + text.len())]);
    }
}

#[test]
fn numbers_that_a_twin_cannot_hold_are_refused() {
    for text in [".inf", "-.inf", "+.INF", ".nan", ".NaN", "9223372036854775808", "1e999", "0xFFFFFFFFFFFFFFFFF"] {
        assert_eq!(told(&format!("v: {text}")), [format!("3..{} yaml-number", 3 + text.len())]);
    }
}

#[test]
fn tags_of_the_core_schema_are_obeyed_and_others_refused() {
    assert_eq!(clean("!!str 12"), json!("12"));
    assert_eq!(clean("!!str yes"), json!("yes"));
    assert_eq!(clean("! 12"), json!("12"));
    assert_eq!(clean("!!int '12'"), json!(12));
    assert_eq!(clean("!!float 1"), json!(1.0));
    assert_eq!(clean("!!bool true"), json!(true));
    assert_eq!(clean("!!seq [1]"), json!([1]));
    assert_eq!(clean("!!map {a: 1}"), json!({"a": 1}));
    for text in ["!!int x", "!Ref x", "!!binary aGk=", "!!set {a: 1}", "!x [1]", "!!timestamp 2027-01-01"] {
        let rules: Vec<_> =
            told(&format!("v: {text}")).iter().map(|t| t.split(' ').nth(1).unwrap().to_owned()).collect();
        assert_eq!(rules, ["yaml-tag"], "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_is_told_with_both_places() {
    let mut findings = Vec::new();
    let text = b"a:\n  - x/y: 1\n    x/y: 2\n";
    documents(&"a.yaml".into(), text, &mut findings, |_, value, _| assert_eq!(value, json!({"a": [{"x/y": 1}]})));
    assert_eq!(findings[0].rule, "yaml-duplicate-key");
    assert_eq!(findings[0].place.as_ref().unwrap().target, Target::Bytes { from: 18, to: 21 });
    assert_eq!(findings[0].related[0].0.target, Target::Key("/a/0/x~1y".into()));
}

#[test]
fn only_texts_are_keys() {
    for key in ["1", "true", "null", "1.5", "[a]", "{a: b}", "0x1F", "~"] {
        let rules = told(&format!("? {key}\n: v\n"));
        assert!(rules.len() == 1 && rules[0].ends_with("yaml-key"), "{key}: {rules:?}");
    }
    assert_eq!(told("'1': a\n\"true\": b\n!!str 2: c\n3rd: d\n"), Vec::<String>::new());
}

#[test]
fn merge_keys_are_refused_with_advice() {
    assert_eq!(told("a: &a {x: 1}\nb: {<<: *a, y: 2}\n"), ["17..19 yaml-merge-key"]);
    assert_eq!(told("'<<': 1\n"), Vec::<String>::new());
}

#[test]
fn aliases_repeat_what_was_anchored_in_the_same_document() {
    let (values, findings) = read(b"a: &a {x: [1, &s two]}\nb: *a\nc: *s\n? *s\n: d\n");
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(values, [json!({"a": {"x": [1, "two"]}, "b": {"x": [1, "two"]}, "c": "two", "two": "d"})]);
    assert_eq!(told("a: &a 1\n---\nb: *a\n"), ["15..15 yaml-syntax"]);
    assert_eq!(told("a: &a [*a]\n"), ["7..9 yaml-alias"]);
}

#[test]
fn a_bomb_of_aliases_is_refused_quickly() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text = format!("{text}a{level}: &a{level} [{aliases}]\n");
    }
    let rules = told(&text);
    assert!(rules.len() == 1 && rules[0].ends_with("yaml-alias"), "{rules:?}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(200_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
        let rules = told(&text);
        assert!(rules.len() == 1 && !rules[0].ends_with(')'), "{rules:?}");
    }
    let nested = "&a ".to_owned() + &"[".repeat(60) + &"]".repeat(60) + "\n";
    assert_eq!(told(&format!("- {nested}- [[[[[*a]]]]]\n")).len(), 1);
}

#[test]
fn a_fault_of_syntax_does_not_hide_the_next_document() {
    let (values, findings) = read(b"a: [1\n---\nb: 2\n---\nc: 3: 4\n---\nd: 4\n");
    assert_eq!(values, [json!({"b": 2}), json!({"d": 4})]);
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn everything_wrong_with_a_document_is_told() {
    assert_eq!(told("a: yes\na: 2\n1: x\nb: !Ref y\nc: .inf\n").len(), 5);
}

#[test]
fn many_findings_end_with_one_that_says_so() {
    let text = (0..1000).map(|n| format!("k{n}: yes\n")).collect::<Vec<_>>().concat();
    let rules = told(&text);
    assert_eq!(rules.len(), 101);
    assert!(rules[100].ends_with("yaml-more"));
}

#[test]
fn a_byte_order_mark_may_lead_and_nothing_else() {
    assert_eq!(read("\u{FEFF}a: 1\n".as_bytes()), (vec![json!({"a": 1})], vec![]));
    assert_eq!(told("a: \u{FEFF}1\n"), ["3..6 yaml-text"]);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(read(b"a: \xFF\n"), (vec![], vec!["3..4 yaml-text".into()]));
    assert_eq!(told("a: 1\0\n"), ["4..5 yaml-text"]);
    assert_eq!(read(b"\xFF\xFEa\0").1, ["0..1 yaml-text"]);
}

#[test]
fn tabs_do_not_indent() {
    assert_eq!(told("a:\n\tb: 1\n").len(), 1);
}

#[test]
fn carriage_returns_and_characters_place_right() {
    assert_eq!(told("ü: 'ä' # ö\r\nb: no\r\n"), ["18..20 yaml-trap (warning)"]);
    assert_eq!(read(b"a: |\r\n  x\r\n  y\r\n").0, [json!({"a": "x\ny\n"})]);
}

#[test]
fn documents_without_content_are_passed_over() {
    assert_eq!(read(b"---\n# nothing\n---\na: 1\n...\n---\n").0, [json!({"a": 1})]);
}

fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|v| is_within(v, depth - 1)),
        Value::Object(members) => depth > 0 && members.values().all(|v| is_within(v, depth - 1)),
        _ => true,
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }

    #[test]
    fn any_text_of_yaml_signs_is_read_or_refused(text in "[-a-c0-1:,&*?!|>'\"%#\\[\\]{}~<. \\t\\n\\r\u{E4}]{0,80}") {
        let (values, findings) = read(text.as_bytes());
        prop_assert!(values.iter().all(|value| is_within(value, DEPTH)));
        for document in split(text.as_bytes()) {
            Tree::read(&document);
        }
        for finding in findings {
            let (span, _) = finding.split_once(' ').unwrap();
            let (from, to) = span.split_once("..").unwrap();
            prop_assert!(from.parse::<usize>().unwrap() <= text.len() && to.parse::<usize>().unwrap() <= text.len());
        }
    }

    #[test]
    fn json_means_the_same_as_yaml(value in json_value()) {
        let text = serde_json::to_string(&json!({ "v": value })).unwrap();
        let (values, findings) = read(text.as_bytes());
        prop_assert_eq!(findings, Vec::<String>::new());
        prop_assert_eq!(&values[0]["v"], &value);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\u{A1}-\u{17F}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map("[ -~]{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
