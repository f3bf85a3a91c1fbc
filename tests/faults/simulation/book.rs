//! What the reconciler has written to one twin since others wrote to it last.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use twinops::twin::{Map, leaves};

/// The word over a component that is about to be replaced: a second write is to follow.
const REFRESHING: &str = "refreshing";

#[derive(Debug, Default)]
pub(super) struct Book {
    /// The values that were written, by revision and path.
    values: BTreeMap<(String, Vec<Arc<str>>), Value>,
    /// The last revision that was written whole.
    settled: Option<String>,
}

impl Book {
    /// Enters a write that the hub has taken.
    pub(super) fn note(&mut self, revision: &str, body: &Value) -> Result<(), String> {
        let empty = Map::new();
        let section = |pointer: &str| body.pointer(pointer).and_then(Value::as_object).unwrap_or(&empty);
        let written = [("tags", section("/tags")), ("desired", section("/properties/desired"))];
        let written = written.into_iter().flat_map(|(name, section)| {
            leaves(section).into_iter().map(move |leaf| ([vec![name.into()], leaf.keys].concat(), leaf.value))
        });
        let mut is_first_of_two = false;
        for (keys, value) in written {
            if value == REFRESHING {
                is_first_of_two = true;
                continue;
            }
            // The marker counts what came back: it is told, not wanted.
            if keys.first().is_some_and(|key| **key == *"tags") && keys.iter().any(|key| **key == *"returned") {
                continue;
            }
            let known = self.values.entry((revision.to_owned(), keys.clone())).or_insert_with(|| value.clone());
            if known != value {
                return Err(format!("{} was written as {known}, and now as {value}", keys.join(".")));
            }
        }
        if self.settled.as_deref() == Some(revision) {
            return Err(format!("it was written whole already, and nobody else has written since: {body}"));
        }
        self.settled = (!is_first_of_two).then(|| revision.to_owned());
        Ok(())
    }
}
