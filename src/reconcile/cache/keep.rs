//! Keeping twins while they pass by.

use futures_util::{Stream, StreamExt as _};
use tokio::{sync::mpsc, task::JoinHandle};

use super::TwinCache;
use crate::reconcile::ports::{HubError, Page};

/// Pages that may wait to be kept: those that are read ahead hold memory.
const AHEAD: usize = 4;

/// The cache that comes of pages.
#[derive(Debug)]
pub struct Keeping(JoinHandle<TwinCache>);

impl Keeping {
    /// What was kept, once all pages have passed.
    pub async fn finish(self) -> TwinCache {
        // Whoever cannot keep them reads them again.
        self.0.await.unwrap_or_default()
    }
}

/// The same pages, kept on a thread beside the one that looks at them.
pub fn keeping(
    pages: impl Stream<Item = Result<Page, HubError>> + Send,
) -> (impl Stream<Item = Result<Page, HubError>> + Send, Keeping) {
    let (to, mut from) = mpsc::channel::<Page>(AHEAD);
    let cache = tokio::task::spawn_blocking(move || {
        let mut cache = TwinCache::default();
        while let Some(page) = from.blocking_recv() {
            let note = |row: Result<_, _>| row.iter().for_each(|row| cache.note(row));
            // A page that is none is told by whoever plans with it.
            drop(page.for_each(note));
        }
        cache
    });
    let pages = pages.then(move |page| {
        let to = to.clone();
        async move {
            if let Ok(page) = &page {
                // It ends only with its pages.
                drop(to.send(page.clone()).await);
            }
            page
        }
    });
    (pages, Keeping(cache))
}
