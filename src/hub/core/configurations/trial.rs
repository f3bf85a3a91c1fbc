//! Whether a condition and queries would be taken (protocol reference 8.2).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{rules::check_query, target};
use crate::twin::Map;

/// What a client wants to know to be right.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Trial {
    target_condition: Option<String>,
    custom_metric_queries: Option<BTreeMap<String, String>>,
}

impl Trial {
    /// What is wrong, as the service answers it.
    pub(crate) fn errors(&self) -> Value {
        let mut answer = Map::new();
        let target = self.target_condition.as_deref().and_then(|text| match text.trim() {
            "*" => Some("`*` is no condition, although a configuration may have it for its target".to_owned()),
            text => target::check(text).err().map(|failure| failure.message),
        });
        answer.extend(target.map(|error| ("targetConditionError".to_owned(), error.into())));
        let queries = self.custom_metric_queries.iter().flatten();
        let wrong = queries.filter_map(|(name, text)| Some((name.clone(), check_query(text).err()?.into())));
        let wrong: Map = wrong.collect();
        if !wrong.is_empty() {
            answer.insert("customMetricQueryErrors".to_owned(), wrong.into());
        }
        Value::Object(answer)
    }
}
