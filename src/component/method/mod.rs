//! The direct methods that devices are known to have: what each is handed, and what it does to the device.

mod device_agent;
mod dm_client;
mod twinops;

use serde_json::{Map, Value, json};

use super::suggest;

/// A direct method.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Its name as it is called: `windows.rebootAsync`.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub description: &'static str,
    /// What it does to the device.
    pub effect: Effect,
    /// The JSON Schema of what it is handed.
    pub payload: Value,
    /// Where in the reported properties the device tells how it went, if it does.
    pub reported: Option<&'static str>,
}

/// What a method does to a device, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It only tells.
    Reads,
    /// It changes something.
    Changes,
    /// Work on the device is interrupted: it restarts.
    Interrupts,
    /// What is gone does not come back.
    Destroys,
}

/// Every known method.
pub fn all() -> impl Iterator<Item = Method> {
    twinops::methods().into_iter().chain(dm_client::methods()).chain(device_agent::methods())
}

/// The method of this name.
pub fn find(name: &str) -> Option<Method> {
    all().find(|method| method.name == name)
}

/// The known method whose name is nearest to a wrong one.
pub fn nearest(name: &str) -> Option<&'static str> {
    suggest::nearest(name, all().map(|method| method.name))
}

impl Method {
    /// A method that is handed nothing: `null` or `{}`.
    fn bare(name: &'static str, description: &'static str, effect: Effect) -> Self {
        Self { name, description, effect, payload: object([]), reported: None }.optional()
    }

    /// A method that is handed these members, none of which may be left out.
    fn with<const N: usize>(
        name: &'static str,
        description: &'static str,
        effect: Effect,
        members: [(&'static str, Value); N],
    ) -> Self {
        Self { name, description, effect, payload: object(members), reported: None }
    }

    fn reports(mut self, section: &'static str) -> Self {
        self.reported = Some(section);
        self
    }

    /// `null` does as well.
    fn optional(mut self) -> Self {
        self.payload["type"] = json!(["object", "null"]);
        self
    }

    /// Whether a status says that it went well. The Windows IoT client answers 0 to everything (Windows reference 2).
    pub fn is_well(&self, status: i64) -> bool {
        (200..300).contains(&status) || (status == 0 && self.name.starts_with("windows."))
    }

    /// Its schema as a document of its own.
    pub fn schema(&self) -> Value {
        let mut schema = self.payload.clone();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["title"] = self.name.into();
        schema["description"] = self.description.into();
        schema
    }
}

impl Effect {
    /// Whether a person should say yes first.
    pub fn needs_confirmation(self) -> bool {
        self >= Self::Interrupts
    }

    /// What is to be confirmed, as the end of a sentence that begins with the method.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Reads => "only reads",
            Self::Changes => "changes the device",
            Self::Interrupts => "restarts the device",
            Self::Destroys => "destroys what cannot be brought back",
        }
    }
}

/// An object with exactly these members.
fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let mut schema = json!({"type": "object", "required": required, "additionalProperties": false});
    schema["properties"] =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect::<Map<_, _>>().into();
    schema
}

fn text(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description})
}

fn form(description: &str, pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern, "description": description})
}

fn choice(description: &str, words: &[&str]) -> Value {
    json!({"enum": words, "description": description})
}

fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

/// A secret: it is never shown.
fn secret(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description, "x-twinops-sensitive": true})
}

/// A name of a file or folder that stays in its place.
fn file_name(description: &str) -> Value {
    let mut schema = form(description, r"^[^/\\]{1,128}$");
    schema["not"] = json!({"pattern": r"^\.\.?$"});
    schema["x-twinops-reason"] =
        "the client does not check the name, and would follow it anywhere as the system".into();
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_method_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for method in all() {
            assert!(names.insert(method.name), "{} is there twice", method.name);
            assert!(!method.description.ends_with('.'), "{}", method.name);
        }
        assert_eq!(names.iter().filter(|name| name.starts_with("windows.")).count(), 16);
    }

    #[test]
    fn only_what_costs_work_or_data_is_confirmed() {
        let asks = |name: &str| find(name).unwrap().effect.needs_confirmation();
        for name in
            ["windows.startRemoteWipeAsync", "windows.rebootAsync", "StartFactoryResetCmd", "windows.deleteDMFile"]
        {
            assert!(asks(name), "{name}");
        }
        for name in ["windows.reportAllAsync", "windows.manageAppLifeCycleAsync", "twinops*recheck"] {
            assert!(!asks(name), "{name}");
        }
    }
}
