//! Records that were written lately, in memory: most are read again soon, and the next write of one reads it first.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Change;
use crate::hub::{
    ports::LinkId,
    record::{Record, Session},
};

/// Most bytes of all records together, roughly.
const BYTES: usize = 64 << 20;
/// How many locks share the records.
const SHARDS: usize = 64;
/// What a record takes besides its texts.
const OVERHEAD: usize = 400;

/// See the module. Only the writer changes it, once a group is durable and before anybody hears of it: what is here is
/// what the database has.
#[derive(Debug)]
pub(super) struct Recent {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// Records in two generations: when the younger one has its share of bytes, the older one goes.
#[derive(Debug, Default)]
struct Shard {
    young: HashMap<LinkId, Kept>,
    old: HashMap<LinkId, Kept>,
    /// Of the young ones.
    bytes: usize,
}

/// A record as it was handed to the writer, with what the store has instead of some of its parts.
#[derive(Debug, Clone)]
struct Kept {
    record: Arc<Record>,
    revision: u64,
    session: Session,
}

impl Default for Recent {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Recent {
    fn shard(&self, link: &LinkId) -> MutexGuard<'_, Shard> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let at = self.hasher.hash_one(link) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record, if it was written lately.
    pub(super) fn get(&self, link: &LinkId) -> Option<Record> {
        let Kept { record, revision, session } = self.shard(link).get(link)?.clone();
        Some(Record { revision, session, ..Record::clone(&record) })
    }

    /// A batch was written. `session_of` reads the session of a record that is not here yet.
    pub(super) fn written(&self, batch: &[Change], session_of: impl Fn(&LinkId) -> Option<Session>) {
        for change in batch {
            match change {
                // Nothing is left of the sessions of a namesake.
                Change::Insert(record) => self.put(record, record.revision, Session::default()),
                Change::Update(record) => {
                    let kept = self.shard(&record.link).get(&record.link).map(|kept| kept.session.clone());
                    if let Some(session) = kept.or_else(|| session_of(&record.link)) {
                        self.put(record, record.revision + 1, session);
                    }
                }
                Change::Delete { link, .. }
                | Change::Subscriptions { link, .. }
                | Change::Seen { link, .. }
                | Change::Heard { link, .. }
                | Change::Waiting { link, .. }
                | Change::Claim { link, .. } => self.shard(link).forget(link),
                Change::Setting { .. }
                | Change::Document(_)
                | Change::DeleteDocument { .. }
                | Change::DeleteDocuments { .. }
                | Change::Tell { .. }
                | Change::Cut { .. }
                | Change::Mail { .. } => {}
            }
        }
    }

    fn put(&self, record: &Arc<Record>, revision: u64, session: Session) {
        let kept = Kept { record: Arc::clone(record), revision, session };
        let gone = self.shard(&record.link).put(record.link.clone(), kept);
        // Outside of the lock, because it takes a while.
        drop(gone);
    }
}

impl Shard {
    fn get(&self, link: &LinkId) -> Option<&Kept> {
        self.young.get(link).or_else(|| self.old.get(link))
    }

    /// Gives what has to make room.
    fn put(&mut self, link: LinkId, kept: Kept) -> HashMap<LinkId, Kept> {
        self.forget(&link);
        self.bytes += kept.bytes();
        self.young.insert(link, kept);
        if self.bytes <= BYTES / SHARDS / 2 {
            return HashMap::new();
        }
        self.bytes = 0;
        mem::replace(&mut self.old, mem::take(&mut self.young))
    }

    fn forget(&mut self, link: &LinkId) {
        if let Some(kept) = self.young.remove(link) {
            self.bytes -= kept.bytes();
        } else {
            self.old.remove(link);
        }
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        let Record { identity, tags, desired, reported, configurations, .. } = &*self.record;
        let halves = [desired, reported].map(|half| half.values.len() + half.metadata.len());
        let others = [tags, configurations].map(|text| text.as_ref().map_or(0, |text| text.len()));
        OVERHEAD + identity.len() + halves.iter().chain(&others).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Outcome, Store as _,
            tests::{link, record, store},
        },
        *,
    };
    use crate::hub::record::Waiting;

    fn update(record: &Record) -> Vec<Change> {
        vec![Change::Update(Arc::new(record.clone()))]
    }

    #[tokio::test]
    async fn what_is_in_memory_is_what_the_database_has() {
        let (folder, store) = store();
        let waiting = Change::Waiting { link: link("d1"), waiting: Waiting::from_iter([9]) };
        let seen = Change::Seen { link: link("d1"), last_activity: "a".into(), state_changed: "b".into(), live: true };
        let insert = Change::Insert(Arc::new(record("d1")));
        let one = record("d1");
        let steps = [
            vec![insert.clone()],
            update(&one),
            vec![Change::Subscriptions { link: link("d1"), subscriptions: 3 }],
            update(&Record { revision: 8, ..one.clone() }),
            vec![waiting, seen],
            // The session of this one is older than what was written since.
            update(&Record { revision: 9, enabled: false, ..one.clone() }),
            [update(&Record { revision: 10, tags: Some("{}".into()), ..one.clone() }), vec![insert.clone()]].concat(),
            update(&Record { revision: 7, ..one.clone() }),
            vec![Change::Delete { link: link("d1"), revision: 10 }],
            vec![insert],
        ];
        for step in steps {
            let _either = store.write(step).await.unwrap();
            let connection = super::super::sqlite_schema::open_reader(&folder.path().join("hub.db")).unwrap();
            let stored = super::super::sqlite_row::get(&connection, &link("d1")).unwrap();
            assert_eq!(store.get(&link("d1")).await.unwrap(), stored);
        }
        assert_eq!(store.write(update(&one)).await.unwrap(), Outcome::Written);
    }

    #[test]
    fn memory_is_bounded_and_what_was_written_last_is_there() {
        let recent = Recent::default();
        let mut big = record("d");
        big.desired.values = "x".repeat(1 << 20).into();
        for n in 0..500 {
            let one = Record { link: link(&format!("d{n}")), ..big.clone() };
            recent.written(&[Change::Insert(Arc::new(one))], |_| None);
            let kept: usize =
                recent.shards.iter().map(|shard| shard.lock().unwrap()).map(|s| s.young.len() + s.old.len()).sum();
            assert!(kept <= SHARDS, "{kept}");
        }
        assert_eq!(recent.get(&link("d499")).map(|record| record.link), Some(link("d499")));
    }
}
