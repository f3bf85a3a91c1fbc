//! What a JSON Schema says of a value, as far as a form needs it.

use serde_json::Value;

/// References that are followed one after the other.
const STEPS: usize = 8;

/// A place in a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described<'s> {
    /// References begin here.
    root: &'s Value,
    /// As it is referred to: its own words come before those of what it refers to.
    outer: &'s Value,
    at: &'s Value,
}

impl<'s> Described<'s> {
    /// A whole schema.
    pub(super) fn new(root: &'s Value) -> Self {
        Self::at(root, root)
    }

    /// A schema within another one.
    pub(super) fn at(root: &'s Value, outer: &'s Value) -> Self {
        Self { root, outer, at: resolved(root, outer) }
    }

    fn within(self, schema: &'s Value) -> Self {
        Self::at(self.root, schema)
    }

    /// What describes a member of an object, named or not.
    pub(super) fn member(self, key: &str) -> Option<Self> {
        let named = self.at.get("properties").and_then(|members| members.get(key));
        let other = || self.at.get("additionalProperties").filter(|schema| schema.is_object());
        named.or_else(other).map(|schema| self.within(schema))
    }

    /// The members that an object is known to have.
    pub(super) fn members(self) -> impl Iterator<Item = (&'s str, Self)> {
        let members = self.at.get("properties").and_then(Value::as_object);
        members.into_iter().flatten().map(move |(key, schema)| (key.as_str(), self.within(schema)))
    }

    /// What describes the items of a list.
    pub(super) fn items(self) -> Option<Self> {
        self.at.get("items").filter(|schema| schema.is_object()).map(|schema| self.within(schema))
    }

    /// Whether the object cannot do without that member.
    pub(super) fn demands(self, key: &str) -> bool {
        let required = self.at.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|name| name == key))
    }

    /// The one type, `null` left aside.
    pub(super) fn kind(self) -> Option<&'s str> {
        match self.at.get("type")? {
            Value::String(kind) => Some(kind),
            Value::Array(kinds) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
                kinds.next().filter(|_| kinds.next().is_none())
            }
            _ => None,
        }
    }

    /// The values that it may have, where these are few and have no parts.
    pub(super) fn choices(self) -> Option<Vec<Value>> {
        let constant = |schema: &Value| schema.get("const").cloned();
        let branches = ["oneOf", "anyOf"].into_iter().find_map(|word| self.at.get(word)?.as_array());
        let listed = self.at.get("enum").and_then(Value::as_array).cloned();
        let found = listed.or_else(|| constant(self.at).map(|only| vec![only]));
        let found: Vec<Value> = found.or_else(|| branches?.iter().map(constant).collect())?;
        let plain = |value: &Value| !value.is_object() && !value.is_array();
        Some(found.into_iter().filter(|value| !value.is_null()).collect::<Vec<_>>()).filter(|all| all.iter().all(plain))
    }

    /// What it is for, in its own words.
    pub(super) fn words(self) -> String {
        let said = |schema: &Value| schema.get("description").and_then(Value::as_str).map(str::to_owned);
        let mut words = said(self.outer).or_else(|| said(self.at)).unwrap_or_default();
        let default = self.outer.get("default").or_else(|| self.at.get("default"));
        if let Some(default) = default.filter(|value| !value.is_null()) {
            let gap = if words.is_empty() { "" } else { " " };
            words = format!("{words}{gap}By itself: {default}.");
        }
        words
    }
}

/// The schema that is meant where it only refers to another one, or may be `null` besides.
fn resolved<'s>(root: &'s Value, mut at: &'s Value) -> &'s Value {
    for _ in 0..STEPS {
        let referred = at.get("$ref").and_then(Value::as_str).and_then(|to| root.pointer(to.strip_prefix('#')?));
        let only = || {
            let branches = ["allOf", "anyOf", "oneOf"].into_iter().find_map(|word| at.get(word)?.as_array())?;
            let mut real = branches.iter().filter(|branch| branch.get("type").is_none_or(|kind| kind != "null"));
            real.next().filter(|_| real.next().is_none() && at.get("properties").is_none())
        };
        match referred.or_else(only) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}
