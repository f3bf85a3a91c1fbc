//! What of JSON Schema the agent checks by itself, without a library that would weigh as much as the agent. `twinops
//! validate` checks all of it before a value gets into a twin, and the resource has the last word; what is not known here
//! (`pattern`, `format`, `if`, other documents) is let through.

use serde_json::Value;

/// Schemas within schemas, at most: one may refer to itself.
const DEEPEST: u32 = 64;

/// A value that its schema does not allow. Holds no value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", if path.is_empty() { String::new() } else { format!("`{path}`: ") })]
pub struct Mismatch {
    /// Its place in the instance, `a.b`.
    pub path: String,
    /// In words.
    pub why: String,
}

/// Checks an instance against its schema.
///
/// # Errors
/// At the first place that does not fit.
pub fn check(schema: &Value, instance: &Value) -> Result<(), Mismatch> {
    Checker { root: schema }.value(schema, instance, "", 0)
}

struct Checker<'a> {
    root: &'a Value,
}

type Checked = Result<(), Mismatch>;

fn no(path: &str, why: impl Into<String>) -> Checked {
    Err(Mismatch { path: path.to_owned(), why: why.into() })
}

impl Checker<'_> {
    fn value(&self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        let Value::Object(rules) = schema else {
            return if schema == &Value::Bool(false) { no(path, "it cannot be set") } else { Ok(()) };
        };
        if depth > DEEPEST {
            return no(path, "its schema is too deep");
        }
        if let Some(place) = rules.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'))
            && let Some(target) = self.root.pointer(place)
        {
            self.value(target, value, path, depth + 1)?;
        }
        if rules.get("readOnly") == Some(&Value::Bool(true)) {
            return no(path, "it is read-only");
        }
        kind(schema, value, path)?;
        bounds(schema, value, path)?;
        self.members(schema, value, path, depth)?;
        self.combined(schema, value, path, depth)
    }

    fn members(&self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        if let (Some(items), Value::Array(values)) = (schema.get("items"), value) {
            for (at, value) in values.iter().enumerate() {
                self.value(items, value, &join(path, &at.to_string()), depth + 1)?;
            }
        }
        let Value::Object(members) = value else { return Ok(()) };
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.into_iter().find(|name| !members.contains_key(*name)) {
            return no(path, format!("`{missing}` is missing"));
        }
        let known = schema.get("properties");
        let patterns = schema.get("patternProperties").is_some();
        for (name, value) in members {
            let path = join(path, name);
            match (known.and_then(|known| known.get(name)), schema.get("additionalProperties")) {
                (Some(rules), _) => self.value(rules, value, &path, depth + 1)?,
                (None, Some(Value::Bool(false))) if !patterns => return no(&path, "the resource has no such property"),
                (None, Some(rules)) if !patterns => self.value(rules, value, &path, depth + 1)?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    fn combined(&self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        let several = |word: &str| schema.get(word).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for rules in several("allOf") {
            self.value(rules, value, path, depth + 1)?;
        }
        for word in ["anyOf", "oneOf"] {
            let ways = several(word);
            let fits = |rules: &Value| self.value(rules, value, path, depth + 1).is_ok();
            // More than one may fit here of what only a keyword not known here tells apart.
            if !ways.is_empty() && !ways.iter().any(fits) {
                return no(path, "it has none of the forms that it may have");
            }
        }
        Ok(())
    }
}

fn kind(schema: &Value, value: &Value, path: &str) -> Checked {
    let fits = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !names.is_empty() && !names.iter().any(|name| fits(name)) {
        return no(path, format!("it must be of the type {}", names.join(" or ")));
    }
    match (schema.get("enum").and_then(Value::as_array), schema.get("const")) {
        (Some(allowed), _) if !allowed.contains(value) => {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            no(path, format!("it must be one of {}", allowed.join(", ")))
        }
        (_, Some(only)) if only != value => no(path, format!("it must be {only}")),
        _ => Ok(()),
    }
}

fn bounds(schema: &Value, value: &Value, path: &str) -> Checked {
    let bound = |word: &str| schema.get(word).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "nothing in a twin is that long")]
    let (size, what) = match value {
        Value::Number(number) => (number.as_f64(), ["minimum", "maximum"]),
        Value::String(text) => (Some(text.chars().count() as f64), ["minLength", "maxLength"]),
        Value::Array(items) => (Some(items.len() as f64), ["minItems", "maxItems"]),
        _ => return Ok(()),
    };
    let Some(size) = size else { return Ok(()) };
    match what.map(bound) {
        [Some(least), _] if size < least => no(path, format!("`{}` is {least}", what[0])),
        [_, Some(most)] if size > most => no(path, format!("`{}` is {most}", what[1])),
        _ => Ok(()),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(schema: Value, value: Value) -> String {
        check(&schema, &value).map_or_else(|mismatch| mismatch.to_string(), |()| "fits".to_owned())
    }

    #[test]
    fn values_of_another_form_are_told_with_their_place() {
        let schema = json!({
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "minLength": 2 },
                "size": { "$ref": "#/$defs/size" },
                "mode": { "enum": ["a", "b"] },
                "tags": { "type": "array", "items": { "type": ["string", "null"] }, "maxItems": 2 },
                "seen": { "readOnly": true },
                "_exist": { "$ref": "https://aka.ms/dsc/schemas/v3/resource/properties/exist.json" }
            },
            "$defs": { "size": { "type": "integer", "minimum": 1 } }
        });
        for (value, word) in [
            (json!({ "name": "xy", "size": 3, "mode": "a", "tags": ["x", null], "_exist": false }), "fits"),
            (json!({ "name": "xy", "size": 1.0 }), "fits"),
            (json!([]), "it must be of the type object"),
            (json!({}), "`name` is missing"),
            (json!({ "name": "x" }), "`name`: `minLength` is 2"),
            (json!({ "name": "xy", "size": 0 }), "`size`: `minimum` is 1"),
            (json!({ "name": "xy", "size": 1.5 }), "`size`: it must be of the type integer"),
            (json!({ "name": "xy", "mode": "c" }), "`mode`: it must be one of \"a\", \"b\""),
            (json!({ "name": "xy", "tags": ["a", 1] }), "`tags.1`: it must be of the type string or null"),
            (json!({ "name": "xy", "tags": ["a", "b", "c"] }), "`tags`: `maxItems` is 2"),
            (json!({ "name": "xy", "seen": 1 }), "`seen`: it is read-only"),
            (json!({ "name": "xy", "other": 1 }), "`other`: the resource has no such property"),
        ] {
            assert_eq!(told(schema.clone(), value.clone()), word, "{value}");
        }
    }

    #[test]
    fn forms_are_combined_and_a_schema_that_names_itself_ends() {
        let either =
            json!({ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }], "allOf": [{ "type": "object" }] });
        assert_eq!(told(either.clone(), json!({ "b": 1 })), "fits");
        assert_eq!(told(either, json!({ "c": 1 })), "it has none of the forms that it may have");
        assert_eq!(told(json!({ "$ref": "#" }), json!(1)), "its schema is too deep");
        assert_eq!(told(json!(false), json!(1)), "it cannot be set");
        assert_eq!(told(json!({ "const": 1 }), json!(2)), "it must be 1");
    }
}
