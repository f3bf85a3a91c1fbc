//! The kinds of documents, and the JSON Schema of each, made from its types.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    model::{DeviceSpec, FleetSpec, ProfileSpec},
    model_rollout::{ApprovalSpec, RolloutSpec},
};

/// The `apiVersion` of every document.
pub const API_VERSION: &str = "twinops/v1";

/// What a document declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The fleet as a whole.
    Fleet,
    /// Desired properties of the devices that a condition selects.
    Profile,
    /// One device.
    Device,
    /// How changes reach devices.
    Rollout,
    /// That a wave of a rollout may be changed.
    Approval,
}

/// Who a document is.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used: a name is read without the rest")]
struct Metadata {
    /// Unique among the documents of its kind; the device id of a device.
    #[schemars(length(min = 1, max = 128))]
    name: String,
    /// Words to sort documents by; twinops does not read them.
    #[schemars(default)]
    labels: BTreeMap<String, String>,
    /// Notes for people and other tools; twinops does not read them.
    #[schemars(default)]
    annotations: BTreeMap<String, String>,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Fleet, Self::Profile, Self::Device, Self::Rollout, Self::Approval];

    /// As `kind` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::Profile => "Profile",
            Self::Device => "Device",
            Self::Rollout => "Rollout",
            Self::Approval => "Approval",
        }
    }

    /// The kind of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The JSON Schema (draft 2020-12) of a document of this kind.
    pub fn schema(self) -> Value {
        let mut generator = generator();
        let mut schema = self.document(&mut generator);
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["$defs"] = definitions(generator);
        schema
    }

    fn document(self, generator: &mut SchemaGenerator) -> Value {
        let spec = match self {
            Self::Fleet => generator.subschema_for::<FleetSpec>(),
            Self::Profile => generator.subschema_for::<ProfileSpec>(),
            Self::Device => generator.subschema_for::<DeviceSpec>(),
            Self::Rollout => generator.subschema_for::<RolloutSpec>(),
            Self::Approval => generator.subschema_for::<ApprovalSpec>(),
        };
        let mut required = vec!["apiVersion", "kind", "metadata"];
        if matches!(self, Self::Profile | Self::Rollout | Self::Approval) {
            required.push("spec");
        }
        json!({
            "title": self.name(),
            "type": "object",
            "properties": {
                "apiVersion": { "const": API_VERSION, "description": "The version of the documents' format." },
                "kind": { "const": self.name(), "description": "What the document declares." },
                "metadata": generator.subschema_for::<Metadata>(),
                "spec": spec,
            },
            "required": required,
            "additionalProperties": false,
        })
    }
}

/// One JSON Schema for documents of every kind, for editors: `yaml-language-server: $schema=…`.
pub fn schema() -> Value {
    let mut generator = generator();
    let kinds: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let is_kind = json!({ "properties": { "kind": { "const": kind.name() } } });
            json!({ "if": is_kind, "then": kind.document(&mut generator) })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A document of a twinops fleet repository",
        "type": "object",
        "properties": {
            "apiVersion": { "const": API_VERSION },
            "kind": { "enum": Kind::ALL.map(Kind::name) },
        },
        "required": ["apiVersion", "kind", "metadata"],
        "allOf": kinds,
        "$defs": definitions(generator),
    })
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_deserialize().into_generator()
}

fn definitions(mut generator: SchemaGenerator) -> Value {
    let mut definitions = Value::Object(generator.take_definitions(true));
    refuse_null(&mut definitions);
    definitions
}

/// Takes the null out of what may be left out: `where:` with nothing behind it must not select every device.
fn refuse_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(refuse_null),
        Value::Object(members) => {
            members.values_mut().for_each(refuse_null);
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    members["type"] = only.clone();
                }
            }
            if members.get("default") == Some(&Value::Null) {
                members.remove("default");
            }
            if let Some(Value::Array(branches)) = members.get_mut("anyOf") {
                branches.retain(|branch| branch != &json!({ "type": "null" }));
                if let [Value::Object(only)] = branches.as_mut_slice() {
                    let mut only = std::mem::take(only);
                    members.remove("anyOf");
                    members.append(&mut only);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_may_not_be_null() {
        let schema = Kind::Profile.schema();
        assert_eq!(schema["$defs"]["ProfileSpec"]["properties"]["where"]["type"], json!("string"));
        let fleet = Kind::Fleet.schema();
        assert_eq!(fleet["$defs"]["FleetSpec"]["properties"]["hub"]["$ref"], json!("#/$defs/HubSpec"));
        assert!(!Kind::ALL.iter().any(|kind| kind.schema().to_string().contains("\"null\"")));
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        assert_eq!(Kind::ALL.map(|kind| Kind::of(kind.name())), Kind::ALL.map(Some));
        assert_eq!(Kind::of("profile"), None);
    }
}
