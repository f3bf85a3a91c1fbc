//! One process among others that share a store, for tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::{SqliteStore, Store, StoreError, forward};

/// A store whose lease the test grants and takes away.
pub(crate) struct Leased {
    pub(crate) store: Arc<SqliteStore>,
    /// What is asked for.
    pub(crate) name: &'static str,
    pub(crate) granted: Arc<AtomicBool>,
    /// Hears of every time that it is asked for.
    pub(crate) asked: Option<mpsc::UnboundedSender<()>>,
}

impl Store for Leased {
    forward!(store: get, write, note, claim, scan, tally, counts, setting, document, documents);

    async fn lease(&self, name: &str, _: Duration) -> Result<bool, StoreError> {
        assert_eq!(name, self.name);
        if let Some(asked) = &self.asked {
            // The test may be over.
            let _ = asked.send(());
        }
        Ok(self.granted.load(Ordering::Relaxed))
    }
}
