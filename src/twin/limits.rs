//! What a hub refuses, known before it is asked (protocol reference 5.5).

use serde_json::Value;

use super::{Map, PropertyPath, Section};

/// Deepest nesting of objects and arrays.
pub const DEPTH: usize = 10;
/// Longest key, in bytes of UTF-8.
pub const KEY_BYTES: usize = 1024;
/// Longest string value, in bytes of UTF-8.
pub const STRING_BYTES: usize = 4096;
/// Smallest and greatest integer.
pub const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;

/// One reason for which a hub would refuse a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value or key at fault; the section itself when it is too big as a whole.
    pub path: PropertyPath,
    /// What the rule is, and how it is broken.
    pub message: String,
}

impl Section {
    /// Most bytes that a hub keeps of this section, by its own way of counting ([`size`]).
    pub const fn capacity(self) -> usize {
        match self {
            Self::Tags => 8 * 1024,
            Self::Desired | Self::Reported => 32 * 1024,
        }
    }
}

/// The size of a section as the hub counts it: keys and values, not JSON text. Members that are null are not stored.
pub fn size(section: &Map) -> usize {
    let stored = section.iter().filter(|(_, value)| !value.is_null());
    stored.map(|(key, value)| text_size(key) + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text_size(text),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(members) => size(members),
    }
}

fn text_size(text: &str) -> usize {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_control()) {
        return text.len();
    }
    text.chars().filter(|c| !c.is_control()).map(char::len_utf8).sum()
}

/// Everything that a hub would hold against a section; a null is what will not be stored.
/// `$metadata` and `$version` must have been taken out.
pub fn check(section: Section, values: &Map) -> Vec<Violation> {
    check_beside(section, values, 0)
}

/// The same for values that will stand beside `more` bytes.
pub fn check_beside(section: Section, values: &Map, more: usize) -> Vec<Violation> {
    let mut check = Check { section, way: Vec::new(), found: Vec::new() };
    check.members(values, 1);
    let (size, capacity) = (size(values) + more, section.capacity());
    if size > capacity {
        check.report(format!("the merged section has {size} bytes; a hub keeps at most {capacity}"));
    }
    check.found
}

/// Whether an object, or one anywhere below it, has a null for a member; arrays are looked at item by item.
fn holds_null(members: &Map) -> bool {
    members.values().any(|value| value.is_null() || value.as_object().is_some_and(holds_null))
}

struct Check<'v> {
    section: Section,
    way: Vec<&'v str>,
    found: Vec<Violation>,
}

impl<'v> Check<'v> {
    fn report(&mut self, message: String) {
        self.found.push(Violation { path: self.section.path(self.way.iter().copied()), message });
    }

    fn members(&mut self, members: &'v Map, depth: usize) {
        if depth > DEPTH {
            return self.report(format!("nested deeper than {DEPTH} levels"));
        }
        for (key, value) in members {
            self.way.push(key);
            self.key(key);
            self.value(value, depth);
            self.way.pop();
        }
    }

    fn key(&mut self, key: &str) {
        if key.len() > KEY_BYTES {
            self.report(format!("the key has {} bytes; a hub takes at most {KEY_BYTES}", key.len()));
        }
        if let Some(c) = key.chars().find(|c| c.is_control() || matches!(c, '.' | '$' | '#' | ' ')) {
            self.report(format!(
                "the key holds {c:?}; a hub takes no control characters, '.', '$', '#' or ' ' in keys"
            ));
        }
    }

    fn value(&mut self, value: &'v Value, depth: usize) {
        match value {
            Value::Object(members) => self.members(members, depth + 1),
            Value::Array(items) if depth + 1 > DEPTH => {
                let _ = items;
                self.report(format!("nested deeper than {DEPTH} levels"));
            }
            Value::Array(items) => items.iter().for_each(|item| self.item(item, depth + 1)),
            Value::String(text) if text.len() > STRING_BYTES => {
                self.report(format!("the text has {} bytes; a hub takes at most {STRING_BYTES}", text.len()));
            }
            Value::Number(number) => self.number(number),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    fn item(&mut self, item: &'v Value, depth: usize) {
        match item {
            Value::Null => self.report("a null inside an array; a hub takes null only to delete a member".to_owned()),
            Value::Object(members) if holds_null(members) => {
                self.report("a null inside an array; a hub takes null only to delete a member".to_owned());
            }
            _ => self.value(item, depth),
        }
    }

    fn number(&mut self, number: &serde_json::Number) {
        let outside = match number.as_i64() {
            Some(whole) => !INTEGERS.contains(&whole),
            None => number.is_u64(),
        };
        if outside {
            self.report(format!(
                "the integer {number} is outside {} to {}; write it as a string",
                INTEGERS.start(),
                INTEGERS.end()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    fn messages(section: Section, value: Value) -> Vec<String> {
        check(section, &map(value)).into_iter().map(|v| format!("{}: {}", v.path, v.message)).collect()
    }

    #[test]
    fn size_counts_keys_and_values() {
        assert_eq!(
            size(&map(json!({"ab": "xyz", "n": 1.5, "t": true, "o": {"k": [1, 2]}, "u": "ü\n", "x": null}))),
            40
        );
    }

    #[test]
    fn a_section_is_full_at_its_capacity() {
        let fits = json!({"a": "x".repeat(4095), "b": "x".repeat(4095)});
        assert_eq!(messages(Section::Tags, fits), Vec::<String>::new());
        let full = messages(Section::Tags, json!({"a": "x".repeat(4096), "b": "x".repeat(4095)}));
        assert_eq!(full, ["tags: the merged section has 8193 bytes; a hub keeps at most 8192"]);
    }

    #[test]
    fn ten_levels_are_taken_and_eleven_are_not() {
        let nested = |levels| (1..levels).fold(json!({"k": 1}), |inner, _| json!({"k": inner}));
        assert!(messages(Section::Desired, nested(10)).is_empty());
        assert_eq!(messages(Section::Desired, nested(11)).len(), 1);
        let array = |levels| (1..levels).fold(json!({"k": [1]}), |inner, _| json!({"k": inner}));
        assert!(messages(Section::Desired, array(9)).is_empty());
        assert_eq!(messages(Section::Desired, array(10)).len(), 1);
    }

    #[test]
    fn integers_have_52_bits() {
        assert!(messages(Section::Desired, json!({"a": 4_503_599_627_370_495_i64})).is_empty());
        assert_eq!(messages(Section::Desired, json!({"a": 4_503_599_627_370_496_i64})).len(), 1);
        assert_eq!(messages(Section::Desired, json!({"a": u64::MAX})).len(), 1);
    }

    #[test]
    fn a_null_below_an_array_is_refused_however_deep() {
        for array in [json!([null]), json!([{"b": null}]), json!([{"b": {"c": null}}]), json!([[{"b": {"c": null}}]])] {
            assert_eq!(messages(Section::Desired, json!({"a": array})).len(), 1, "{array}");
        }
        assert!(messages(Section::Desired, json!({"a": [{"b": {"c": 1}}]})).is_empty());
    }

    #[test]
    fn each_fault_is_told_with_its_path() {
        let told = messages(Section::Desired, json!({"a b": 1, "c": {"d.e": [null]}}));
        assert_eq!(told.len(), 3);
        assert!(told[0].starts_with("properties.desired.a b: the key holds ' '"), "{told:?}");
        assert!(told[2].contains("null inside an array"), "{told:?}");
    }
}
