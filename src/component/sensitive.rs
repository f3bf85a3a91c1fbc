//! Values that a schema marks as secret: `x-twinops-sensitive: true` beside a value's description.

use std::sync::Arc;

use serde_json::Value;

use super::Registry;
use crate::twin::{Map, set_path};

/// The member of a schema that marks its values.
pub(super) const SENSITIVE: &str = "x-twinops-sensitive";

/// How deep references are followed: a schema may refer to itself.
const DEEPEST: usize = 32;

/// The keys that lead to a value.
type Way = Vec<Arc<str>>;

impl Registry {
    /// The ways to values of a section that the components' schemas mark; for one inside an array, the way to the array.
    /// Where a schema leaves open whether it is the marked one, it is.
    pub fn sensitive(&self, section: &Map) -> Vec<Way> {
        let mut all = Vec::new();
        for piece in self.pieces(section) {
            let Some(component) = piece.schema.filter(|component| component.sensitive) else { continue };
            let mut search = Search { root: &component.schema, way: piece.keys, found: &mut all };
            search.value(&component.schema, piece.value, 0);
        }
        all.sort();
        all.dedup();
        all
    }

    /// Whether a value at this place, wherever it comes from, holds something that a schema marks.
    pub fn is_sensitive(&self, keys: &[Arc<str>], value: &Value) -> bool {
        let Some(first) = keys.first() else { return false };
        if !self.iter().any(|component| component.sensitive && component.keys().next() == Some(&**first)) {
            return false;
        }
        let mut section = Map::new();
        set_path(&mut section, keys, value.clone());
        !self.sensitive(&section).is_empty()
    }
}

/// Whether a schema marks anything at all.
pub(super) fn marks(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.get(SENSITIVE) == Some(&Value::Bool(true)) || members.values().any(marks),
        Value::Array(items) => items.iter().any(marks),
        _ => false,
    }
}

struct Search<'s> {
    root: &'s Value,
    way: Way,
    found: &'s mut Vec<Way>,
}

impl Search<'_> {
    fn value(&mut self, schema: &Value, value: &Value, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        if depth > DEEPEST || value.is_null() {
            return;
        }
        if keywords.get(SENSITIVE) == Some(&Value::Bool(true)) {
            self.found.push(self.way.clone());
            return;
        }
        for (keyword, part) in keywords {
            match (keyword.as_str(), part) {
                ("$ref", Value::String(to)) => {
                    let target = to.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
                    if let Some(schema) = target {
                        self.value(schema, value, depth + 1);
                    }
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                    for part in parts {
                        self.value(part, value, depth + 1);
                    }
                }
                ("if" | "then" | "else" | "dependentSchemas", part) => self.value(part, value, depth + 1),
                _ => {}
            }
        }
        match value {
            Value::Object(members) => self.members(keywords, members, depth),
            Value::Array(items) => {
                let parts = ["items", "prefixItems", "additionalItems", "contains"].into_iter();
                if parts.filter_map(|keyword| keywords.get(keyword)).any(|part| marks(part) && !items.is_empty()) {
                    self.found.push(self.way.clone());
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, keywords: &Map, members: &Map, depth: usize) {
        let named = |keyword: &str| keywords.get(keyword).and_then(Value::as_object);
        for (key, value) in members {
            let own = named("properties").and_then(|properties| properties.get(key));
            let by_pattern = named("patternProperties").into_iter().flat_map(Map::values);
            let others = ["additionalProperties", "unevaluatedProperties"].into_iter();
            let others = others.filter_map(|keyword| keywords.get(keyword)).filter(|_| own.is_none());
            self.way.push(key.as_str().into());
            for schema in own.into_iter().chain(by_pattern).chain(others) {
                self.value(schema, value, depth + 1);
            }
            self.way.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::component::{ComponentSchema, Convention};

    fn ways(schema: Value, value: Value) -> Vec<String> {
        let registry: Registry = [ComponentSchema::new("pump", schema, Convention::Echo)].into_iter().collect();
        let section = Map::from_iter([("pump".to_owned(), value)]);
        registry.sensitive(&section).into_iter().map(|way| way.join(".")).collect()
    }

    #[test]
    fn a_mark_is_found_wherever_a_schema_can_hold_one() {
        let secret = json!({"type": "string", SENSITIVE: true});
        let value = json!({"key": "a", "user": "b"});
        for schema in [
            json!({"properties": {"key": secret}}),
            json!({"patternProperties": {"^k": secret}, "properties": {"user": {}}}),
            json!({"additionalProperties": secret, "properties": {"user": {}}}),
            json!({"allOf": [{"properties": {"key": secret}}]}),
            json!({"if": {}, "then": {"properties": {"key": secret}}}),
            json!({"properties": {"key": {"$ref": "#/$defs/key"}}, "$defs": {"key": secret}}),
        ] {
            assert!(ways(schema.clone(), value.clone()).contains(&"pump.key".to_owned()), "{schema}");
        }
        assert_eq!(ways(json!({"properties": {"key": {"type": "string"}}}), value), [""; 0]);
    }

    #[test]
    fn a_mark_covers_all_below_it_and_an_array_is_one_value() {
        let whole = json!({"properties": {"login": {SENSITIVE: true, "properties": {"key": {}}}}});
        assert_eq!(ways(whole, json!({"login": {"key": "a"}})), ["pump.login"]);
        let list = json!({"properties": {"keys": {"items": {SENSITIVE: true}}}});
        assert_eq!(ways(list, json!({"keys": ["a", "b"]})), ["pump.keys"]);
        assert_eq!(ways(json!({SENSITIVE: true}), json!("a")), ["pump"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        let schema = json!({"properties": {"next": {"$ref": "#"}, "key": {SENSITIVE: true}}});
        assert_eq!(ways(schema, json!({"next": {"next": {"key": "a"}}})), ["pump.next.next.key"]);
        assert_eq!(ways(json!({"$ref": "#", "properties": {"key": {SENSITIVE: true}}}), json!({})), [""; 0]);
    }

    #[test]
    fn the_schemas_of_this_crate_mark_what_opens_a_storage_account() {
        let registry = Registry::builtin();
        let keys = ["windows", "externalStorage", "connectionString"].map(Arc::from);
        assert!(registry.is_sensitive(&keys, &json!("x")));
        assert!(registry.is_sensitive(&keys[..1], &json!({"externalStorage": {"connectionString": "x"}})));
        assert!(!registry.is_sensitive(&["time".into()], &json!({"timeZone": "UTC"})));
    }
}
