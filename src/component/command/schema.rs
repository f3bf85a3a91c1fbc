//! The JSON Schemas of what commands are handed and what they answer, so that forms can be made of them.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{Command, answer, payload};
use crate::component::builtin::plain;

impl Command {
    /// The schema of what it is handed.
    pub fn payload_schema(self) -> Value {
        let mut schema = match self {
            Self::FactoryReset | Self::Wipe => return titled::<payload::Destroying>(self.name(), self.about()),
            Self::AppsStart | Self::AppsStop => return titled::<payload::OfApp>(self.name(), self.about()),
            Self::DiagnosticsUpload => return titled::<payload::Upload>(self.name(), self.about()),
            Self::DiagnosticsDelete => return titled::<payload::OfFile>(self.name(), self.about()),
            Self::DiagnosticsCollect => titled::<payload::Collect>(self.name(), self.about()),
            Self::Reboot | Self::Report | Self::ClearReported | Self::UpdatesScan | Self::DiagnosticsList => {
                titled::<payload::Plain>(self.name(), self.about())
            }
        };
        // Nothing is needed, and null is nothing.
        schema["type"] = json!(["object", "null"]);
        schema
    }

    /// The schema of what it answers: when it is done, when it is asked for a dry run, and when it is refused.
    pub fn answer_schema(self) -> Value {
        let done = match self {
            Self::FactoryReset | Self::Wipe => vec![plain::<answer::Confirm>(), plain::<answer::Done>()],
            Self::Reboot | Self::ClearReported | Self::AppsStart | Self::AppsStop | Self::DiagnosticsDelete => {
                vec![plain::<answer::Done>()]
            }
            Self::Report => vec![plain::<answer::Looked>()],
            Self::UpdatesScan => vec![plain::<answer::Scanned>(), plain::<answer::Done>()],
            Self::DiagnosticsCollect => vec![plain::<answer::Collected>(), plain::<answer::Done>()],
            Self::DiagnosticsList => vec![plain::<answer::Files>()],
            Self::DiagnosticsUpload => vec![plain::<answer::Uploaded>(), plain::<answer::Done>()],
        };
        let all = done.into_iter().chain([plain::<answer::DryRun>(), plain::<answer::Fault>()]).map(part);
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("answer of {}", self.name()),
            "anyOf": all.collect::<Vec<_>>(),
        })
    }
}

fn titled<T: JsonSchema>(title: &str, description: &str) -> Value {
    let mut schema = plain::<T>();
    schema["title"] = title.into();
    schema["description"] = description.into();
    schema
}

/// A schema as a part of another.
fn part(mut schema: Value) -> Value {
    if let Value::Object(members) = &mut schema {
        members.remove("$schema");
        members.remove("title");
    }
    schema
}
