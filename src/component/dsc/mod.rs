//! Resources of Microsoft's Desired State Configuration, version 3: their manifests (`*.dsc.resource.json`, files of the
//! schema `PowerShell/DSC/schemas/v3/resource/manifest.json`), and what becomes of them here.
//!
//! A resource is a component, and each property of that is one instance of it: `desired.apt.editor` is
//! `{"packageName": "vim"}`. [`Manifest::component_name`] says what the component is called, [`Manifest::component_schema`]
//! how a fleet describes it, and [`check()`] what of that the agent checks by itself.

mod check;
mod schema;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use check::{Mismatch, check};
pub use schema::SchemaError;

/// Whether the instance is to be there, or is there.
pub const EXIST: &str = "_exist";
/// The word of a resource on whether an instance is as wanted.
pub const IN_DESIRED_STATE: &str = "_inDesiredState";
/// How the name of a manifest's file ends.
pub const ENDING: &str = ".dsc.resource.json";

/// A manifest. Members that are of no use here are passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `Owner[.Group]/Name`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Of the resource.
    pub version: String,
    /// In words.
    #[serde(default)]
    pub description: Option<String>,
    /// `resource` unless it says otherwise.
    #[serde(default)]
    pub kind: Option<String>,
    /// An expression of DSC's own language that says whether the resource can be used.
    #[serde(default)]
    pub condition: Option<Value>,
    /// Tells the state of an instance.
    #[serde(default)]
    pub get: Option<Operation>,
    /// Makes an instance what is wanted.
    #[serde(default)]
    pub set: Option<Operation>,
    /// Tells what `set` would do.
    #[serde(default)]
    pub what_if: Option<Operation>,
    /// Tells whether an instance is what is wanted.
    #[serde(default)]
    pub test: Option<Operation>,
    /// Takes an instance away.
    #[serde(default)]
    pub delete: Option<Operation>,
    /// What exit codes mean.
    #[serde(default)]
    pub exit_codes: BTreeMap<String, String>,
    /// What instances look like.
    #[serde(default)]
    pub schema: Option<SchemaSource>,
}

/// How one operation is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The program.
    pub executable: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Option<Vec<Argument>>,
    /// How else it gets the instance.
    #[serde(default)]
    pub input: Option<Input>,
    /// What it prints.
    #[serde(default, rename = "return")]
    pub returns: Option<Returns>,
    /// Whether `set` understands [`EXIST`] by itself.
    #[serde(default)]
    pub handles_exist: Option<bool>,
}

/// One argument.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// As it is.
    Text(String),
    /// A name, and the instance as JSON.
    Json {
        /// The name before it.
        #[serde(rename = "jsonInputArg")]
        name: String,
    },
    /// A name, and where the manifest lies.
    Path {
        /// The name before it.
        #[serde(rename = "resourcePathArg")]
        name: String,
    },
    /// A name, and the resource's type.
    Type {
        /// The name before it.
        #[serde(rename = "resourceTypeArg")]
        name: String,
    },
    /// Only when nothing is to be changed.
    WhatIf {
        /// The argument.
        #[serde(rename = "whatIfArg")]
        name: String,
    },
}

/// How a program gets the instance, if not as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// As an environment variable for each member.
    Env,
    /// As JSON.
    Stdin,
}

/// What `set`, `test` and `whatIf` print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returns {
    /// The state.
    State,
    /// The state, and the names of the members that differ.
    StateAndDiff,
}

/// Where the schema of instances comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaSource {
    /// The manifest.
    Embedded(Value),
    /// A program that prints it.
    Command {
        /// The program.
        executable: String,
        /// Its arguments.
        #[serde(default)]
        args: Option<Vec<String>>,
    },
}

impl Operation {
    /// Whether it can be told to change nothing.
    pub fn takes_what_if(&self) -> bool {
        self.args.iter().flatten().any(|argument| matches!(argument, Argument::WhatIf { .. }))
    }
}

impl Manifest {
    /// What its component is called when nobody says otherwise: the last part of its type, beginning in lower case, without
    /// what a twin's names cannot hold. `DSC.PackageManagement/Apt` is `apt`.
    pub fn component_name(&self) -> String {
        let last = self.type_name.rsplit('/').next().unwrap_or_default();
        let mut kept = last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let first = kept.next().map(|first| first.to_ascii_lowercase());
        first.into_iter().chain(kept).collect()
    }

    /// The schema of instances, where the manifest has it.
    pub fn embedded(&self) -> Option<&Value> {
        match &self.schema {
            Some(SchemaSource::Embedded(schema)) => Some(schema),
            _ => None,
        }
    }

    /// Why such a resource cannot be a component of the agent.
    pub fn lack(&self) -> Option<String> {
        match (&self.kind, &self.condition, &self.get) {
            (Some(kind), ..) if kind != "resource" => {
                Some(format!("`{}` is of kind `{kind}`, which needs dsc itself", self.type_name))
            }
            (_, Some(_), _) => Some(format!("`{}` has a condition, which needs dsc itself", self.type_name)),
            (_, _, None) => Some(format!("`{}` has no `get`", self.type_name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_is_read_with_every_kind_of_argument() {
        let manifest: Manifest = serde_json::from_value(json!({
            "$schema": "https://aka.ms/dsc/schemas/v3/bundled/resource/manifest.json",
            "type": "Acme.Screens/Panel", "version": "0.1.0", "tags": ["x"],
            "get": { "executable": "panel", "args": ["get", { "jsonInputArg": "--input", "mandatory": true }] },
            "set": { "executable": "panel", "input": "stdin", "return": "stateAndDiff", "handlesExist": true,
                "implementsPretest": true, "args": ["set", { "whatIfArg": "-n" }, { "resourceTypeArg": "--type" },
                { "resourcePathArg": "--path" }] },
            "exitCodes": { "0": "Success", "1": "Invalid" },
            "schema": { "command": { "executable": "panel", "args": ["schema"] } }
        }))
        .unwrap();
        assert_eq!((manifest.component_name().as_str(), manifest.lack()), ("panel", None));
        let set = manifest.set.unwrap();
        assert!(set.takes_what_if() && set.handles_exist == Some(true) && set.returns == Some(Returns::StateAndDiff));
        assert!(matches!(manifest.schema, Some(SchemaSource::Command { .. })));
    }

    #[test]
    fn what_needs_dsc_itself_is_told() {
        let lack = |more: Value| {
            let mut manifest = json!({ "type": "A/B", "version": "1.0.0", "get": { "executable": "x" } });
            manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Manifest>(manifest).unwrap().lack()
        };
        assert_eq!(lack(json!({ "kind": "resource" })), None);
        assert!(lack(json!({ "kind": "adapter" })).unwrap().contains("kind `adapter`"));
        assert!(lack(json!({ "condition": "[equals(1, 1)]" })).is_some());
        assert!(lack(json!({ "get": null })).unwrap().contains("no `get`"));
    }
}
