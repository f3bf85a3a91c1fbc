//! What the metrics of all configurations come to (protocol reference 8.1).

use std::{collections::HashMap, sync::Arc};

use super::{
    document::{Results, results_id},
    set::{Bits, Entry, Set},
    system::TARGETED,
};
use crate::{
    hub::{
        core::Core,
        failure::Failure,
        ports::Links,
        record::Record,
        store::{Change, Document, Kind, Outcome, Store},
    },
    query::{Fields, Source},
};

/// Most results that are read; those of configurations that are gone are soon deleted.
const MOST: usize = 1000;

/// See the module.
#[derive(Debug)]
pub(super) struct Tally {
    targeted: Vec<u64>,
    /// For each configuration, for each of its metrics.
    counts: Vec<Vec<u64>>,
}

impl Tally {
    pub(super) fn new(set: &Set) -> Self {
        let entries = set.entries();
        let counts = entries.iter().map(|entry| vec![0; entry.metrics.len()]).collect();
        Self { targeted: vec![0; entries.len()], counts }
    }

    /// Counts one record, which is meant by `meant`.
    pub(super) fn count(&mut self, set: &Set, record: &Record, meant: Bits, fields: &impl Fields) {
        let source = if record.link.module.is_some() { Source::Modules } else { Source::Devices };
        for (at, entry) in set.entries().iter().enumerate() {
            if let Some(targeted) = self.targeted.get_mut(at) {
                *targeted += u64::from(meant >> at & 1 == 1);
            }
            let counts = self.counts.get_mut(at).into_iter().flatten();
            for (metric, count) in entry.metrics.iter().zip(counts) {
                if metric.query.source() == source && metric.query.matches(fields) {
                    *count += 1;
                }
            }
        }
    }

    fn results(&self, entry: &Entry, at: usize) -> Results {
        let mut results = Results { ticks: entry.ticks, ..Results::default() };
        results.system.insert(TARGETED.to_owned(), self.targeted.get(at).copied().unwrap_or_default());
        for (metric, count) in entry.metrics.iter().zip(self.counts.get(at).into_iter().flatten()) {
            let results = if metric.custom { &mut results.custom } else { &mut results.system };
            results.insert(metric.name.clone(), *count);
        }
        results
    }
}

impl<S: Store, L: Links> Core<S, L> {
    /// Keeps the results that are not what they were, and forgets those of configurations that are gone.
    pub(super) async fn keep_results(&self, set: &Set, tally: &Tally) -> Result<(), Failure> {
        let kept = self.store.documents(Kind::ConfigurationResults, "", None, MOST).await?;
        let mut kept: HashMap<Box<str>, Document> =
            kept.into_iter().map(|document| (document.id.clone(), document)).collect();
        let mut changes = Vec::new();
        for (at, entry) in set.entries().iter().enumerate() {
            let (id, results) = (results_id(entry.id()), tally.results(entry, at));
            let old = kept.remove(&id);
            if old.as_ref().and_then(Results::read).as_ref() == Some(&results) {
                continue;
            }
            let Ok(body) = serde_json::to_string(&results) else { continue };
            let revision = old.map_or(0, |old| old.revision);
            let document = Document { kind: Kind::ConfigurationResults, id, revision, body: body.into() };
            changes.push(Change::Document(Arc::new(document)));
        }
        changes.extend(kept.into_values().map(|Document { kind, id, revision, .. }| Change::DeleteDocument {
            kind,
            id,
            revision,
        }));
        for change in changes {
            // Whoever was faster has counted too.
            let _written: Outcome = self.store.write(vec![change]).await?;
        }
        Ok(())
    }
}
