//! Messages from the service to devices (protocol reference 11.4, 12), and what their senders hear of them.
//!
//! * A device has a queue of at most fifty: `queue` is their order, one small document, and what each says is a
//!   document of its own (`message`), so that a delivery rewrites only the former. Both begin with `device/` and go
//!   with the device ([`all_of`]).
//! * A message is handed out by MQTT until it is acknowledged, or by HTTPS under a lock for a while; after ten times,
//!   or when it expires, it is dropped.
//! * `expiry` drops what ends while nobody asks for it.
//! * `feedback` is a queue like a device's, of records that tell of such ends.

mod expiry;
mod feedback;
mod message;
mod queue;
#[cfg(test)]
mod tests;

use std::{iter, num::NonZeroU16, sync::Arc, time::Duration};

use jiff::Timestamp;
pub(crate) use message::{Ack, Message, Received};
use queue::{Entry, Fate, Lock, Queue, Receipt};

use super::{ATTEMPTS, Core, device_link};
use crate::{
    hub::{
        failure::Failure,
        ports::{Delivery, LinkId, Links},
        record::Waiting,
        store::{Change, Document, Kind, Outcome, Store},
        time,
    },
    iothub::{ErrorCode, Properties},
    twin::DeviceId,
};

/// Most messages that wait for one device.
const DEPTH: usize = 50;
/// How long a message waits if its sender does not say, and at most.
const USUAL: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(48);
/// How long whoever took a message by HTTPS may take to settle it.
const HOLD: Duration = Duration::from_mins(1);

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message_id: String,
    pub(crate) sequence: u64,
    pub(crate) expires: Timestamp,
}

/// What becomes of a message that was taken under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    Complete,
    Reject,
    Abandon,
}

/// What makes all messages for a device go, in the batch that deletes the device.
pub(super) fn all_of(link: &LinkId) -> [Change; 2] {
    let prefix = head_id(&link.to_string());
    [Kind::Queue, Kind::Message].map(|kind| Change::DeleteDocuments { kind, prefix: prefix.clone() })
}

fn head_id(key: &str) -> Box<str> {
    format!("{key}/").into()
}

/// With as many digits as there can be, so that ids sort as the sequences do.
fn body_id(key: &str, sequence: u64) -> Box<str> {
    format!("{key}/{sequence:020}").into()
}

/// What is left of a message that is over.
fn deletes(key: &str, entry: &Entry) -> [Change; 2] {
    [(Kind::Message, body_id(key, entry.sequence)), (Kind::Expiry, expiry::id(key, entry))]
        .map(|(kind, prefix)| Change::DeleteDocuments { kind, prefix })
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::ServerError, format!("a queue of messages cannot be read: {error}"))
}

const fn lock_lost() -> &'static str {
    "DeviceMessageLockLost: nothing is held under this token any longer; receive again"
}

impl<S: Store, L: Links> Core<S, L> {
    /// Puts a message into a device's queue; the device hears of it if it is there.
    pub(crate) async fn send_message(&self, id: &DeviceId, mut message: Message) -> Result<Sent, Failure> {
        let now = time::now();
        let expires = lifetime(message.expires, now)?;
        if message.property("$.mid").is_none() {
            message.properties.push("$.mid", Some(&format!("{:032x}", fastrand::u128(..))));
        }
        let message_id = message.property("$.mid").unwrap_or_default().to_owned();
        let body: Box<str> = message.body()?.into();
        let link = device_link(id);
        let turn = self.locks.turn(&link).await;
        let receipt = if message.ack == Ack::None {
            self.record(&link).await?;
            None
        } else {
            let generation_id = self.record(&link).await?.identity()?.generation_id;
            Some(Receipt { ack: message.ack, message_id: message_id.clone(), generation_id })
        };
        let entry = entry(now, expires, receipt);
        let pushed = self.push(id.as_str(), &entry, &body, DEPTH, now, Some(Change::Mail { link: link.clone() })).await;
        drop(turn);
        let (sequence, gone) = pushed?;
        self.report(id, gone).await;
        self.links.mail(&link);
        Ok(Sent { message_id, sequence, expires })
    }

    /// Drops all messages for a device; how many there were.
    pub(crate) async fn purge_messages(&self, id: &DeviceId) -> Result<usize, Failure> {
        self.record(&device_link(id)).await?;
        let now = millis(time::now());
        self.in_queue(id, |queue| Ok(queue.purge(now))).await
    }

    /// The first message for a device behind `after`, for its link.
    pub(super) async fn deliver(
        &self,
        id: &DeviceId,
        after: u64,
        packet: Option<NonZeroU16>,
    ) -> Result<Option<Delivery>, Failure> {
        let now = millis(time::now());
        loop {
            let take = |queue: &mut Queue| {
                let entry = queue.deliver(after, now);
                Ok(entry.map(|entry| {
                    let again = entry.deliveries > 1;
                    entry.packet = if entry.packet == 0 { packet.map_or(0, NonZeroU16::get) } else { entry.packet };
                    (entry.clone(), again)
                }))
            };
            let Some((entry, again)) = self.in_queue(id, take).await? else { return Ok(None) };
            let Some((mut properties, payload)) = self.body(id.as_str(), entry.sequence).await? else {
                // Somebody else completed it in between.
                self.complete(id, entry.sequence).await?;
                continue;
            };
            properties.push("$.to", Some(&format!("/devices/{id}/messages/devicebound")));
            if let Some(receipt) = &entry.receipt {
                properties.push("$.ack", Some(receipt.ack.name()));
            }
            let packet = NonZeroU16::new(entry.packet);
            return Ok(Some(Delivery { sequence: entry.sequence, packet, again, properties, payload }));
        }
    }

    /// A device has acknowledged a message.
    pub(super) async fn complete(&self, id: &DeviceId, sequence: u64) -> Result<(), Failure> {
        self.in_queue(id, |queue| {
            queue.remove(sequence, Fate::Success);
            Ok(())
        })
        .await
    }

    /// The first message for a device that nobody holds, held for a while.
    pub(crate) async fn receive_message(&self, id: &DeviceId) -> Result<Option<Received>, Failure> {
        let now = time::now();
        let lock = lock(now);
        let take = |queue: &mut Queue| Ok(hold(queue, &lock, millis(now)));
        let Some(entry) = self.in_queue(id, take).await? else { return Ok(None) };
        let body = self.body(id.as_str(), entry.sequence).await?;
        Ok(body.map(|(properties, payload)| received(entry, lock.token, properties, payload)))
    }

    /// Settles a message that was taken under a lock.
    pub(crate) async fn settle_message(&self, id: &DeviceId, token: &str, how: Settlement) -> Result<(), Failure> {
        let now = millis(time::now());
        let link = device_link(id);
        let tell = (how == Settlement::Abandon).then(|| Change::Mail { link: link.clone() });
        self.in_queue_telling(id, tell.as_slice(), |queue| settle(queue, token, how, now)).await?;
        if tell.is_some() {
            self.links.mail(&link);
        }
        Ok(())
    }

    /// Changes a device's queue in its turn, and reports what left it.
    async fn in_queue<T: Send>(
        &self,
        id: &DeviceId,
        change: impl Fn(&mut Queue) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, Failure> {
        self.in_queue_telling(id, &[], change).await
    }

    /// The same, and what is written with it.
    async fn in_queue_telling<T: Send>(
        &self,
        id: &DeviceId,
        tell: &[Change],
        change: impl Fn(&mut Queue) -> Result<T, Failure> + Send + Sync,
    ) -> Result<T, Failure> {
        let turn = self.locks.turn(&device_link(id)).await;
        let changed = self.change_queue(id.as_str(), |queue| Ok((change(queue)?, tell.to_vec()))).await;
        drop(turn);
        let (value, gone) = changed?;
        self.report(id, gone).await;
        Ok(value)
    }

    /// Puts a message at the end of a queue, and `tell` with it.
    async fn push(
        &self,
        key: &str,
        entry: &Entry,
        body: &str,
        depth: usize,
        now: Timestamp,
        tell: Option<Change>,
    ) -> Result<(u64, Vec<(Entry, Fate)>), Failure> {
        let change = |queue: &mut Queue| {
            let full = || {
                let message = format!("{depth} messages wait already, which is the most; complete or purge them");
                Failure::new(ErrorCode::DeviceMaximumQueueDepthExceeded, message)
            };
            let sequence = queue.push(entry.clone(), depth, millis(now)).ok_or_else(full)?;
            let end = expiry::document(key, &Entry { sequence, ..entry.clone() });
            let message = Document { kind: Kind::Message, id: body_id(key, sequence), revision: 0, body: body.into() };
            let new = [message, end].map(|document| Change::Document(Arc::new(document)));
            Ok((sequence, new.into_iter().chain(tell.clone()).collect()))
        };
        self.change_queue(key, change).await
    }

    /// Reads, changes and writes a queue with what goes with the change, and again if somebody else wrote in between. What
    /// left the queue comes with the value.
    async fn change_queue<T: Send>(
        &self,
        key: &str,
        change: impl Fn(&mut Queue) -> Result<(T, Vec<Change>), Failure> + Send + Sync,
    ) -> Result<(T, Vec<(Entry, Fate)>), Failure> {
        for _ in 0..ATTEMPTS {
            let head = self.store.document(Kind::Queue, &head_id(key)).await?;
            let queue = head.as_ref().map(|head| Queue::read(&head.body)).transpose().map_err(unreadable)?;
            let mut queue = queue.unwrap_or_default();
            let before = queue.ends();
            let (value, more) = change(&mut queue)?;
            let gone = queue.take_gone();
            let Some(write) = head_change(key, head, &queue)? else { return Ok((value, gone)) };
            let deletes = gone.iter().flat_map(|(entry, _)| deletes(key, entry));
            let count = waiting(key, &before, &queue);
            let batch = iter::once(write).chain(count).chain(deletes).chain(more).collect();
            if self.store.write(batch).await? == Outcome::Written {
                return Ok((value, gone));
            }
        }
        Err(Failure::new(ErrorCode::ServerBusy, "too many others write this queue; try again"))
    }

    async fn body(&self, key: &str, sequence: u64) -> Result<Option<(Properties, bytes::Bytes)>, Failure> {
        let body = self.store.document(Kind::Message, &body_id(key, sequence)).await?;
        body.map(|body| message::read(&body.body).ok_or_else(|| unreadable("a message is damaged"))).transpose()
    }
}

/// What keeps the count in the device's twin right, if that is necessary. Feedback waits in a queue that is no device's.
fn waiting(key: &str, before: &Waiting, queue: &Queue) -> Option<Change> {
    let waiting = queue.ends();
    let link = device_link(&DeviceId::new(key).ok()?);
    (waiting != *before).then_some(Change::Waiting { link, waiting })
}

/// What writes a queue, if that is necessary. An empty one is not kept.
fn head_change(key: &str, head: Option<Document>, queue: &Queue) -> Result<Option<Change>, Failure> {
    let id = head_id(key);
    let revision = head.as_ref().map_or(0, |head| head.revision);
    if queue.is_empty() {
        return Ok(head.map(|_| Change::DeleteDocument { kind: Kind::Queue, id, revision }));
    }
    let body: Box<str> = queue.text().map_err(unreadable)?.into();
    let same = head.is_some_and(|head| head.body == body);
    let write = || Change::Document(Arc::new(Document { kind: Kind::Queue, id, revision, body }));
    Ok((!same).then(write))
}

fn entry(now: Timestamp, expires: Timestamp, receipt: Option<Receipt>) -> Entry {
    let (enqueued, expires) = (millis(now), millis(expires));
    Entry { sequence: time::ticks(now), enqueued, expires, deliveries: 0, packet: 0, lock: None, receipt }
}

fn lock(now: Timestamp) -> Lock {
    Lock { token: format!("{:032x}", fastrand::u128(..)), until: millis(now + HOLD) }
}

fn hold(queue: &mut Queue, lock: &Lock, now: i64) -> Option<Entry> {
    let entry = queue.deliver(0, now)?;
    entry.lock = Some(lock.clone());
    Some(entry.clone())
}

fn settle(queue: &mut Queue, token: &str, how: Settlement, now: i64) -> Result<(), Failure> {
    let lost = || Failure::new(ErrorCode::DeviceMessageLockLost, lock_lost());
    let entry = queue.locked(token, now).ok_or_else(lost)?;
    let sequence = entry.sequence;
    match how {
        Settlement::Abandon => entry.lock = None,
        Settlement::Complete => queue.remove(sequence, Fate::Success),
        Settlement::Reject => queue.remove(sequence, Fate::Rejected),
    }
    Ok(())
}

fn received(entry: Entry, token: String, properties: Properties, payload: bytes::Bytes) -> Received {
    let at = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
    Received {
        properties,
        payload,
        sequence: entry.sequence,
        enqueued: at(entry.enqueued),
        expires: at(entry.expires),
        deliveries: entry.deliveries,
        ack: entry.receipt.map_or(Ack::None, |receipt| receipt.ack),
        token,
    }
}

/// When a message ends whose sender wants it to end at `expires`.
fn lifetime(expires: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Failure> {
    let expires = expires.unwrap_or(now + USUAL);
    if expires <= now || expires > now + LONGEST {
        return Err(Failure::invalid("a message expires in the future, two days from now at most"));
    }
    Ok(expires)
}

fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}
