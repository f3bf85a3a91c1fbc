//! Which of two components with one path is meant: the values tell.

use serde_json::{Value, json};

use super::device_agent::META;

/// By what a component is told from another of the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It has one of these members, which the other cannot have.
    Members(&'static [&'static str]),
    /// It has no members at all, where the other cannot be declared.
    Nothing,
}

impl Claim {
    /// Whether this value is meant for the component. What twinops itself writes into it counts first.
    pub fn holds(self, value: &Value) -> bool {
        let Value::Object(members) = value else { return false };
        members.contains_key(META)
            || match self {
                Self::Members(names) => names.iter().any(|name| members.contains_key(*name)),
                Self::Nothing => members.is_empty(),
            }
    }

    /// The same as a JSON Schema, for editors.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Members(names) => {
                let any: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
                json!({ "type": "object", "anyOf": any })
            }
            Self::Nothing => json!({ "type": "object", "maxProperties": 0 }),
        }
    }
}
