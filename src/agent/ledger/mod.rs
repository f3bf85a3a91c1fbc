//! The accepted desired properties, on disk before they count.
//!
//! One file holds all that the agent must not forget: what it accepted, which version last spoke of each property,
//! which it applied, and what the device looked like before. It is written whole, beside the old one, and then takes
//! its place; a checksum tells a torn or foreign file, which is set aside.
//!
//! The fence: a patch counts only as the very next version. A whole twin counts always, because it comes from a
//! question of this very session; a lower version then means that the hub has made the twin anew.

mod book;
mod file;

use std::{path::Path, sync::Arc};

use tokio::sync::{Mutex, watch};
use tracing::{info, warn};

pub(crate) use book::{Accepted, Before, Book, Checkpoint, Healed, Notes, Offline, Rejected, Risked, What, members};
pub use file::LedgerError;
use file::Store;
pub(crate) use file::{private_folder, replace};

use crate::twin::Map;

/// What became of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// It counts.
    Taken,
    /// It is older than what is held.
    Old,
    /// One before it is missing: the whole twin must be asked for.
    Gap,
}

/// Owns the accepted desired properties on disk; tells of every new state on a `watch`.
#[derive(Debug)]
pub(crate) struct Ledger {
    store: Store,
    book: Mutex<Book>,
    accepted_tx: watch::Sender<Arc<Accepted>>,
}

impl Ledger {
    /// Opens the ledger of one device in `folder`, or starts an empty one.
    ///
    /// # Errors
    /// When the folder cannot be made or a bad file not be set aside.
    pub(crate) fn open(folder: &Path, device: &str) -> Result<Self, LedgerError> {
        let store = Store::new(folder)?;
        let book = match store.load(device)? {
            Some(book) => book,
            None => Book::new(device),
        };
        let (accepted_tx, _) = watch::channel(Arc::clone(&book.accepted));
        Ok(Self { store, book: Mutex::new(book), accepted_tx })
    }

    /// The accepted desired properties, now and at every change.
    pub(crate) fn accepted(&self) -> watch::Receiver<Arc<Accepted>> {
        self.accepted_tx.subscribe()
    }

    /// Takes the hub's whole desired section.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(crate) async fn accept_whole(&self, desired: Map, version: u64) -> Result<(), LedgerError> {
        let mut book = self.book.lock().await;
        let held = book.accepted.version;
        if version < held {
            warn!(held, version, "the hub has made this twin anew; all of it is taken afresh");
        }
        match book.with_whole(desired, version) {
            Some(next) => self.turn(&mut book, next).await,
            None => Ok(()),
        }
    }

    /// Takes a patch if it is the next one.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(crate) async fn accept_patch(&self, patch: &Map, version: u64) -> Result<Fence, LedgerError> {
        let mut book = self.book.lock().await;
        let held = book.accepted.version;
        if version <= held {
            return Ok(Fence::Old);
        }
        if version != held + 1 {
            return Ok(Fence::Gap);
        }
        let next = book.with_patch(patch, version);
        self.turn(&mut book, next).await?;
        info!(version, "accepted new desired properties");
        Ok(Fence::Taken)
    }

    /// What the reconciler noted.
    pub(crate) async fn notes(&self) -> Notes {
        self.book.lock().await.notes.clone()
    }

    /// Keeps what the reconciler noted while it worked on `made_for`; writes only when it differs. When other
    /// properties were accepted meanwhile, what it applied says nothing of those, and only what was before is kept.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub(crate) async fn note(&self, notes: &Notes, made_for: &Accepted) -> Result<(), LedgerError> {
        let mut book = self.book.lock().await;
        let mut notes = notes.clone();
        if !std::ptr::eq(&raw const *book.accepted, made_for) {
            notes.applied.clone_from(&book.notes.applied);
        }
        if book.notes == notes {
            return Ok(());
        }
        let next = Book { notes, ..book.clone() };
        self.turn(&mut book, next).await
    }

    /// Disk first, then the channel.
    async fn turn(&self, book: &mut Book, next: Book) -> Result<(), LedgerError> {
        self.store.save(&next).await?;
        let fresh = !Arc::ptr_eq(&book.accepted, &next.accepted);
        *book = next;
        if fresh {
            self.accepted_tx.send_replace(Arc::clone(&book.accepted));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
