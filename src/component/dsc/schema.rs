//! How a fleet describes the component of a resource.

use serde_json::{Value, json};

use super::Manifest;
use crate::twin::Map;

/// Where a schema keeps what is referred to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// Why a fleet cannot describe a resource by its manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There is none.
    #[error("`{0}` has no schema")]
    None(String),
    /// A program makes it.
    #[error("the schema of `{0}` is printed by a program; run that, and put what it prints below `schema.embedded`")]
    Command(String),
    /// It refers to a place that is not there any more one level deeper.
    #[error("the schema of `{0}` refers to `{1}`; only `#/$defs/…` and `#/definitions/…` can be referred to")]
    Reference(String, String),
}

impl Manifest {
    /// The component's schema: instances by ids of the fleet's choice. Members that are read-only are left out, and what is
    /// write-only is marked as a secret.
    ///
    /// # Errors
    /// When the manifest has no schema of its own, or one that cannot stand within another.
    pub fn component_schema(&self) -> Result<Value, SchemaError> {
        let name = || self.type_name.clone();
        let mut instance = match (self.embedded(), &self.schema) {
            (Some(schema), _) => schema.clone(),
            (None, Some(_)) => return Err(SchemaError::Command(name())),
            (None, None) => return Err(SchemaError::None(name())),
        };
        let mut component = Map::new();
        component.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        component.insert("title".to_owned(), self.component_name().into());
        let words = self.description.as_deref().unwrap_or("Instances of a DSC resource");
        component.insert("description".to_owned(), format!("{words} ({} {}).", self.type_name, self.version).into());
        component.insert("x-twinops-status".to_owned(), "pnp".into());
        component.insert("type".to_owned(), "object".into());
        component.insert("propertyNames".to_owned(), json!({ "pattern": "^[A-Za-z0-9_-]{1,64}$" }));
        if let Value::Object(rules) = &mut instance {
            rules.retain(|word, _| !matches!(word.as_str(), "$schema" | "$id"));
            for word in DEFINITIONS {
                component.extend(rules.remove(word).map(|definitions| (word.to_owned(), definitions)));
            }
        }
        tidy(&mut instance);
        for word in DEFINITIONS {
            component.get_mut(word).into_iter().for_each(tidy);
        }
        component.insert("additionalProperties".to_owned(), instance);
        let component = Value::Object(component);
        match stray(&component) {
            Some(place) => Err(SchemaError::Reference(name(), place)),
            None => Ok(component),
        }
    }
}

/// Leaves out what cannot be wanted, replaces what lies in other documents, and marks secrets.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(rules) => {
            if let Some(Value::Object(members)) = rules.get_mut("properties") {
                members.retain(|_, rules| rules.get("readOnly") != Some(&Value::Bool(true)));
            }
            let place = rules.get("$ref").and_then(Value::as_str).unwrap_or_default();
            if place.ends_with("/exist.json") {
                rules.remove("$ref");
                rules.insert("type".to_owned(), "boolean".into());
            } else if !place.is_empty() && !place.starts_with('#') {
                rules.remove("$ref");
            }
            if rules.get("writeOnly") == Some(&Value::Bool(true)) {
                rules.insert("x-twinops-sensitive".to_owned(), true.into());
            }
            rules.values_mut().for_each(tidy);
        }
        Value::Array(several) => several.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A reference to a place that is none of the definitions.
fn stray(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(rules) => {
            let place = rules.get("$ref").and_then(Value::as_str);
            let known = |place: &&str| DEFINITIONS.iter().any(|word| place.starts_with(&format!("#/{word}/")));
            place.filter(|place| !known(place)).map(str::to_owned).or_else(|| rules.values().find_map(stray))
        }
        Value::Array(several) => several.iter().find_map(stray),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(schema: Value) -> Manifest {
        let manifest = json!({
            "type": "Acme/Panel", "version": "0.1.0", "description": "A panel", "get": { "executable": "panel" },
            "schema": schema
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn instances_stand_by_ids_of_the_fleets_choice() {
        let schema = manifest(json!({ "embedded": {
            "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://acme.example/panel",
            "type": "object", "additionalProperties": false,
            "properties": {
                "size": { "$ref": "#/definitions/size" }, "seen": { "type": "string", "readOnly": true },
                "pin": { "type": "string", "writeOnly": true },
                "_exist": { "$ref": "https://aka.ms/dsc/schemas/v3/resource/properties/exist.json" }
            },
            "definitions": { "size": { "type": "integer" } }
        } }))
        .component_schema()
        .unwrap();
        assert_eq!((&schema["title"], &schema["x-twinops-status"]), (&json!("panel"), &json!("pnp")));
        assert_eq!(schema["definitions"]["size"]["type"], "integer");
        let members = &schema["additionalProperties"]["properties"];
        assert_eq!(members["pin"]["x-twinops-sensitive"], true);
        assert_eq!(members["_exist"], json!({ "type": "boolean" }));
        assert!(members.get("seen").is_none() && schema["additionalProperties"].get("$id").is_none());
    }

    #[test]
    fn what_cannot_be_described_is_told() {
        let error = |schema| manifest(schema).component_schema().unwrap_err().to_string();
        assert!(error(json!({ "command": { "executable": "panel" } })).contains("printed by a program"));
        let inner = json!({ "properties": { "a": { "$ref": "#/properties/b" }, "b": {} } });
        assert!(error(json!({ "embedded": inner })).contains("`#/properties/b`"));
    }
}
