//! The arithmetic of twins (protocol reference 4, 5.5), written a second time and another way than in the hub.

use serde_json::{Map, Value};

/// How a body writes a section.
pub(crate) enum Section {
    Merge(Map<String, Value>),
    Replace(Map<String, Value>),
}

impl Section {
    /// A section as a body has it; nothing if it is left alone.
    pub(crate) fn read(
        section: Option<&Value>,
        replaces: bool,
        ignored: &[&str],
    ) -> Result<Option<Self>, &'static str> {
        let mut values = match section {
            None if replaces => return Ok(Some(Self::Replace(Map::new()))),
            None => return Ok(None),
            Some(Value::Null) => return Ok(Some(Self::Replace(Map::new()))),
            Some(section) => section.as_object().ok_or("ArgumentInvalid")?.clone(),
        };
        values.retain(|key, _| !ignored.contains(&key.as_str()));
        if has_dollar(&values.clone().into()) {
            return Err("ArgumentInvalid");
        }
        Ok(Some(if replaces { Self::Replace(values) } else { Self::Merge(values) }))
    }

    /// What there is afterwards.
    pub(crate) fn after(&self, before: &Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::Merge(patch) => merge(before, patch),
            Self::Replace(values) => merge(&Map::new(), values),
        }
    }
}

/// RFC 7396; below a key that is not there, a patch of nulls leaves an empty object.
pub(crate) fn merge(before: &Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut after: Map<_, _> = before.clone();
    for (key, change) in patch {
        let old = after.remove(key);
        let new = match (old, change) {
            (_, Value::Null) => continue,
            (Some(Value::Object(old)), Value::Object(change)) => merge(&old, change).into(),
            (_, Value::Object(change)) => merge(&Map::new(), change).into(),
            (_, other) => other.clone(),
        };
        after.insert(key.clone(), new);
    }
    after
}

/// The patch that a device is told when its desired properties are replaced.
pub(crate) fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let there = new.iter().map(|(key, value)| match (old.get(key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => (key.clone(), difference(old, new).into()),
        _ => (key.clone(), value.clone()),
    });
    let patch = gone.chain(there).collect();
    assert_eq!(merge(old, &patch), *new, "a device that merges ends where the service does");
    patch
}

/// Whether a patch writes or deletes what is the hub's.
pub(crate) fn has_dollar(patch: &Value) -> bool {
    let members = patch.as_object().into_iter().flatten();
    members.into_iter().any(|(key, value)| key.contains('$') || has_dollar(value))
}

/// Whether a hub keeps this as a section of so many bytes.
pub(crate) fn fits(values: &Map<String, Value>, most: usize) -> bool {
    let section = Value::Object(values.clone());
    size(&section) <= most && depth(&section) <= 10 && is_sound(&section, false)
}

fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_control()).map(char::len_utf8).sum()
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => length(text),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(key, value)| length(key) + size(value)).sum(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn is_sound(value: &Value, in_array: bool) -> bool {
    match value {
        Value::Null => !in_array,
        Value::Bool(_) => true,
        Value::Number(number) if number.is_f64() => true,
        Value::Number(number) => number.as_i64().is_some_and(|whole| (-(1 << 52)..1 << 52).contains(&whole)),
        Value::String(text) => text.len() <= 4096,
        Value::Array(items) => items.iter().all(|item| is_sound(item, true)),
        Value::Object(members) => members.iter().all(|(key, value)| is_key(key) && is_sound(value, in_array)),
    }
}

fn is_key(key: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '.' | '$' | '#' | ' ');
    key.len() <= 1024 && !key.contains(is_odd)
}
