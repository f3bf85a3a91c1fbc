//! Who is connected, and when somebody was last heard of.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;

use super::super::{
    ports::LinkId,
    record::{Presence, Record},
    store::Change,
    time,
};

/// How many locks share the links.
pub(super) const SHARDS: usize = 64;

/// A link that is there.
#[derive(Debug, Clone, Copy)]
struct Live {
    since: Timestamp,
    seen: Timestamp,
    /// What of `seen` the store knows.
    noted: Timestamp,
    session: u64,
}

/// How a link begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun {
    /// Never the same again in this process.
    pub(super) session: u64,
    /// Whether another one was there.
    pub(super) takes_over: bool,
}

/// Links that are there, in memory; what is left of those that were stands in their record's session.
#[derive(Debug)]
pub(super) struct PresenceTable {
    shards: Box<[Mutex<HashMap<LinkId, Live>>]>,
    hasher: RandomState,
    sessions: AtomicU64,
}

impl Default for PresenceTable {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            sessions: AtomicU64::new(0),
        }
    }
}

impl PresenceTable {
    fn shard(&self, link: &LinkId) -> MutexGuard<'_, HashMap<LinkId, Live>> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let at = self.hasher.hash_one(link) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link begins.
    pub(super) fn come(&self, link: &LinkId, now: Timestamp) -> Begun {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let live = Live { since: now, seen: now, noted: Timestamp::MIN, session };
        Begun { session, takes_over: self.shard(link).insert(link.clone(), live).is_some() }
    }

    /// Whether this is the link's session, and no later one.
    pub(super) fn is_current(&self, link: &LinkId, session: u64) -> bool {
        self.shard(link).get(link).is_some_and(|live| live.session == session)
    }

    /// What to remember of the links of one shard that were heard of since the last time. Shards beyond
    /// [`SHARDS`] have none.
    pub(super) fn unnoted(&self, shard: usize) -> Vec<Change> {
        let Some(shard) = self.shards.get(shard) else { return Vec::new() };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = shard.iter_mut().filter(|(_, live)| live.seen > live.noted);
        let note = |(link, live): (&LinkId, &mut Live)| {
            live.noted = live.seen;
            Change::Seen {
                link: link.clone(),
                last_activity: time::text(live.seen).into(),
                state_changed: time::text(live.since).into(),
                live: true,
            }
        };
        heard.map(note).collect()
    }

    /// Something was heard of a link. Says whether it is there.
    pub(super) fn seen(&self, link: &LinkId, now: Timestamp) -> bool {
        self.shard(link).get_mut(link).map(|live| live.seen = now).is_some()
    }

    /// What to remember of a device that was heard of without a link.
    pub(super) fn heard_once(link: &LinkId, now: Timestamp) -> Change {
        Change::Heard { link: link.clone(), at: time::text(now).into() }
    }

    /// A link is gone; what to remember of it.
    pub(super) fn go(&self, link: &LinkId, now: Timestamp) -> Option<Change> {
        let live = self.shard(link).remove(link)?;
        Some(Change::Seen {
            link: link.clone(),
            last_activity: time::text(live.seen).into(),
            state_changed: time::text(now).into(),
            live: false,
        })
    }

    /// How a record's device stands.
    pub(super) fn of(&self, record: &Record) -> Presence {
        let messages = record.session.waiting.at(time::now().as_millisecond());
        match self.shard(&record.link).get(&record.link) {
            Some(live) => Presence {
                connected: true,
                last_activity: Some(time::text(live.seen).into()),
                state_changed: Some(time::text(live.since).into()),
                messages,
            },
            None => Presence {
                connected: record.session.connected,
                last_activity: record.session.last_activity.clone(),
                state_changed: record.session.state_changed.clone(),
                messages,
            },
        }
    }
}
