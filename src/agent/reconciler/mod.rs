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

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, error, info, warn};

use self::{
    pass::{Pass, Work},
    reporter::Reporter,
};
use super::{
    command::{Book, Job, Offers, Refused, told},
    lease::{self, Lease},
    ledger::Ledger,
    link::LinkHandle,
    moment::Moment,
    resource::Platform,
};
use crate::{
    component::command::{
        Command,
        answer::{Done, State},
    },
    task::{Backoff, Stop},
    twin::Map,
};

pub(in crate::agent) use item::{Item, Standing, restrict};
pub(crate) use pass::Outcome;
pub(in crate::agent) use pass::Policies;
pub(in crate::agent) use patch::patch;
pub(in crate::agent) use render::View;

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
    /// What is to be done between two passes.
    pub(crate) jobs_rx: mpsc::Receiver<Job>,
    /// What the device was commanded.
    pub(crate) book: Arc<Book>,
    /// What it may be.
    pub(crate) offers: Offers,
    /// Where leases lie.
    pub(crate) state: PathBuf,
    /// Whether values that drifted on the device are set again, or only reported.
    pub(crate) heal: bool,
}

/// What became of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// There is none any more.
    Done,
    /// What was risked is to be tried again later.
    Later,
    /// The end was asked for.
    Stopped,
}

impl<P: Platform> Reconciler<P> {
    /// Looks after the device until it is asked to stop.
    pub(crate) async fn run(mut self, stop: Stop) {
        let pace = self.platform.pace();
        let mut accepted_rx = self.ledger.accepted();
        let mut reporter = Reporter::new(self.link.clone());
        let mut backoff = Backoff::new(pace.retry, pace.retry_most);
        let mut waiting: Vec<Wake> = Vec::new();
        // `changed` forgets that it told, so that has to be remembered here.
        let mut hub_moved = true;
        while !stop.is_requested() {
            let settled = self.settle(&stop).await;
            if settled == Settled::Stopped {
                return;
            }
            let accepted = Arc::clone(&accepted_rx.borrow_and_update());
            if std::mem::take(&mut hub_moved) || self.hub_rx.has_changed().unwrap_or(false) {
                let hub = self.hub_rx.borrow_and_update().clone();
                reporter.adopt(self.known(hub));
            }
            let leases = lease::active(&self.state);
            let lease_ends = leases.first().map(ends_in);
            let mut again = settled == Settled::Later;
            if !again {
                let (platform, ledger) = (&*self.platform, &*self.ledger);
                let (book, offers, heal) = (&*self.book, &self.offers, self.heal);
                let reporter = &mut reporter;
                let work = Work { platform, ledger, reporter, accepted: &accepted, leases, heal, book, offers };
                let outcome = Pass::new(work).await.run().await;
                debug!(failed = ?outcome.failed, "made a pass");
                if outcome.risked {
                    continue;
                }
                again = outcome.retry;
                for wake in waiting.drain(..) {
                    // Whoever asked may have stopped waiting.
                    let _ = wake.send(outcome.clone());
                }
            }
            let wait = if again { retry(&mut backoff, pace.retry) } else { jitter(pace.recheck) };
            if !again {
                backoff.reset();
            }
            let until = Instant::now() + lease_ends.map_or(wait, |ends| ends.min(wait));
            // Every arm can be dropped: `changed` and `recv` lose nothing, and the timer is a point in time.
            tokio::select! {
                () = stop.requested() => return,
                changed = accepted_rx.changed() => {
                    if changed.is_err() { return }
                    backoff.reset();
                }
                changed = self.hub_rx.changed() => {
                    if changed.is_err() { return }
                    hub_moved = true;
                }
                Some(wake) = self.wake_rx.recv() => waiting.push(wake),
                Some(job) = self.jobs_rx.recv() => self.carry_out(job, &mut reporter).await,
                () = sleep_until(until) => {}
            }
        }
    }

    /// Does what the device was commanded, after the hub was told of it: afterwards nobody may be left to tell.
    async fn carry_out(&self, job: Job, reporter: &mut Reporter) {
        let (answered_tx, answered) = oneshot::channel();
        if job.started.send(answered_tx).is_err() {
            return;
        }
        // It ends by being dropped.
        let _ = answered.await;
        reporter.tell_commands(self.book.reported()).await;
        let done = match job.order.command {
            Command::ClearReported => {
                let cleared = reporter.clear(job.section).await;
                cleared.map(|()| told(&Done { state: State::Done })).map_err(|fault| Refused::Failed(fault.to_string()))
            }
            _ => self.platform.carry_out(&job.order).await,
        };
        // Whoever asked may be gone.
        let _ = job.done.send(done);
    }

    /// Ends what is being risked, also when that began before a restart: the hub is reached by a connection of now, or
    /// all becomes what it was.
    async fn settle(&mut self, stop: &Stop) -> Settled {
        let mut notes = self.ledger.notes().await;
        let Some(checkpoint) = notes.checkpoint.take() else { return Settled::Done };
        let patience = Duration::from_secs(checkpoint.seconds.into());
        info!(seconds = checkpoint.seconds, "a change holds only if the hub is reached with it");
        let Some(proven) = stop.unless(timeout(patience, self.link.prove())).await else { return Settled::Stopped };
        let accepted = Arc::clone(&self.ledger.accepted().borrow());
        if proven == Ok(true) {
            info!("the hub was reached; the change holds");
            return match self.ledger.note(&notes, &accepted).await {
                Ok(()) => Settled::Done,
                Err(fault) => {
                    warn!(%fault, "cannot note that a change holds");
                    Settled::Later
                }
            };
        }
        match pass::go_back(&*self.platform, &self.ledger, &accepted).await {
            Ok(()) if checkpoint.reached => Settled::Done,
            Ok(()) => Settled::Later,
            Err(fault) => {
                error!(%fault, "cannot go back to what was there before a change");
                Settled::Later
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

/// How long a lease still lasts; a little longer, so that it is over then.
fn ends_in(lease: &Lease) -> Duration {
    Duration::from_secs(lease.left(&Moment::now()) + 1)
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
