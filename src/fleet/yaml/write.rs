//! YAML as people write it: block mappings, quotes only where they are needed, texts of several lines as such.

use std::fmt::Write as _;

use serde_json::Value;

use crate::twin::Map;

/// Words that some YAML tool or other takes for something else than a text.
const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
/// The longest list that stays on its line.
const LIST: usize = 90;

/// Writes the members of a mapping, each on its line, `indent` spaces in.
pub(crate) fn members(members: &Map, indent: usize, out: &mut String) {
    for (key, value) in members {
        pad(indent, out);
        scalar(key, out);
        out.push(':');
        member(value, indent, out);
    }
}

/// Writes what stands behind a key and its colon, to the end of the line or lines.
fn member(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(below) if !below.is_empty() => {
            out.push('\n');
            members(below, indent + 2, out);
        }
        Value::String(text) if is_block(text) => block(text, indent + 2, out),
        Value::Array(items) if !fits(items) => {
            out.push('\n');
            for item in items {
                list_item(item, indent + 2, out);
            }
        }
        other => {
            out.push(' ');
            flow(other, out);
            out.push('\n');
        }
    }
}

pub(in crate::fleet) fn list_item(item: &Value, indent: usize, out: &mut String) {
    pad(indent, out);
    out.push('-');
    match item {
        // The first member stands behind the dash, where its own indentation would be.
        Value::Object(below) if !below.is_empty() => {
            let start = out.len();
            members(below, indent + 2, out);
            out.replace_range(start..start + indent + 2, " ");
        }
        other => {
            out.push(' ');
            flow(other, out);
            out.push('\n');
        }
    }
}

/// A value on one line.
pub(in crate::fleet) fn flow(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => scalar(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                flow(item, out);
            }
            out.push(']');
        }
        Value::Object(members) if members.is_empty() => out.push_str("{}"),
        Value::Object(members) => {
            for (at, (key, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "{ " } else { ", " });
                scalar(key, out);
                out.push_str(": ");
                flow(value, out);
            }
            out.push_str(" }");
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// Whether a list is short and plain enough for one line.
fn fits(items: &[Value]) -> bool {
    let plain = items.iter().all(|item| !item.is_object() && !item.is_array());
    plain && items.iter().map(|item| item.as_str().map_or(6, str::len) + 2).sum::<usize>() <= LIST
}

/// A text, in quotes unless nobody can take it for anything else.
pub(crate) fn scalar(text: &str, out: &mut String) {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '/'));
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if first && rest && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        out.push_str(text);
    } else {
        quoted(text, out);
    }
}

/// A sentence such as a condition: without quotes if it cannot end before its end.
pub(crate) fn sentence(text: &str, out: &mut String) {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '(');
    let plain = text.chars().all(|c| (' '..='~').contains(&c) && !matches!(c, '"' | '#'));
    if first && plain && !text.contains(": ") && !text.ends_with([' ', ':']) {
        out.push_str(text);
    } else {
        quoted(text, out);
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_shown(c) => out.push(c),
            // Nothing beyond four digits is hidden. Writing to a String does not fail.
            c => _ = write!(out, "\\u{:04X}", u32::from(c)),
        }
    }
    out.push('"');
}

/// Whether YAML lets a character stand as it is, and an editor shows it.
fn is_shown(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A0}'..='\u{2027}' | '\u{202A}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}'
        | '\u{FF00}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a text of several lines can stand as it is.
pub(in crate::fleet) fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let shown = text.chars().all(|c| c == '\n' || is_shown(c));
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    text.contains('\n')
        && shown
        && !body.is_empty()
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && !body.lines().any(blank)
}

pub(in crate::fleet) fn block(text: &str, indent: usize, out: &mut String) {
    out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            pad(indent, out);
        }
        out.push_str(line);
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: Value) -> String {
        let Value::Object(all) = value else { panic!("an object") };
        let mut out = String::new();
        members(&all, 0, &mut out);
        out
    }

    #[test]
    fn it_looks_as_if_somebody_had_written_it() {
        let text = written(json!({
            "a": {"on": "yes", "time": "03:00", "zone": "Europe/Oslo", "n": 1, "none": {}, "list": ["x", 2]},
            "motd": "hello\n\n  world\n",
            "deps": [{"url": "https://x", "sha256": "ab"}, {"url": "y"}],
        }));
        let expected = "a:\n  list: [x, 2]\n  \"n\": 1\n  none: {}\n  \"on\": \"yes\"\n  time: \"03:00\"\n  zone: Europe/Oslo\n\
                        deps:\n  - sha256: ab\n    url: \"https://x\"\n  - url: \"y\"\nmotd: |\n  hello\n\n    world\n";
        assert_eq!(text, expected);
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![any::<String>(), "[ -~\n]{0,40}", "[a-z:#'\"-]{1,6}", "[0-9.eE+-]{1,6}"];
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{0,8}|[a-z]{1,4}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_what_it_was(value in value()) {
            let text = written(json!({ "v": value }));
            let read: Value = serde_yaml::from_str(&text).unwrap();
            prop_assert!(crate::twin::same(&read["v"], &value), "{}", text);
        }
    }
}
