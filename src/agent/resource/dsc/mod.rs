//! Resources of DSC, version 3: programs with a manifest, in the folders that the device's own configuration names.
//!
//! Each is a component, and each property of that an instance. What it is called, and its schema, is
//! [`crate::component::dsc`]; `found` finds them, `invoke` calls them. A resource with a `test` of its own has the word on
//! whether an instance is as wanted; for the others the reconciler compares, as DSC does.

mod found;
mod invoke;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{OnceLock, PoisonError, RwLock},
};

use serde_json::{Value, json};
use tracing::warn;

pub(crate) use self::found::{Found, find};
use self::invoke::{Verb, invoke, variables};
use super::{Fault, Refusal, Resource, check_id, kept, unkept};
use crate::{
    agent::{
        port::{Port, Run},
        reconciler::restrict,
    },
    component::dsc::{Argument, EXIST, IN_DESIRED_STATE, Input, Operation, Returns, SchemaSource, check},
    twin::{Map, same},
};

/// Where the device has DSC resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DscFolders {
    /// Folders with manifests; none means no DSC resources.
    pub folders: Vec<PathBuf>,
    /// What the components of some types are called, instead of by the last part of the type.
    pub names: Vec<(String, String)>,
}

impl DscFolders {
    /// A name and the type that it is for, written `NAME=OWNER/TYPE`.
    pub fn named(text: &str) -> Option<(String, String)> {
        let (name, kind) = text.split_once('=')?;
        (check_id(name).is_ok() && kind.contains('/')).then(|| (name.to_owned(), kind.to_owned()))
    }
}

/// A resource of DSC.
#[derive(Debug)]
pub(crate) struct Dsc<R> {
    port: Port<R>,
    found: Found,
    /// What instances look like; empty until the program that prints it was asked.
    schema: OnceLock<Value>,
    /// Why that could not be asked.
    fault: RwLock<Option<String>>,
}

/// What is kept for putting an instance back.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Before {
    /// What was wanted, which names the instance.
    wanted: Map,
    /// What it was.
    state: Map,
}

impl<R: Run> Dsc<R> {
    pub(crate) fn new(port: Port<R>, found: Found) -> Self {
        let schema = OnceLock::new();
        if let Some(embedded) = found.manifest.embedded() {
            // It was empty a moment ago.
            let _ = schema.set(embedded.clone());
        }
        Self { port, found, schema, fault: RwLock::new(None) }
    }

    /// What instances look like; anything when the manifest does not say.
    pub(crate) fn schema(&self) -> Value {
        self.schema.get().cloned().unwrap_or(Value::Bool(true))
    }

    /// Why it cannot be used here, whatever its schema is.
    fn unusable(&self) -> Option<String> {
        let image = || "DSC resources run on a running system only".to_owned();
        self.found.lack.clone().or_else(|| (!self.port.tree.is_system()).then(image))
    }

    /// Asks the program for the schema, once.
    async fn learn(&self) {
        let Some(SchemaSource::Command { executable, args }) = &self.found.manifest.schema else { return };
        if self.schema.get().is_some() || self.unusable().is_some() {
            return;
        }
        let learnt = invoke::schema(&self.port, &self.found, executable, args.as_deref().unwrap_or_default()).await;
        let fault = match learnt {
            Ok(schema) => self.schema.set(schema).err().map(|_| String::new()),
            Err(fault) => Some(fault.to_string()),
        };
        if let Some(fault) = &fault {
            warn!(fault, "the schema of a DSC resource cannot be had");
        }
        *self.fault.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn operation(&self, verb: Verb) -> Option<&Operation> {
        let manifest = &self.found.manifest;
        match verb {
            Verb::Get => manifest.get.as_ref(),
            Verb::Test => manifest.test.as_ref(),
            Verb::Set => manifest.set.as_ref(),
            Verb::WhatIf => manifest.what_if.as_ref(),
            Verb::Delete => manifest.delete.as_ref(),
        }
    }

    async fn call(&self, verb: Verb, instance: &Map) -> Result<Vec<Value>, Fault> {
        let Some(operation) = self.operation(verb) else {
            return Err(Fault::new(format!("`{}` has no operation for this", self.found.manifest.type_name)));
        };
        invoke(&self.port, &self.found, (verb, operation), instance).await
    }

    /// The state of an instance.
    async fn get(&self, wanted: &Map) -> Result<Map, Fault> {
        state(self.call(Verb::Get, wanted).await?)
    }

    /// The state of an instance, and what of it differs from what is wanted; nothing when it is as wanted.
    async fn test(&self, wanted: &Map) -> Result<(Map, Vec<String>), Fault> {
        let Some(operation) = self.operation(Verb::Test) else {
            let actual = self.get(wanted).await?;
            let differing = differing(wanted, &actual);
            return Ok((actual, differing));
        };
        let mut values = self.call(Verb::Test, wanted).await?;
        let told = (values.len() > 1).then(|| values.pop()).flatten();
        let mut actual = state(values)?;
        let is_wanted = actual.remove(IN_DESIRED_STATE).and_then(|word| word.as_bool());
        let listed = match (operation.returns, told) {
            (Some(Returns::StateAndDiff), Some(Value::Array(names))) => {
                Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
            }
            _ => None,
        };
        let found = match (is_wanted, listed) {
            (Some(true), _) => Vec::new(),
            (Some(false), listed) => {
                let named = listed.filter(|names| !names.is_empty());
                let found = named.unwrap_or_else(|| differing(wanted, &actual));
                // It says no, and not of what.
                if found.is_empty() { vec![IN_DESIRED_STATE.to_owned()] } else { found }
            }
            (None, Some(listed)) => listed,
            (None, None) => differing(wanted, &actual),
        };
        Ok((actual, found))
    }

    /// Makes an instance what is wanted, or takes it away.
    async fn set(&self, wanted: &Map) -> Result<(), Fault> {
        let handles = self.operation(Verb::Set).is_some_and(|set| set.handles_exist == Some(true));
        let deletes = is_gone(wanted) && !handles && self.operation(Verb::Delete).is_some();
        let verb = if deletes { Verb::Delete } else { Verb::Set };
        let Some(operation) = self.operation(verb) else {
            return Err(Fault::new(format!("`{}` has no `set`", self.found.manifest.type_name)));
        };
        // What these print is of no use: it is looked at afterwards.
        invoke::run(&self.port, &self.found, (verb, operation), wanted).await.map(drop)
    }

    /// What `set` would do, in the words of `dsc resource set --what-if`. Changes nothing.
    pub(crate) async fn what_if(&self, wanted: &Map) -> Result<Value, Fault> {
        let before = self.get(wanted).await?;
        let set = self.operation(Verb::Set).filter(|set| set.takes_what_if());
        let after = match (self.operation(Verb::WhatIf), set) {
            (Some(operation), _) | (None, Some(operation)) => {
                state(invoke(&self.port, &self.found, (Verb::WhatIf, operation), wanted).await?)?
            }
            (None, None) => {
                let (_, differing) = self.test(wanted).await?;
                let value =
                    |name: &String| wanted.get(name).cloned().or_else(|| (name == EXIST).then_some(true.into()));
                let changed = differing.iter().filter_map(|name| Some((name.clone(), value(name)?)));
                before.clone().into_iter().chain(changed.collect::<Map>()).collect()
            }
        };
        let changed = differing(&after, &before);
        Ok(json!({ "beforeState": before, "afterState": after, "changedProperties": changed }))
    }

    /// Whether an instance is as wanted, in the words of `dsc resource test`.
    pub(crate) async fn tested(&self, wanted: &Map) -> Result<Value, Fault> {
        let (actual, differing) = self.test(wanted).await?;
        Ok(json!({
            "desiredState": wanted, "actualState": actual, "inDesiredState": differing.is_empty(),
            "differingProperties": differing
        }))
    }

    /// The state of an instance, in the words of `dsc resource get`.
    pub(crate) async fn told(&self, wanted: &Map) -> Result<Value, Fault> {
        Ok(json!({ "actualState": self.get(wanted).await? }))
    }

    /// A secret among arguments would be there for every user of the device to read.
    fn check_secrets(&self, wanted: &Map) -> Result<(), Refusal> {
        let manifest = &self.found.manifest;
        let takes = |input: fn(&Operation) -> bool| {
            [&manifest.get, &manifest.set, &manifest.test, &manifest.delete].into_iter().flatten().any(input)
        };
        let as_argument =
            takes(|each| each.args.iter().flatten().any(|argument| matches!(argument, Argument::Json { .. })));
        let rules = self.schema.get().and_then(|schema| schema.get("properties"));
        let is_secret =
            |name: &str| rules.and_then(|rules| rules.get(name)?.get("writeOnly")) == Some(&Value::Bool(true));
        if let Some(name) = wanted.keys().find(|name| as_argument && is_secret(name)) {
            let why = "this resource takes its input as an argument, which every user of the device can read";
            return Err(Refusal::Forbidden(format!("`{name}` is a secret: {why}")));
        }
        if !takes(|each| each.input == Some(Input::Env)) {
            return Ok(());
        }
        // Variables can change what a program does; only those that the resource knows are set.
        match wanted.keys().find(|name| rules.is_none_or(|rules| rules.get(*name).is_none())) {
            Some(name) => Err(Refusal::Forbidden(format!(
                "`{name}` is not in the schema of this resource, which takes its input as variables"
            ))),
            None => variables(wanted).map(drop),
        }
    }
}

impl<R: Run> Resource for Dsc<R> {
    fn lack(&self) -> Option<String> {
        let unknown = || self.fault.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.unusable().or_else(unknown)
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let Value::Object(instance) = wanted else {
            return Err(Refusal::Invalid(format!("`{property}` must be an object: an instance of the resource")));
        };
        if let Some(Err(mismatch)) = self.schema.get().map(|schema| check(schema, wanted)) {
            return Err(Refusal::Invalid(mismatch.to_string()));
        }
        if self.operation(Verb::Set).is_none() && self.operation(Verb::Delete).is_none() {
            let kind = &self.found.manifest.type_name;
            return Err(Refusal::Unsupported(format!("`{kind}` has no `set`; it can only be looked at")));
        }
        self.check_secrets(instance)
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let wanted = instance(property, wanted)?;
        let (actual, differing) = self.test(&wanted).await?;
        if is_gone(&actual) && !is_gone(&wanted) {
            return Ok(None);
        }
        Ok(Some(Value::Object(as_told(&wanted, actual, &differing))))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        let wanted = instance(property, wanted.unwrap_or(&Value::Null))?;
        self.set(&wanted).await?;
        let (_, differing) = self.test(&wanted).await?;
        if differing.is_empty() {
            return Ok(());
        }
        let names = differing.join("`, `");
        Err(Fault::new(format!("{} was set, and still differs in `{names}`", self.found.manifest.type_name)))
    }

    async fn snapshot(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let wanted = instance(property, wanted)?;
        let state = self.get(&wanted).await?;
        kept(&Before { wanted, state })
    }

    async fn restore(&self, _property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let Before { mut wanted, state } = unkept(before)?;
        if is_gone(&state) {
            wanted.insert(EXIST.to_owned(), false.into());
        } else {
            // What was taken away is there again, and only what was asked for is touched.
            wanted.remove(EXIST);
            for (name, value) in &mut wanted {
                if let Some(was) = state.get(name) {
                    value.clone_from(was);
                }
            }
        }
        self.set(&wanted).await
    }

    async fn facts(&self) -> Map {
        self.learn().await;
        Map::new()
    }
}

fn instance(property: &str, wanted: &Value) -> Result<Map, Fault> {
    match wanted {
        Value::Object(instance) => Ok(instance.clone()),
        _ => Err(Fault::new(format!("`{property}` cannot be taken away"))),
    }
}

fn state(values: Vec<Value>) -> Result<Map, Fault> {
    match values.into_iter().next() {
        Some(Value::Object(state)) => Ok(state),
        _ => Err(Fault::new("the resource printed no state of the instance")),
    }
}

/// Whether an instance is not there. Resources in the shell print the word as a text.
fn is_gone(state: &Map) -> bool {
    state.get(EXIST).is_some_and(|word| word == &Value::Bool(false) || word == "false")
}

/// The members of `wanted` that `actual` does not have so. An instance that says nothing of it is there, and is to be.
fn differing(wanted: &Map, actual: &Map) -> Vec<String> {
    let differs = |(name, value): &(&String, &Value)| match name.as_str() {
        EXIST => is_gone(wanted) != is_gone(actual),
        name => !actual.get(name).is_some_and(|is| same(&restrict(is, value), value)),
    };
    let unsaid = (!wanted.contains_key(EXIST) && is_gone(actual)).then(|| EXIST.to_owned());
    wanted.iter().filter(differs).map(|(name, _)| name.clone()).chain(unsaid).collect()
}

/// The state in a form in which exactly the differing members differ from what is wanted: the resource has the word.
fn as_told(wanted: &Map, mut actual: Map, differing: &[String]) -> Map {
    for (name, value) in wanted {
        if !differing.contains(name) {
            actual.insert(name.clone(), value.clone());
        } else if actual.get(name).is_some_and(|is| same(is, value)) {
            actual.remove(name);
        }
    }
    if differing.iter().any(|name| !wanted.contains_key(name)) {
        // It names nothing that was asked for: what is reported says that it is not so, and nothing of why.
        actual.retain(|name, _| !wanted.contains_key(name));
    }
    actual
}
