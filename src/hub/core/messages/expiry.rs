//! Messages that end while nobody asks for them (protocol reference 11.4): dropped when it is time, and their senders
//! hear of it.
//!
//! Each message that waits has a document named by its end, written and deleted with it. So what is due stands first,
//! and nothing else is looked at.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use tracing::warn;

use super::{Entry, Queue, millis};
use crate::{
    hub::{
        core::Core,
        failure::Failure,
        ports::Links,
        store::{Change, Document, Kind, Outcome, Store},
        time,
    },
    task::Stop,
    twin::DeviceId,
};

/// The work that one process does for all that share a store, and for how long it is granted.
const LEASE: (&str, Duration) = ("messages", Duration::from_secs(30));
/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_secs(10);
/// Documents that are read, and deleted, at a time.
const CHUNK: usize = 64;

/// The name of a message's end: `time/device/sequence`, with as many digits as there can be, so that ids sort as the
/// times do.
pub(super) fn id(key: &str, entry: &Entry) -> Box<str> {
    format!("{:020}/{key}/{:020}", entry.expires, entry.sequence).into()
}

/// The document that a message's end is found by.
pub(super) fn document(key: &str, entry: &Entry) -> Document {
    Document { kind: Kind::Expiry, id: id(key, entry), revision: 0, body: "{}".into() }
}

fn is_due(end: &Document, now: i64) -> bool {
    end.id.split('/').next().and_then(|time| time.parse().ok()).is_none_or(|time: i64| time <= now)
}

/// Whose queue it is.
fn key(end: &Document) -> &str {
    end.id.split('/').nth(1).unwrap_or_default()
}

impl<S: Store, L: Links> Core<S, L> {
    /// Drops messages when they end, until `stop` is requested.
    pub(crate) async fn expire_messages(&self, stop: &Stop) {
        let (name, time) = LEASE;
        while stop.unless(sleep(EVERY)).await.is_some() {
            // Not broken off by `stop`: what has left a queue is yet to be reported.
            let looked = async {
                if self.store.lease(name, time).await? {
                    self.expire_due(time::now(), stop).await?;
                }
                Ok::<_, Failure>(())
            };
            if let Err(failure) = looked.await {
                warn!(%failure, "messages that have expired were not looked for; it is tried again");
            }
        }
    }

    /// Drops all messages that have ended by `now`.
    pub(super) async fn expire_due(&self, now: Timestamp, stop: &Stop) -> Result<(), Failure> {
        let now = millis(now);
        let mut after: Option<Box<str>> = None;
        loop {
            let mut ends = self.store.documents(Kind::Expiry, "", after.as_deref(), CHUNK).await?;
            let is_full = ends.len() == CHUNK;
            let due = ends.iter().take_while(|end| is_due(end, now)).count();
            ends.truncate(due);
            let stuck = self.expire_queues(&ends, now, stop).await;
            let over = ends.iter().filter(|end| !stuck.contains(key(end)));
            let delete = |end: &Document| Change::DeleteDocuments { kind: Kind::Expiry, prefix: end.id.clone() };
            let batch: Vec<_> = over.map(delete).collect();
            if !batch.is_empty() {
                // Most went with their messages. The others were left by devices that are gone.
                let _deleted: Outcome = self.store.write(batch).await?;
            }
            match ends.pop() {
                Some(last) if is_full && due == CHUNK && !stop.is_requested() => after = Some(last.id),
                _ => return Ok(()),
            }
        }
    }

    /// Drops what has ended in the queues of these messages. Those queues that could not be changed; their turn comes
    /// again.
    async fn expire_queues<'e>(&self, ends: &'e [Document], now: i64, stop: &Stop) -> BTreeSet<&'e str> {
        let mut stuck: BTreeSet<&str> = ends.iter().map(key).collect();
        for key in stuck.clone() {
            if stop.is_requested() {
                break;
            }
            match self.expire_queue(key, now).await {
                Ok(()) => drop(stuck.remove(key)),
                Err(failure) => warn!(device = key, %failure, "expired messages could not be dropped"),
            }
        }
        stuck
    }

    async fn expire_queue(&self, key: &str, now: i64) -> Result<(), Failure> {
        if key.is_empty() {
            return self.expire_feedback(now).await;
        }
        let id = DeviceId::new(key).map_err(|error| Failure::invalid(error.to_string()))?;
        let expire = |queue: &mut Queue| {
            queue.expire(now);
            Ok(())
        };
        self.in_queue(&id, expire).await
    }
}
