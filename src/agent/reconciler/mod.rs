//! The reconciler: owns the resources and makes the device what the ledger says.
//!
//! In: the ledger's `watch` of accepted properties, a `watch` of what the hub holds, a timer, wake-ups. Out: reports
//! over the link. Each turn takes a snapshot of its inputs and makes one pass; what woke it says when, never what.

mod item;
mod order;
mod pass;
mod patch;
mod render;
mod reporter;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tracing::debug;

use self::{pass::Pass, reporter::Reporter};
use super::{ledger::Ledger, link::LinkHandle, resource::Platform};
use crate::{task::Backoff, task::Stop, twin::Map};

pub(crate) use pass::Outcome;

/// What is known of the hub's side.
#[derive(Debug, Clone, Default)]
pub(crate) enum Hub {
    /// Out of reach.
    #[default]
    Offline,
    /// Connected; what it held of our reported properties when the connection began.
    Online(Arc<Map>),
}

/// Someone who wants the device looked at now, and to know what came of it.
pub(crate) type Wake = oneshot::Sender<Outcome>;

/// The task that looks after the device.
pub(crate) struct Reconciler<P> {
    pub(crate) platform: Arc<P>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) link: LinkHandle,
    pub(crate) hub_rx: watch::Receiver<Hub>,
    pub(crate) wake_rx: mpsc::Receiver<Wake>,
    /// Whether values that drifted on the device are set again, or only reported.
    pub(crate) heal: bool,
}

impl<P: Platform> Reconciler<P> {
    /// Looks after the device until it is asked to stop.
    pub(crate) async fn run(mut self, stop: Stop) {
        let pace = self.platform.pace();
        let mut accepted_rx = self.ledger.accepted();
        let mut reporter = Reporter::new(self.link.clone());
        let mut backoff = Backoff::new(pace.retry, pace.retry_most);
        let mut waiting: Vec<Wake> = Vec::new();
        self.hub_rx.mark_changed();
        while !stop.is_requested() {
            let accepted = Arc::clone(&accepted_rx.borrow_and_update());
            if self.hub_rx.has_changed().unwrap_or(false) {
                let hub = self.hub_rx.borrow_and_update().clone();
                reporter.adopt(self.known(hub));
            }
            let pass = Pass::new(&*self.platform, &self.ledger, &mut reporter, &accepted, self.heal).await;
            let outcome = pass.run().await;
            debug!(failed = ?outcome.failed, "made a pass");
            for wake in waiting.drain(..) {
                // Whoever asked may have stopped waiting.
                let _ = wake.send(outcome.clone());
            }
            let until =
                Instant::now() + if outcome.retry { retry(&mut backoff, pace.retry) } else { jitter(pace.recheck) };
            if !outcome.retry {
                backoff.reset();
            }
            // Every arm can be dropped: `changed` and `recv` lose nothing, and the timer is a point in time.
            tokio::select! {
                () = stop.requested() => return,
                changed = accepted_rx.changed() => {
                    if changed.is_err() { return }
                    backoff.reset();
                }
                changed = self.hub_rx.changed() => if changed.is_err() { return },
                Some(wake) = self.wake_rx.recv() => waiting.push(wake),
                () = sleep_until(until) => {}
            }
        }
    }

    /// The part of what the hub holds that is ours to change.
    fn known(&self, hub: Hub) -> Option<Map> {
        match hub {
            Hub::Offline => None,
            Hub::Online(reported) => {
                let ours = reported.iter().filter(|(name, value)| self.platform.owns(name, value));
                Some(ours.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
        }
    }
}

/// At least half of the first wait, so that a failing resource is not tried in a circle.
fn retry(backoff: &mut Backoff, first: Duration) -> Duration {
    first / 2 + backoff.next_wait()
}

/// Devices that started together do not keep looking together.
fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(0.75 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests;
