//! Where identities and twins are kept.
//!
//! * [`Store`] is what the core needs of a store, and no more: read one, write a few under the condition that nobody
//!   else did, go through all in the order of their ids, count, and remember settings.
//! * `sqlite` is the embedded one, `postgres` the one that hub processes share; no other room knows which it is. `any` is
//!   either of them, as the configuration says.
//! * [`DirectoryLock`] keeps a second hub out of a state folder.

mod any;
mod document;
mod forward;
#[cfg(test)]
mod leased;
mod lock;
mod postgres;
mod span;
mod sqlite;
mod sqlite_backup;
mod sqlite_check;
mod sqlite_document;
mod sqlite_field;
mod sqlite_json;
mod sqlite_reader;
mod sqlite_recent;
mod sqlite_recovery;
mod sqlite_row;
mod sqlite_schema;
mod sqlite_tag;
mod sqlite_tally;
mod sqlite_walk;
mod sqlite_way;
mod sqlite_writer;
#[cfg(test)]
pub(super) mod tests;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

pub(crate) use any::AnyStore;
use bytes::Bytes;
pub(crate) use document::{Document, Kind};
pub(crate) use forward::forward;
#[cfg(test)]
pub(crate) use leased::Leased;
pub(crate) use lock::DirectoryLock;
pub(crate) use postgres::{Address, AddressError, Letter, PostgresStore};
pub(crate) use span::{Scanned, Span, Tally};
pub(crate) use sqlite::{SqliteStore, settings_of};
pub(crate) use sqlite_backup::{Contents, beside, check, copy, database};

use super::{
    failure::Failure,
    ports::LinkId,
    record::{Record, Waiting},
};
use crate::{
    iothub::ErrorCode,
    query::{FieldPath, Sieve},
};

/// What stands between a request and its data.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database refused.
    #[error("{doing} failed")]
    Database {
        /// What we were doing.
        doing: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program made it.
    #[error(
        "the store has format {found} and this program knows formats up to {known}; \
         run the version that wrote it, or a newer one"
    )]
    TooNew {
        /// The store's format.
        found: i64,
        /// The newest one of this program.
        known: i64,
    },
    /// What stands before the shared store shares connections.
    #[error(
        "the store's address leads to a pooler in transaction mode, which gives connections to others between \
         transactions; give the address of the server itself, or put the pooler into session mode"
    )]
    Pooled,
    /// The database is not what was written.
    #[error(
        "{} is damaged; put a backup in its place: twinops hub restore BACKUP --force --state {}",
        file.display(), file.parent().unwrap_or(file).display()
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing can be written; reading goes on.
    #[error("the disk of the store is full")]
    Full,
    /// The store is closing, or its writer broke off.
    #[error("the store is closed")]
    Closed,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        let message = match error {
            StoreError::Full => "the hub's disk is full: nothing can be written until there is room; reading goes on",
            _ => "the hub's store does not answer; try again later",
        };
        Self::new(ErrorCode::ServiceUnavailable, message)
    }
}

/// One change of what is stored. A batch of them is carried out whole or not at all.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A new record; a conflict when there is one of that name.
    Insert(Arc<Record>),
    /// All of a record but its session, whose revision moves by one; a conflict unless the store still has the
    /// revision that the record carries.
    Update(Arc<Record>),
    /// The record with everything that belongs to it; a conflict unless it has this revision.
    Delete { link: LinkId, revision: u64 },
    /// What a device listens to when it comes back. Nothing happens when there is no such record, or another process
    /// has the link.
    Subscriptions { link: LinkId, subscriptions: u32 },
    /// When a device was last seen, and whether this process still has its link. Nothing happens when there is no such
    /// record, or another process has the link.
    Seen { link: LinkId, last_activity: Box<str>, state_changed: Box<str>, live: bool },
    /// The messages that wait for a device, in the batch that writes their queue. Nothing happens when there is no
    /// such record.
    Waiting { link: LinkId, waiting: Waiting },
    /// When a device was heard of without a link; whether it has one is left as it is. Nothing happens when there is
    /// no such record.
    Heard { link: LinkId, at: Box<str> },
    /// A setting of the hub.
    Setting { name: String, value: String },
    /// A document: a new one with revision 0, which is a conflict if there is one of that name; otherwise in the
    /// place of the one with this revision, and a conflict unless it is still there. The revision moves by one.
    Document(Arc<Document>),
    /// A document goes; a conflict unless it has this revision.
    DeleteDocument { kind: Kind, id: Box<str>, revision: u64 },
    /// All documents whose id begins with this go; never a conflict.
    DeleteDocuments { kind: Kind, prefix: Box<str> },
    /// What the hub process that has the link tells the device, in the same transaction as the write that it tells of.
    /// Nothing happens where there is only one process, which tells by itself.
    Tell { link: LinkId, version: u64, patch: Bytes },
    /// Another hub process that has the link cuts it. Nothing happens where there is only one process.
    Cut { link: LinkId },
    /// A message waits for the device: another hub process that has the link says so. Nothing happens where there is
    /// only one process.
    Mail { link: LinkId },
    /// See [`Store::claim`].
    Claim { link: LinkId, ticket: u64, identity: Box<str>, at: Box<str> },
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    /// It is durable.
    Written,
    /// Somebody else was faster, and nothing of the batch was written: read again.
    Conflict,
}

/// How many devices there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) enabled: u64,
    pub(crate) disabled: u64,
}

/// A durable home for records: whatever [`Store::write`] has answered survives a crash.
pub(crate) trait Store: Send + Sync + 'static {
    /// One record with its session.
    fn get(&self, link: &LinkId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Carries out a batch, whole or not at all. Returns when it is durable.
    fn write(&self, batch: Vec<Change>) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// Leaves a change to be written soon, without anybody to wait for it.
    fn note(&self, change: Change);

    /// This process has the device's link from now on, whoever had it before; a conflict unless the record still has
    /// this identity. `at` is when it came. Where there is only one process, there is nothing to say.
    fn claim(
        &self,
        _link: &LinkId,
        _identity: &str,
        _at: &str,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send {
        async { Ok(Outcome::Written) }
    }

    /// Records in the order of their ids, device before module, from the first one after `after`; at most `limit`.
    /// All that pass `sieve` are among them, and others may be. It may end before there are `limit` of them, lest it
    /// look for long.
    fn scan(
        &self,
        span: Span<'_>,
        after: Option<&LinkId>,
        sieve: &Sieve,
        limit: usize,
    ) -> impl Future<Output = Result<Scanned, StoreError>> + Send;

    /// Counts the devices that pass `sieve`, by the values at some paths, groups in the order of their
    /// first device; nothing when the store cannot do so exactly. More than `most` groups may be cut off after one more.
    fn tally(
        &self,
        _sieve: &Sieve,
        _by: &[FieldPath],
        _most: usize,
    ) -> impl Future<Output = Result<Option<Vec<Tally>>, StoreError>> + Send {
        async { Ok(None) }
    }

    /// How many devices there are.
    fn counts(&self) -> impl Future<Output = Result<Counts, StoreError>> + Send;

    /// A setting of the hub.
    fn setting(&self, name: &str) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// One document.
    fn document(&self, kind: Kind, id: &str) -> impl Future<Output = Result<Option<Document>, StoreError>> + Send;

    /// Documents whose ids begin with `prefix`, in the order of their ids, from the first one after `after`; at most
    /// `limit`, and fewer means that there are no more.
    fn documents(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Document>, StoreError>> + Send;

    /// Asks to be the one process that does the work `name` for the next `time`; whoever has it may ask again in time
    /// to keep it. Always granted where only one process can use the store.
    fn lease(&self, name: &str, time: Duration) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
