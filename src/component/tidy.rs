//! Schemas as schemars makes them, made plainer for readers, editors and messages.

use serde_json::{Map, Value, json};

/// Optional members do not take `null` (a document's `null` is the partial schema's business), and a list of
/// constants is an `enum`, so that a validator can say which values there are.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(tidy);
            no_null(members);
            constants(members);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn no_null(members: &mut Map<String, Value>) {
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    let kinds = members.get_mut("type").and_then(Value::as_array_mut);
    if let Some(kinds) = kinds {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            members.insert("type".to_owned(), only);
        }
    }
    if let Some(values) = members.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    let Some(branches) = members.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    branches.retain(|branch| *branch != json!({"type": "null"}));
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        members.remove("anyOf");
        // The member's own words say more than those of its type.
        for (keyword, value) in only {
            members.entry(keyword).or_insert(value);
        }
    }
}

fn constants(members: &mut Map<String, Value>) {
    let Some(branches) = members.get("oneOf").and_then(Value::as_array) else { return };
    let Some(values) = branches.iter().map(|branch| branch.get("const").cloned()).collect::<Option<Vec<_>>>() else {
        return;
    };
    let words: Vec<Value> =
        branches.iter().map(|branch| branch.get("description").cloned().unwrap_or("".into())).collect();
    let kind = branches.iter().find_map(|branch| branch.get("type")).cloned();
    members.remove("oneOf");
    members.insert("enum".to_owned(), values.into());
    members.insert("markdownEnumDescriptions".to_owned(), words.into());
    members.extend(kind.map(|kind| ("type".to_owned(), kind)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(mut schema: Value) -> Value {
        tidy(&mut schema);
        schema
    }

    #[test]
    fn an_optional_choice_is_an_enum_with_words() {
        let schema = json!({"default": null, "description": "Outer.", "anyOf": [
            {"description": "Inner.", "oneOf": [{"const": "a", "type": "string", "description": "A."}]},
            {"type": "null"}
        ]});
        let plain =
            json!({"description": "Outer.", "type": "string", "enum": ["a"], "markdownEnumDescriptions": ["A."]});
        assert_eq!(tidied(schema), plain);
    }

    #[test]
    fn an_optional_number_is_a_number() {
        assert_eq!(
            tidied(json!({"type": ["integer", "null"], "minimum": 0})),
            json!({"type": "integer", "minimum": 0})
        );
    }

    #[test]
    fn an_optional_choice_without_words_does_not_take_null() {
        assert_eq!(
            tidied(json!({"type": ["string", "null"], "enum": ["a", null]})),
            json!({"type": "string", "enum": ["a"]})
        );
    }

    #[test]
    fn branches_that_are_no_constants_stay() {
        let schema = json!({"oneOf": [{"const": 1}, {"type": "string"}]});
        assert_eq!(tidied(schema.clone()), schema);
    }
}
