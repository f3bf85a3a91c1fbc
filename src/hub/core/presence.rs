//! Who is connected, and when somebody was last heard of.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::super::{
    ports::LinkId,
    record::{Presence, Record},
    store::Change,
    time,
};

/// How many locks share the links.
const SHARDS: usize = 64;

/// A link that is there.
#[derive(Debug, Clone, Copy)]
struct Live {
    since: Timestamp,
    seen: Timestamp,
}

/// Links that are there, in memory; what is left of those that were stands in their record's session.
#[derive(Debug)]
pub(super) struct PresenceTable {
    shards: Box<[Mutex<HashMap<LinkId, Live>>]>,
    hasher: RandomState,
}

impl Default for PresenceTable {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl PresenceTable {
    fn shard(&self, link: &LinkId) -> MutexGuard<'_, HashMap<LinkId, Live>> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let at = self.hasher.hash_one(link) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link begins. Whether there was none before.
    pub(super) fn come(&self, link: &LinkId, now: Timestamp) -> bool {
        self.shard(link).insert(link.clone(), Live { since: now, seen: now }).is_none()
    }

    /// Something was heard of a link.
    pub(super) fn seen(&self, link: &LinkId, now: Timestamp) {
        if let Some(live) = self.shard(link).get_mut(link) {
            live.seen = now;
        }
    }

    /// A link is gone; what to remember of it.
    pub(super) fn go(&self, link: &LinkId, now: Timestamp) -> Option<Change> {
        let live = self.shard(link).remove(link)?;
        Some(Change::Seen {
            link: link.clone(),
            last_activity: time::text(live.seen).into(),
            state_changed: time::text(now).into(),
        })
    }

    /// How a record's device stands.
    pub(super) fn of(&self, record: &Record) -> Presence {
        match self.shard(&record.link).get(&record.link) {
            Some(live) => Presence {
                connected: true,
                last_activity: Some(time::text(live.seen).into()),
                state_changed: Some(time::text(live.since).into()),
            },
            None => Presence {
                connected: record.session.connected,
                last_activity: record.session.last_activity.clone(),
                state_changed: record.session.state_changed.clone(),
            },
        }
    }
}
