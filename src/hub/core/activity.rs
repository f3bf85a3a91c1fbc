//! Activity of links that live long, noted now and then, so that a crash loses little of it.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::{Core, presence::SHARDS};
use crate::{
    hub::{ports::Links, store::Store},
    task::Stop,
};

/// How long it takes to look at every link.
const ROUND: Duration = Duration::from_mins(5);
/// Most notes in one write.
const BATCH: usize = 256;

impl<S: Store, L: Links> Core<S, L> {
    /// Notes what was heard, a part of the links after the other, until `stop`.
    pub(crate) async fn watch_activity(&self, stop: &Stop) {
        #[expect(clippy::cast_possible_truncation, reason = "a constant of two digits")]
        let mut turns = interval(ROUND / SHARDS as u32);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for shard in (0..SHARDS).cycle() {
            if stop.unless(turns.tick()).await.is_none() {
                return;
            }
            self.note_activity(shard).await;
        }
    }

    /// Notes what was heard of links since the last time.
    #[cfg(test)]
    pub(super) async fn note_presence(&self) {
        for shard in 0..SHARDS {
            self.note_activity(shard).await;
        }
    }

    async fn note_activity(&self, shard: usize) {
        let mut notes = self.presence.unnoted(shard).into_iter().peekable();
        while notes.peek().is_some() {
            // Waits for each, so that never more than one is on its way.
            if let Err(error) = self.store.write(notes.by_ref().take(BATCH).collect()).await {
                warn!(error = &error as &dyn std::error::Error, "the activity of devices could not be noted");
            }
        }
    }
}
