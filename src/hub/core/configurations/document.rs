//! A configuration as it is kept, and as it is shown (protocol reference 8.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{content::Content, system};
use crate::{
    hub::{failure::Failure, store::Document},
    iothub::{ETag, ErrorCode},
    twin::Map,
};

/// What is kept of a configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Configuration {
    pub(super) id: String,
    pub(super) schema_version: Option<String>,
    pub(super) labels: Option<Map>,
    /// One kind of content, as it was sent.
    pub(super) content: Map,
    pub(super) target: String,
    pub(super) priority: u32,
    /// ISO 8601.
    pub(super) created: String,
    pub(super) updated: String,
    /// When it was created, in ticks: tells it from others that had its id, and who was there first.
    pub(super) ticks: u64,
    /// The metrics of whoever wrote it.
    pub(super) queries: BTreeMap<String, String>,
    pub(super) etag: ETag,
}

/// What the metrics came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    /// Of which configuration, among those that had its id.
    pub(super) ticks: u64,
    pub(super) system: BTreeMap<String, u64>,
    pub(super) custom: BTreeMap<String, u64>,
}

/// The document that holds a configuration's results; no other configuration's begins like it.
pub(super) fn results_id(id: &str) -> Box<str> {
    format!("{id}/").into()
}

impl Configuration {
    /// Reads what the store has.
    pub(super) fn read(document: &Document) -> Result<Self, Failure> {
        serde_json::from_str(&document.body).map_err(|error| {
            tracing::error!(id = &*document.id, %error, "a configuration cannot be read");
            Failure::new(ErrorCode::ServerError, "the hub's copy of this configuration cannot be read")
        })
    }

    /// As the service shows it.
    pub(super) fn view(&self, results: Option<&Results>) -> Result<Value, Failure> {
        let none = Results::default();
        let results = results.filter(|results| results.ticks == self.ticks).unwrap_or(&none);
        let custom: BTreeMap<_, _> =
            results.custom.iter().filter(|(name, _)| self.queries.contains_key(*name)).collect();
        let queries: Map = system::queries(&self.id, &Content::parse(&self.content)?, &self.target)
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.into()))
            .collect();
        Ok(json!({
            "id": self.id,
            "schemaVersion": self.schema_version,
            "labels": self.labels,
            "content": self.content,
            "targetCondition": self.target,
            "createdTimeUtc": self.created,
            "lastUpdatedTimeUtc": self.updated,
            "priority": self.priority,
            "systemMetrics": { "results": results.system, "queries": queries },
            "metrics": { "results": custom, "queries": self.queries },
            "etag": self.etag,
        }))
    }
}

impl Results {
    /// Reads what the store has; what cannot be read counts as not there.
    pub(super) fn read(document: &Document) -> Option<Self> {
        serde_json::from_str(&document.body).ok()
    }
}
