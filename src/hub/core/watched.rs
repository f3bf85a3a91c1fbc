//! A store that tells of identities that were made and deleted, whoever wrote them.

use std::{sync::Arc, time::Duration};

use crate::{
    hub::{
        events::{Lifecycle, Outlet},
        ports::LinkId,
        record::Record,
        store::{Change, Counts, Document, Filter, Kind, Outcome, Span, Store, StoreError, Tally},
    },
    query::FieldPath,
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

    fn note(&self, change: Change) {
        self.store.note(change);
    }

    async fn get(&self, link: &LinkId) -> Result<Option<Record>, StoreError> {
        self.store.get(link).await
    }

    async fn claim(&self, link: &LinkId, identity: &str, at: &str) -> Result<Outcome, StoreError> {
        self.store.claim(link, identity, at).await
    }

    async fn scan(
        &self,
        span: Span<'_>,
        after: Option<&LinkId>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.store.scan(span, after, filter, limit).await
    }

    async fn tally(&self, filter: &Filter, by: &[FieldPath], most: usize) -> Result<Option<Vec<Tally>>, StoreError> {
        self.store.tally(filter, by, most).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.store.counts().await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.store.setting(name).await
    }

    async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        self.store.document(kind, id).await
    }

    async fn documents(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.store.documents(kind, prefix, after, limit).await
    }

    async fn lease(&self, name: &str, time: Duration) -> Result<bool, StoreError> {
        self.store.lease(name, time).await
    }
}
