//! One wanted property on its way through a pass.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    agent::resource::{Refusal, Resource, Style},
    component::pnp::{Ack, code},
    twin::{Map, limits, same},
};

/// Longest explanation in an answer, in characters.
const LONGEST_WORD: usize = 200;

/// How a property stands.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::agent) enum Standing {
    /// It is what is wanted.
    Applied,
    /// It was applied, and has changed on the device since.
    Drifted,
    /// Work is to be done.
    Todo,
    /// The operator says that the value is about to come.
    Waiting,
    /// The device will not try.
    Refused(Refusal),
    /// What it depends on failed.
    Skipped(String),
    /// The device tried, and failed.
    Failed(String),
    /// It was applied, the hub was not reached with it, and the device went back.
    GoneBack(String),
}

pub(in crate::agent) struct Item<R> {
    pub(in crate::agent) component: String,
    pub(in crate::agent) property: String,
    pub(in crate::agent) wanted: Value,
    pub(in crate::agent) style: Style,
    /// `None` when nobody here knows the component.
    pub(in crate::agent) resource: Option<Arc<R>>,
    /// The version that is answered.
    pub(in crate::agent) version: u64,
    /// As last read.
    pub(in crate::agent) value: Option<Value>,
    pub(in crate::agent) standing: Standing,
    /// Whether this pass changed it.
    pub(in crate::agent) fresh: bool,
    /// Whether it is set again when it changes on the device.
    pub(in crate::agent) heal: bool,
    /// In words, when someone at the device set it for a while.
    pub(in crate::agent) lease: Option<String>,
}

impl<R: Resource> Item<R> {
    /// Reads the property and says whether it is what is wanted.
    pub(super) async fn look(&mut self) -> Result<bool, String> {
        let Some(resource) = &self.resource else { return Ok(false) };
        let read = resource.read(&self.property, &self.wanted).await.map_err(|fault| fault.to_string())?;
        let asked = read.as_ref().map(|value| restrict(value, &self.wanted));
        let equal = asked.as_ref().is_some_and(|value| same(value, &self.wanted));
        self.value = if self.style == Style::Dm1 { read } else { asked };
        Ok(equal)
    }
}

impl<R> Item<R> {
    pub(super) fn is_at_fault(&self) -> bool {
        matches!(
            self.standing,
            Standing::Refused(_) | Standing::Skipped(_) | Standing::Failed(_) | Standing::GoneBack(_)
        )
    }

    /// The answer in the words of Plug and Play.
    pub(super) fn ack(&self) -> Ack {
        let (ac, word) = match &self.standing {
            Standing::Applied => (code::APPLIED, self.lease.clone()),
            Standing::Drifted => (code::APPLIED, Some("changed on the device since it was applied".to_owned())),
            Standing::Todo | Standing::Waiting => (code::IN_PROGRESS, Some("in progress".to_owned())),
            Standing::Refused(refusal) => (refusal.code(), Some(refusal.to_string())),
            Standing::Skipped(why) => (code::SKIPPED, Some(why.clone())),
            Standing::Failed(why) | Standing::GoneBack(why) => (code::FAILED, Some(why.clone())),
        };
        let value = self.value.as_ref().map(|value| storable(value.clone()));
        Ack { value, ac, av: self.version, ad: word.map(|word| short(&word)) }
    }
}

/// A word that fits into an answer.
pub(super) fn short(word: &str) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        Some((at, _)) => format!("{}…", &word[..at]),
        None => word.to_owned(),
    }
}

/// What of `actual` was asked for: of an object, the members that `wanted` has.
pub(in crate::agent) fn restrict(actual: &Value, wanted: &Value) -> Value {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => {
            let asked = |(name, wanted): (&String, &Value)| Some((name.clone(), restrict(actual.get(name)?, wanted)));
            Value::Object(wanted.iter().filter_map(asked).collect::<Map>())
        }
        _ => actual.clone(),
    }
}

/// The value as a hub can store it (protocol reference 5.5): without nulls, and with strings of a length it takes.
/// What is cut differs from what is wanted anyway.
fn storable(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > limits::STRING_BYTES => Value::String(cut(&text).to_owned()),
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(storable).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, storable(value)))
            .collect(),
        other => other,
    }
}

fn cut(text: &str) -> &str {
    let mut end = limits::STRING_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_asked_for_is_compared() {
        let actual = json!({"servers": ["a"], "enabled": true, "extra": {"x": 1}});
        assert_eq!(restrict(&actual, &json!({"servers": ["b"]})), json!({"servers": ["a"]}));
        assert_eq!(restrict(&actual, &json!({"extra": {"x": 2, "y": 3}})), json!({"extra": {"x": 1}}));
        assert_eq!(restrict(&json!(1), &json!({"x": 1})), json!(1));
    }

    #[test]
    fn what_no_hub_stores_is_not_reported() {
        let long = "ä".repeat(3000);
        let stored = storable(json!({"a": null, "b": [1, null], "c": long}));
        assert_eq!(stored["b"], json!([1]));
        assert!(stored.get("a").is_none());
        assert!(stored["c"].as_str().unwrap().len() <= limits::STRING_BYTES);
    }

    #[test]
    fn long_explanations_are_cut_between_characters() {
        assert_eq!(short(&"ö".repeat(300)).chars().count(), LONGEST_WORD + 1);
        assert_eq!(short("brief"), "brief");
    }
}
