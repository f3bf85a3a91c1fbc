//! That this process is alive, and how many links the others have.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    super::{
        ports::Links as _,
        store::{Store as _, StoreError},
    },
    Cluster,
};
use crate::task::Stop;

/// How often it is said. Five of them have to fail before a process counts as dead.
const INTERVAL: Duration = Duration::from_secs(3);
/// How often dead processes are forgotten, by one of those that live.
const SWEEP: Duration = Duration::from_mins(1);

impl Cluster {
    /// Says that this process is alive. Whether the others had forgotten it.
    pub(super) async fn beat(&self) -> Result<bool, StoreError> {
        let standing = self.store.heartbeat(&self.name, self.local.connected() as u64).await?;
        self.others.store(standing.others, Ordering::Relaxed);
        Ok(standing.forgotten)
    }

    pub(super) async fn pulse(&self, stop: &Stop) {
        let mut well = true;
        while stop.unless(sleep(INTERVAL)).await.is_some() {
            match self.beat().await {
                Ok(forgotten) => {
                    if forgotten {
                        warn!(
                            "the other hubs had given this one up; its devices connect again, lest they missed something"
                        );
                        self.local.cut_all();
                    } else if !well {
                        info!("the other hubs hear of this one again");
                    }
                    well = true;
                    self.sweep().await;
                }
                Err(error) if well => {
                    well = false;
                    warn!(error = &error as &dyn std::error::Error, "the other hubs do not hear of this one");
                }
                Err(_) => {}
            }
        }
    }

    async fn sweep(&self) {
        // One of all, and now and then: most of the time there is nothing to forget.
        if fastrand::u64(..SWEEP.as_secs()) >= INTERVAL.as_secs() {
            return;
        }
        let swept = match self.store.lease("sweep", SWEEP).await {
            Ok(true) => self.store.sweep().await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = swept {
            warn!(error = &error as &dyn std::error::Error, "dead hubs were not forgotten; it is tried again");
        }
    }
}
