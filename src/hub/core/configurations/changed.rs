//! Twins that changed in this process and may have to be evaluated.

use std::{
    collections::HashMap,
    mem::take,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::hub::{ports::LinkId, record::Record};

/// Most twins that are remembered; with more, all are evaluated.
const MOST: usize = 10_000;

/// What there was before a change, as far as it tells what changed.
#[derive(Debug, Clone, Copy)]
pub(in crate::hub::core) struct Before {
    etag: u64,
    reported: u64,
}

impl Before {
    pub(in crate::hub::core) const fn of(record: &Record) -> Self {
        Self { etag: record.etag, reported: record.reported.version }
    }
}

/// A change of one twin, or of several.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// The last of them, by the revision that it replaced.
    revision: u64,
    /// Whether nothing but reported properties changed.
    reported: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    links: HashMap<LinkId, Change>,
    overflow: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::hub::core) struct Changed {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

/// What has changed since the last time.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Each with whether nothing but its reported properties changed.
    pub(super) links: Vec<(LinkId, bool)>,
    /// There were more than could be remembered.
    pub(super) overflow: bool,
}

impl Changed {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record was written in the place of one that was as `before` says; a new one has none before it.
    pub(in crate::hub::core) fn note(&self, before: Option<Before>, record: &Record) {
        let reported =
            before.is_some_and(|before| before.etag == record.etag && before.reported != record.reported.version);
        let mut waiting = self.waiting();
        if waiting.overflow {
            return;
        }
        let change = waiting.links.entry(record.link.clone()).or_insert(Change { revision: 0, reported: true });
        change.revision = record.revision;
        change.reported &= reported;
        if waiting.links.len() > MOST {
            *waiting = Waiting { links: HashMap::new(), overflow: true };
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// A change was one that the engine itself made, unless there was another one after it.
    pub(super) fn forget(&self, record: &Record) {
        let mut waiting = self.waiting();
        if waiting.links.get(&record.link).is_some_and(|change| change.revision == record.revision) {
            waiting.links.remove(&record.link);
        }
    }

    /// What has changed; from now on it counts as seen.
    pub(super) fn take(&self) -> Changes {
        let Waiting { links, overflow } = take(&mut *self.waiting());
        Changes { links: links.into_iter().map(|(link, change)| (link, change.reported)).collect(), overflow }
    }

    /// Something is to be looked at.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until something is to be looked at.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}
