//! Which authorities vouch for devices, and for which of the connected ones they did.

use std::{
    collections::{HashMap, HashSet},
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

/// How often it was seen that an authority is trusted no longer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Epoch(u64);

/// What was made of the documents when they were last looked at.
#[derive(Debug, Default)]
struct Made {
    documents: Vec<Document>,
    verified: HashSet<String>,
    trust: Arc<Trust>,
    epoch: Epoch,
}

/// What is trusted now, and links that came in by it.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    made: Mutex<Made>,
    links: Mutex<HashMap<LinkId, Epoch>>,
}

impl Trusted {
    /// The verified authorities of the store. They are read every time, because another process may have changed them;
    /// certificates are only parsed when something changed.
    pub(super) async fn now(&self, store: &impl Store, now: u64) -> Result<(Arc<Trust>, Epoch), StoreError> {
        let documents = store.documents(Kind::Authority, "", None, MOST).await?;
        let mut made = locked(&self.made);
        if made.documents != documents || !made.trust.is_current(now) {
            let stored = documents.iter().filter_map(|document| serde_json::from_str::<Stored>(&document.body).ok());
            let verified = stored.filter(|stored| stored.verified).map(|stored| stored.certificate);
            let verified: HashSet<String> = verified.collect();
            let certificates = verified.iter().filter_map(|certificate| tls::from_text(certificate).ok());
            let trust = Arc::new(Trust::of(certificates, now));
            let is_one_gone = !made.verified.is_subset(&verified);
            let epoch = Epoch(made.epoch.0 + u64::from(is_one_gone));
            *made = Made { documents, verified, trust, epoch };
        }
        Ok((Arc::clone(&made.trust), made.epoch))
    }

    /// A link came in because an authority vouched for it in this epoch.
    pub(super) fn came(&self, link: &LinkId, epoch: Epoch) {
        locked(&self.links).insert(link.clone(), epoch);
    }

    /// A link is gone.
    pub(super) fn went(&self, link: &LinkId) {
        locked(&self.links).remove(link);
    }

    /// Links that came in before an authority went, whichever process removed it; forgets them. Without links by
    /// authorities the store is not asked.
    pub(super) async fn take_doubtful(&self, store: &impl Store, now: u64) -> Result<Vec<LinkId>, StoreError> {
        if locked(&self.links).is_empty() {
            return Ok(Vec::new());
        }
        let (_, current) = self.now(store, now).await?;
        Ok(locked(&self.links).extract_if(|_, epoch| *epoch < current).map(|(link, _)| link).collect())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
