//! A store that tells of identities that were made and deleted, whoever wrote them.

use std::sync::Arc;

use crate::hub::{
    events::{Lifecycle, Outlet},
    record::Record,
    store::{Change, Outcome, Store, StoreError, forward},
};

/// See the module.
#[derive(Debug)]
pub(super) struct Watched<S> {
    store: S,
    outlet: Outlet,
}

impl<S: Store> Watched<S> {
    /// Tells nobody yet.
    pub(super) fn new(store: S) -> Self {
        Self { store, outlet: Outlet::default() }
    }

    /// Tells through `outlet`.
    pub(super) fn through(self, outlet: Outlet) -> Self {
        Self { outlet, ..self }
    }

    /// The store itself.
    pub(super) fn into_inner(self) -> S {
        self.store
    }

    /// What there will be to tell once a batch is written. What is deleted has to be read before.
    async fn to_tell(&self, batch: &[Change]) -> Result<Vec<(Lifecycle, Arc<Record>)>, StoreError> {
        let mut told = Vec::new();
        for change in batch {
            match change {
                Change::Insert(record) => told.push((Lifecycle::Created, Arc::clone(record))),
                Change::Delete { link, .. } => {
                    let record = self.store.get(link).await?;
                    told.extend(record.map(|record| (Lifecycle::Deleted, Arc::new(record))));
                }
                _ => {}
            }
        }
        Ok(told)
    }
}

impl<S: Store> Store for Watched<S> {
    async fn write(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        if !self.outlet.wants_lifecycle() {
            return self.store.write(batch).await;
        }
        let told = self.to_tell(&batch).await?;
        let outcome = self.store.write(batch).await?;
        if outcome == Outcome::Written {
            for (what, record) in &told {
                self.outlet.lifecycle(*what, record);
            }
        }
        Ok(outcome)
    }

    forward!(store: note, get, claim, scan, tally, counts, setting, document, documents, lease);
}
