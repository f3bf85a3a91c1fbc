//! The store that a hub was told to use.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use super::{
    Change, Counts, Document, Kind, Outcome, PostgresStore, Scanned, Span, SqliteStore, Store, StoreError, Tally,
};
use crate::{
    hub::{ports::LinkId, record::Record},
    query::{FieldPath, Sieve},
};

/// See the module.
#[derive(Debug)]
pub(crate) enum AnyStore {
    /// In the state folder, for this process alone.
    Embedded(SqliteStore),
    /// For any number of processes.
    Shared(Arc<PostgresStore>),
}

/// The same on whichever store it is.
macro_rules! on {
    ($self:ident, $store:ident => $work:expr) => {
        match $self {
            AnyStore::Embedded($store) => $work,
            AnyStore::Shared($store) => $work,
        }
    };
}

impl AnyStore {
    /// Makes a setting unless there is one; what there is then, the same for all processes.
    pub(crate) async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let store = match self {
            Self::Shared(store) => return store.settle(name, value).await,
            Self::Embedded(store) => store,
        };
        if let Some(found) = store.setting(name).await? {
            return Ok(found);
        }
        let setting = Change::Setting { name: name.to_owned(), value: value.to_owned() };
        let _written = store.write(vec![setting]).await?;
        Ok(value.to_owned())
    }

    /// Writes what is left, and closes. Takes a while.
    pub(crate) async fn close(self) {
        match self {
            Self::Shared(store) => {
                if let Some(store) = Arc::into_inner(store) {
                    store.close().await;
                } else {
                    warn!("somebody still uses the store; what nobody waits for may not be written");
                }
            }
            // The last commit and checkpoint are not for a thread that serves others.
            Self::Embedded(store) => {
                if let Err(error) = tokio::task::spawn_blocking(move || drop(store)).await {
                    warn!(%error, "the store was not closed in good order");
                }
            }
        }
    }
}

impl Store for AnyStore {
    async fn get(&self, link: &LinkId) -> Result<Option<Record>, StoreError> {
        on!(self, store => store.get(link).await)
    }

    async fn write(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        on!(self, store => store.write(batch).await)
    }

    fn note(&self, change: Change) {
        on!(self, store => store.note(change));
    }

    async fn claim(&self, link: &LinkId, identity: &str, at: &str) -> Result<Outcome, StoreError> {
        on!(self, store => store.claim(link, identity, at).await)
    }

    async fn scan(
        &self,
        span: Span<'_>,
        after: Option<&LinkId>,
        sieve: &Sieve,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        on!(self, store => store.scan(span, after, sieve, limit).await)
    }

    async fn tally(&self, sieve: &Sieve, by: &[FieldPath], most: usize) -> Result<Option<Vec<Tally>>, StoreError> {
        on!(self, store => store.tally(sieve, by, most).await)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        on!(self, store => store.counts().await)
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        on!(self, store => store.setting(name).await)
    }

    async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        on!(self, store => store.document(kind, id).await)
    }

    async fn documents(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        on!(self, store => store.documents(kind, prefix, after, limit).await)
    }

    async fn lease(&self, name: &str, time: Duration) -> Result<bool, StoreError> {
        on!(self, store => store.lease(name, time).await)
    }
}
