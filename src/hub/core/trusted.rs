//! Which authorities vouch for devices, and for which of the connected ones they did.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::super::{
    ports::LinkId,
    store::{Document, Kind, Store, StoreError},
    tls::{self, Trust},
};

/// Most authorities of a hub (protocol reference 1.5).
pub(super) const MOST: usize = 25;

/// How an authority is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    /// Base64 of the DER.
    pub(super) certificate: String,
    pub(super) verified: bool,
    pub(super) created: String,
    pub(super) updated: String,
    /// What a certificate must be called that proves that the authority's key is at hand.
    #[serde(default)]
    pub(super) code: Option<String>,
}

/// What was made of the documents when they were last looked at, and links that came in by it.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    made: Mutex<(Vec<Document>, Arc<Trust>)>,
    links: Mutex<HashSet<LinkId>>,
}

impl Trusted {
    /// The verified authorities of the store. They are read every time, because another process may have changed them;
    /// certificates are only parsed when something changed.
    pub(super) async fn now(&self, store: &impl Store, now: u64) -> Result<Arc<Trust>, StoreError> {
        let documents = store.documents(Kind::Authority, "", None, MOST).await?;
        let mut made = locked(&self.made);
        if made.0 != documents || !made.1.is_current(now) {
            let stored = documents.iter().filter_map(|document| serde_json::from_str::<Stored>(&document.body).ok());
            let verified = stored.filter(|stored| stored.verified);
            let certificates = verified.filter_map(|stored| tls::from_text(&stored.certificate).ok());
            let trust = Arc::new(Trust::of(certificates, now));
            *made = (documents, trust);
        }
        Ok(Arc::clone(&made.1))
    }

    /// A link came in because an authority vouches for it.
    pub(super) fn came(&self, link: &LinkId) {
        locked(&self.links).insert(link.clone());
    }

    /// A link is gone.
    pub(super) fn went(&self, link: &LinkId) {
        locked(&self.links).remove(link);
    }

    /// All links that came in by an authority, and forgets them.
    pub(super) fn take_links(&self) -> HashSet<LinkId> {
        mem::take(&mut *locked(&self.links))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
