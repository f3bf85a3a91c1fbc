//! The order of the messages that wait in one place, and what becomes of each. Pure.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::message::Ack;
use crate::hub::record::Waiting;

/// How often a message is handed out; after that it is dropped.
pub(super) const DELIVERIES: u8 = 10;

/// All that wait, oldest first. What they say is kept elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// Those that left since the queue was read.
    #[serde(skip)]
    gone: Vec<(Entry, Fate)>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) sequence: u64,
    /// When it came and when it ends, in milliseconds since 1970.
    pub(super) enqueued: i64,
    pub(super) expires: i64,
    #[serde(default)]
    pub(super) deliveries: u8,
    /// The MQTT packet identifier under which it was sent first; 0 for none.
    #[serde(default)]
    pub(super) packet: u16,
    /// Who took it by HTTPS, and how long it is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lock: Option<Lock>,
    /// What the sender wants to hear, and whom of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) receipt: Option<Receipt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    pub(super) token: String,
    /// In milliseconds since 1970.
    pub(super) until: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Receipt {
    pub(super) ack: Ack,
    pub(super) message_id: String,
    pub(super) generation_id: String,
}

/// How a message left, in the words of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Fate {
    Success,
    Expired,
    DeliveryCountExceeded,
    Rejected,
    Purged,
}

impl Queue {
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(super) fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the twin of its device tells of it.
    pub(super) fn ends(&self) -> Waiting {
        self.entries.iter().map(|entry| entry.expires).collect()
    }

    /// How many wait at `now`.
    pub(super) fn waiting(&self, now: i64) -> usize {
        self.entries.iter().filter(|entry| entry.expires > now).count()
    }

    /// Puts a message last if fewer than `most` wait; its sequence, which is `sequence` or what comes next.
    pub(super) fn push(&mut self, mut entry: Entry, most: usize, now: i64) -> Option<u64> {
        self.expire(now);
        if self.entries.len() >= most {
            return None;
        }
        let least = self.entries.back().map_or(1, |last| last.sequence + 1);
        entry.sequence = entry.sequence.max(least);
        let sequence = entry.sequence;
        self.entries.push_back(entry);
        Some(sequence)
    }

    /// Hands out the first message behind `after` that nobody has locked. One that was handed out too often goes.
    pub(super) fn deliver(&mut self, after: u64, now: i64) -> Option<&mut Entry> {
        self.expire(now);
        let free = |entry: &Entry| entry.sequence > after && entry.lock.as_ref().is_none_or(|lock| lock.until <= now);
        let spent = |entry: &Entry| free(entry) && entry.deliveries >= DELIVERIES;
        while let Some(first) = self.entries.iter().find(|entry| free(entry))
            && spent(first)
        {
            let sequence = first.sequence;
            self.remove(sequence, Fate::DeliveryCountExceeded);
        }
        let entry = self.entries.iter_mut().find(|entry| free(entry))?;
        entry.deliveries += 1;
        entry.lock = None;
        Some(entry)
    }

    /// The message that a token holds.
    pub(super) fn locked(&mut self, token: &str, now: i64) -> Option<&mut Entry> {
        self.expire(now);
        let held = |lock: &Lock| lock.token == token && lock.until > now;
        self.entries.iter_mut().find(|entry| entry.lock.as_ref().is_some_and(held))
    }

    /// Takes a message out, if it is there.
    pub(super) fn remove(&mut self, sequence: u64, fate: Fate) {
        if let Some(at) = self.entries.iter().position(|entry| entry.sequence == sequence) {
            self.gone.extend(self.entries.remove(at).map(|entry| (entry, fate)));
        }
    }

    /// Takes the oldest message out.
    pub(super) fn drop_oldest(&mut self, fate: Fate) {
        self.gone.extend(self.entries.pop_front().map(|entry| (entry, fate)));
    }

    /// Takes all out; how many there were.
    pub(super) fn purge(&mut self, now: i64) -> usize {
        self.expire(now);
        let count = self.entries.len();
        self.gone.extend(self.entries.drain(..).map(|entry| (entry, Fate::Purged)));
        count
    }

    /// Those that left since the queue was read.
    pub(super) fn take_gone(&mut self) -> Vec<(Entry, Fate)> {
        std::mem::take(&mut self.gone)
    }

    /// Takes those out that have ended by `now`.
    pub(super) fn expire(&mut self, now: i64) {
        let (kept, over) = std::mem::take(&mut self.entries).into_iter().partition(|entry| entry.expires > now);
        self.entries = kept;
        let over: VecDeque<Entry> = over;
        self.gone.extend(over.into_iter().map(|entry| (entry, Fate::Expired)));
    }
}

impl Receipt {
    /// Whether the sender wants to hear of this end.
    pub(super) fn covers(&self, fate: Fate) -> bool {
        match self.ack {
            Ack::None => false,
            Ack::Positive => fate == Fate::Success,
            Ack::Negative => fate != Fate::Success,
            Ack::Full => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(expires: i64) -> Entry {
        Entry { sequence: 0, enqueued: 0, expires, deliveries: 0, packet: 0, lock: None, receipt: None }
    }

    fn queue(count: usize) -> Queue {
        let mut queue = Queue::default();
        for _ in 0..count {
            queue.push(entry(100), 50, 0).unwrap();
        }
        queue
    }

    #[test]
    fn fifty_may_wait_and_one_that_ends_makes_room() {
        let mut queue = queue(50);
        assert_eq!(queue.push(entry(100), 50, 0), None);
        queue.remove(7, Fate::Success);
        assert_eq!(queue.push(entry(100), 50, 0), Some(51));
        assert_eq!((queue.waiting(99), queue.waiting(100)), (50, 0));
        assert_eq!(queue.push(entry(200), 50, 100), Some(1), "all others have expired");
        let fates: Vec<Fate> = queue.take_gone().into_iter().map(|(_, fate)| fate).collect();
        assert_eq!(fates, [vec![Fate::Success], vec![Fate::Expired; 50]].concat());
    }

    #[test]
    fn the_eleventh_delivery_is_none() {
        let mut queue = queue(2);
        for count in 1..=10 {
            assert_eq!(queue.deliver(0, 0).map(|entry| (entry.sequence, entry.deliveries)), Some((1, count)));
        }
        assert_eq!(queue.deliver(0, 0).map(|entry| entry.sequence), Some(2));
        assert_eq!(queue.take_gone()[0].1, Fate::DeliveryCountExceeded);
    }

    #[test]
    fn a_lock_keeps_a_message_from_others_until_it_ends() {
        let mut queue = queue(2);
        queue.deliver(0, 0).unwrap().lock = Some(Lock { token: "t".to_owned(), until: 60 });
        assert_eq!(queue.deliver(0, 59).map(|entry| entry.sequence), Some(2));
        assert_eq!(queue.locked("t", 59).map(|entry| entry.sequence), Some(1));
        assert_eq!(queue.locked("t", 60), None);
        assert_eq!(queue.locked("u", 59), None);
        assert_eq!(queue.deliver(0, 60).map(|entry| entry.sequence), Some(1));
    }

    proptest! {
        #[test]
        fn messages_leave_in_the_order_in_which_they_came(
            sequences in prop::collection::vec(0..1000_u64, 1..30), expiries in prop::collection::vec(1..9_i64, 30),
        ) {
            let mut queue = Queue::default();
            for (sequence, expires) in sequences.iter().zip(&expiries) {
                queue.push(Entry { sequence: *sequence, ..entry(*expires) }, 50, 0).unwrap();
            }
            let mut seen = 0;
            for now in 0..9 {
                while let Some(entry) = queue.deliver(seen, now) {
                    prop_assert!(entry.sequence > seen && entry.expires > now);
                    seen = entry.sequence;
                }
            }
            prop_assert_eq!(Queue::read(&queue.text().unwrap()).unwrap().entries, queue.entries);
        }
    }
}
