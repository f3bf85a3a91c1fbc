//! From the schema of a whole component to that of a part of one, as a profile writes it.

use serde_json::{Map, Value, json};

/// What demands that something be there: only the merged component can be held to it.
const DEMANDS: [&str; 8] =
    ["required", "minProperties", "dependentRequired", "dependentSchemas", "dependencies", "if", "then", "else"];

/// Keywords whose value is a map from names to schemas.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// Keywords whose value is one schema or a list of them.
const NESTED: [&str; 6] = ["allOf", "anyOf", "oneOf", "items", "prefixItems", "additionalItems"];

/// The schema of a part: nothing is demanded to be there, `null` may stand for any member, and a text that refers to
/// something (`${…}`) may stand for any value until it is filled in.
pub(super) fn partial(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut out = relaxed(members);
    let mut outer = Map::new();
    for keyword in ["$id", "$schema", "$defs", "definitions", "title", "description"] {
        if let Some(value) = out.remove(keyword) {
            outer.insert(keyword.to_owned(), value);
        }
    }
    outer.append(&mut open(Value::Object(out), true));
    Value::Object(outer)
}

/// A schema without its demands, members opened.
fn relaxed(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (keyword, value) in schema.iter().filter(|(keyword, _)| !DEMANDS.contains(&keyword.as_str())) {
        let member = matches!(keyword.as_str(), "properties" | "patternProperties" | "additionalProperties");
        let value = match value {
            Value::Object(named) if NAMED.contains(&keyword.as_str()) => {
                named.iter().map(|(name, schema)| (name.clone(), below(schema, member))).collect()
            }
            Value::Object(_) if member || NESTED.contains(&keyword.as_str()) => {
                let inner = below(value, member);
                if keyword == "items" { Value::Object(open(inner, false)) } else { inner }
            }
            Value::Array(list) if NESTED.contains(&keyword.as_str()) => {
                list.iter().map(|schema| below(schema, false)).collect()
            }
            _ => value.clone(),
        };
        // Without its demands, more than one branch may fit.
        let keyword = if keyword == "oneOf" { "anyOf" } else { keyword };
        out.insert(keyword.to_owned(), value);
    }
    out
}

fn below(schema: &Value, member: bool) -> Value {
    match schema {
        Value::Object(members) if member => Value::Object(open(Value::Object(relaxed(members)), true)),
        Value::Object(members) => Value::Object(relaxed(members)),
        other => other.clone(),
    }
}

/// Lets a reference, and for members a null, pass. `if` and `else` rather than `anyOf`: a validator then tells what
/// is wrong with the value instead of that no branch fits.
fn open(schema: Value, nullable: bool) -> Map<String, Value> {
    let Value::Object(mut inner) = schema else {
        return Map::from_iter([("allOf".to_owned(), json!([schema]))]);
    };
    // Any text may stand here: a reference is one.
    if inner.get("type") == Some(&json!("string")) && inner.keys().all(|k| k == "type" || k == "description") {
        if nullable {
            inner.insert("type".to_owned(), json!(["string", "null"]));
        }
        return inner;
    }
    let types = if nullable { json!(["string", "null"]) } else { json!("string") };
    let mut out = Map::new();
    if let Some(words) = inner.remove("description") {
        out.insert("description".to_owned(), words);
    }
    // The pattern minds texts only.
    out.insert("if".to_owned(), json!({"type": types, "pattern": "\\$\\{"}));
    out.insert("else".to_owned(), Value::Object(inner));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_demanded_and_unknown_members_stay_unknown() {
        let whole = json!({"type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": "object", "minProperties": 1, "properties": {"b": {"type": "integer"}}}}});
        let part = partial(&whole);
        let inner = &part["else"];
        assert!(inner.get("required").is_none() && inner["properties"]["a"]["else"].get("minProperties").is_none());
        assert_eq!(inner["additionalProperties"], json!(false));
        assert_eq!(inner["properties"]["a"]["else"]["properties"]["b"]["else"], json!({"type": "integer"}));
    }

    #[test]
    fn alternatives_that_differ_in_what_they_demand_may_both_fit() {
        let whole = json!({"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]});
        assert_eq!(partial(&whole)["else"], json!({"anyOf": [{"type": "object"}, {"type": "object"}]}));
    }

    #[test]
    fn a_member_called_like_a_keyword_is_a_member() {
        let whole = json!({"properties": {"required": {"type": "boolean"}, "if": {"type": "string"}}});
        let members = &partial(&whole)["else"]["properties"];
        assert_eq!(members["required"]["else"], json!({"type": "boolean"}));
        assert_eq!(members["if"], json!({"type": ["string", "null"]}));
    }

    #[test]
    fn definitions_stay_where_references_find_them() {
        let whole =
            json!({"$defs": {"t": {"type": "object", "required": ["a"]}}, "properties": {"x": {"$ref": "#/$defs/t"}}});
        let part = partial(&whole);
        assert_eq!(part["$defs"]["t"], json!({"type": "object"}));
        assert_eq!(part["else"]["properties"]["x"]["else"], json!({"$ref": "#/$defs/t"}));
    }
}
