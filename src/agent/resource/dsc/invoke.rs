//! Calls a resource: arguments, variables and input as its manifest says, and what it prints.

use std::time::Duration;

use serde_json::Value;

use super::{
    Fault, Refusal,
    found::{Found, program},
};
use crate::{
    agent::port::{Call, Output, Port, Run},
    component::dsc::{Argument, Input, Operation},
    twin::Map,
};

/// How long looking may take.
const LOOK: Duration = Duration::from_mins(1);
/// How long changing may take.
const CHANGE: Duration = Duration::from_mins(15);

/// What is asked of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Test,
    Set,
    WhatIf,
    Delete,
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Test => "test",
            Self::Set => "set",
            Self::WhatIf => "whatIf",
            Self::Delete => "delete",
        }
    }

    const fn limit(self) -> Duration {
        match self {
            Self::Get | Self::Test => LOOK,
            Self::Set | Self::WhatIf | Self::Delete => CHANGE,
        }
    }
}

/// Runs an operation to a good end; the JSON values that it printed.
pub(super) async fn invoke<R: Run>(
    port: &Port<R>,
    found: &Found,
    (verb, operation): (Verb, &Operation),
    instance: &Map,
) -> Result<Vec<Value>, Fault> {
    let output = run(port, found, (verb, operation), instance).await?;
    printed(&output.stdout).map_err(|fault| said(found, verb.name(), &format!("what it printed is no JSON: {fault}")))
}

/// Runs an operation to a good end.
pub(super) async fn run<R: Run>(
    port: &Port<R>,
    found: &Found,
    (verb, operation): (Verb, &Operation),
    instance: &Map,
) -> Result<Output, Fault> {
    let text = serde_json::to_string(instance).map_err(|cause| Fault::because("writing the instance", &cause))?;
    let arguments = arguments(found, operation, &text, verb == Verb::WhatIf);
    let variables = match operation.input {
        Some(Input::Env) => variables(instance).map_err(|refusal| Fault::new(refusal.to_string()))?,
        _ => Vec::new(),
    };
    let program = program(&operation.executable, &found.folder).to_string_lossy().into_owned();
    let call = Call {
        input: if operation.input == Some(Input::Stdin) { text.as_bytes() } else { &[] },
        variables: &variables,
        folder: Some(&found.folder),
        ..Call::new(&program, &arguments).within(verb.limit())
    };
    let output = port.call(call).await?;
    good(found, verb.name(), &output)?;
    Ok(output)
}

/// Runs the program that prints the schema.
pub(super) async fn schema<R: Run>(
    port: &Port<R>,
    found: &Found,
    executable: &str,
    args: &[String],
) -> Result<Value, Fault> {
    let arguments: Vec<&str> = args.iter().map(String::as_str).collect();
    let program = program(executable, &found.folder).to_string_lossy().into_owned();
    let call = Call { folder: Some(&found.folder), ..Call::new(&program, &arguments).within(LOOK) };
    let output = port.call(call).await?;
    good(found, "schema", &output)?;
    serde_json::from_str(&output.stdout).map_err(|cause| said(found, "schema", &cause.to_string()))
}

fn arguments<'a>(found: &'a Found, operation: &'a Operation, text: &'a str, what_if: bool) -> Vec<&'a str> {
    let mut all = Vec::new();
    for argument in operation.args.iter().flatten() {
        match argument {
            Argument::Text(text) => all.push(text.as_str()),
            Argument::Json { name } => all.extend([name.as_str(), text]),
            Argument::Path { name } => all.extend([name.as_str(), found.path.to_str().unwrap_or_default()]),
            Argument::Type { name } => all.extend([name.as_str(), found.manifest.type_name.as_str()]),
            Argument::WhatIf { name } if what_if => all.push(name.as_str()),
            Argument::WhatIf { .. } => {}
        }
    }
    all
}

/// The instance as variables: plain values as they are, lists with commas between, null left out, as DSC does it.
pub(super) fn variables(instance: &Map) -> Result<Vec<(String, String)>, Refusal> {
    let plain = |value: &Value| match value {
        Value::String(text) if !text.contains('\0') => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let mut variables = Vec::new();
    for (name, value) in instance.iter().filter(|(_, value)| !value.is_null()) {
        let text = match value {
            Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(|items| items.join(",")),
            other => plain(other),
        };
        let text = text.ok_or_else(|| {
            Refusal::Invalid(format!("`{name}`: this resource takes plain values and lists of them only"))
        })?;
        variables.push((name.clone(), text));
    }
    Ok(variables)
}

fn good(found: &Found, verb: &str, output: &Output) -> Result<(), Fault> {
    let code = match output.code {
        Some(0) => return Ok(()),
        Some(code) => code.to_string(),
        None => return Err(said(found, verb, "it was killed")),
    };
    let meaning = found.manifest.exit_codes.get(&code).map(|meaning| format!(" ({meaning})")).unwrap_or_default();
    let words = complaint(&output.stderr).map(|words| format!(": {words}")).unwrap_or_default();
    Err(said(found, verb, &format!("it ended with {code}{meaning}{words}")))
}

fn said(found: &Found, verb: &str, what: &str) -> Fault {
    Fault::new(format!("{} {verb}: {what}", found.manifest.type_name))
}

/// What a program complained of: the last of its trace lines that is an error, or its last line.
fn complaint(stderr: &str) -> Option<String> {
    let lines = || stderr.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let traced = lines().find_map(|line| {
        let trace: Map = serde_json::from_str(line).ok()?;
        Some(trace.get("error").or_else(|| trace.get("Error"))?.as_str()?.to_owned())
    });
    traced.or_else(|| lines().next().map(str::to_owned))
}

/// The JSON values of an output, on one line each or on many.
fn printed(stdout: &str) -> serde_json::Result<Vec<Value>> {
    serde_json::Deserializer::from_str(stdout).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_becomes_variables() {
        let instance = json!({ "name": "a b", "size": 3, "on": true, "tags": ["x", 1], "none": null });
        let text = variables(instance.as_object().unwrap()).unwrap();
        let text: Vec<String> = text.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["name=a b", "on=true", "size=3", "tags=x,1"]);
        let deep = json!({ "deep": { "a": 1 } });
        assert!(matches!(variables(deep.as_object().unwrap()), Err(Refusal::Invalid(_))));
    }

    #[test]
    fn a_complaint_is_found_among_traces() {
        let stderr = "{\"debug\":\"x\"}\n{\"error\":\"no such panel\"}\n{\"info\":\"bye\"}\n\n";
        assert_eq!(complaint(stderr).as_deref(), Some("no such panel"));
        assert_eq!(complaint("first\nlast\n").as_deref(), Some("last"));
        assert_eq!(complaint("\n"), None);
    }

    #[test]
    fn values_are_read_however_they_are_spread() {
        assert_eq!(printed("{\n \"a\": 1\n}\n[\"a\"]\n").unwrap(), [json!({ "a": 1 }), json!(["a"])]);
        assert!(printed("{\"a\":").is_err());
        assert!(printed("").unwrap().is_empty());
    }
}
