//! One writer at a time for each device.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::{Mutex, MutexGuard};

use super::super::ports::LinkId;

/// How many devices can be written at a time at most.
const STRIPES: usize = 1024;

/// Locks that many devices share; two devices that meet on one wait for each other now and then.
#[derive(Debug)]
pub(super) struct Locks {
    stripes: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Locks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Locks {
    /// Waits for its turn to write; it is over when the guard is dropped.
    pub(super) async fn turn(&self, link: &LinkId) -> MutexGuard<'_, ()> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let at = self.hasher.hash_one(link) as usize % STRIPES;
        self.stripes[at].lock().await
    }
}
