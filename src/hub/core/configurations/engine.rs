//! When which twins are evaluated.
//!
//! Each process follows the twins that it writes itself. Going through all of them is for the one that has the lease:
//! after a configuration was written in whichever process, and every few minutes.

use std::{collections::HashSet, mem::take, sync::Arc, time::Duration};

use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep},
};

use super::{REVISION, pass::AT_ONCE, set::Set};
use crate::{
    hub::{
        core::Core,
        failure::Failure,
        ports::{LinkId, Links},
        store::Store,
    },
    iothub::ErrorCode,
    task::Stop,
};

/// The name of the lease, and how long it lasts.
const LEASE: (&str, Duration) = ("configurations", Duration::from_secs(30));
/// It is renewed when less than this is left of it.
const RENEW: Duration = Duration::from_secs(20);
/// How often to look for what other processes wrote.
const LOOK: Duration = Duration::from_secs(5);
/// How long changes come together.
const PAUSE: Duration = Duration::from_millis(50);
/// How often all twins are evaluated (protocol reference 8.4).
const EVERY: Duration = Duration::from_mins(5);
/// Most twins of which it is remembered that they could not be written.
const COMPLAINTS: usize = 1000;

/// How the evaluation of a twin ended.
pub(super) type Ended<T> = Result<(LinkId, Result<T, Failure>), JoinError>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Engine<S, L> {
    pub(super) core: Arc<Core<S, L>>,
    pub(super) set: Arc<Set>,
    /// What [`REVISION`] said when the set was read, empty if there never was a configuration; nothing before that.
    revision: Option<String>,
    /// Whether all twins have to be evaluated, and when they have at the latest.
    due: bool,
    next: Instant,
    /// Until when the lease is ours.
    lease: Option<Instant>,
    complaints: HashSet<LinkId>,
}

impl<S: Store, L: Links> Engine<S, L> {
    pub(crate) fn new(core: Arc<Core<S, L>>) -> Self {
        let (set, revision, complaints) = Default::default();
        Self { core, set, revision, due: false, next: Instant::now() + EVERY, lease: None, complaints }
    }

    /// Evaluates until `stop` is requested.
    pub(crate) async fn run(mut self, stop: Stop) {
        loop {
            if let Err(failure) = self.turn(&stop).await {
                tracing::warn!(%failure, "configurations could not be evaluated; it is tried again soon");
            }
            let core = Arc::clone(&self.core);
            let wait = async {
                sleep(PAUSE).await;
                tokio::select! {
                    () = core.configurations.woken() => {}
                    () = sleep(LOOK) => {}
                }
            };
            if stop.unless(wait).await.is_none() {
                return;
            }
        }
    }

    /// Does what there is to do now.
    pub(crate) async fn turn(&mut self, stop: &Stop) -> Result<(), Failure> {
        self.refresh().await?;
        self.catch_up().await?;
        let held = self.lease.is_some_and(|until| until > Instant::now());
        if !self.holds().await? {
            // Whoever has the lease sees for itself.
            self.due = false;
            return Ok(());
        }
        // Whoever had it before may have died on the way.
        self.due |= !held;
        let regular = !self.set.is_empty() && Instant::now() >= self.next;
        let never = self.revision.as_deref().is_none_or(str::is_empty);
        if never || !(self.due || regular) {
            return Ok(());
        }
        self.due = false;
        match self.pass(stop).await {
            Ok(true) => self.next = Instant::now() + EVERY,
            Ok(false) => self.due = true,
            Err(failure) => {
                self.due = true;
                return Err(failure);
            }
        }
        if self.due {
            self.core.configurations.wake();
        }
        Ok(())
    }

    /// Reads the configurations again if they are others than those we have. Whether they are.
    pub(super) async fn refresh(&mut self) -> Result<bool, Failure> {
        let revision = self.core.store.setting(REVISION).await?.unwrap_or_default();
        if self.revision.as_ref() == Some(&revision) {
            return Ok(false);
        }
        self.set = Arc::new(Set::load(&self.core.store).await?);
        self.revision = Some(revision);
        self.due = true;
        self.complaints.clear();
        Ok(true)
    }

    /// Evaluates the twins that changed in this process.
    pub(super) async fn catch_up(&mut self) -> Result<(), Failure> {
        let changes = self.core.configurations.take();
        if self.set.is_empty() {
            return Ok(());
        }
        if changes.overflow {
            self.due = true;
            if !self.holds().await? {
                self.core.touch_configurations().await?;
            }
        }
        let mut running = JoinSet::new();
        let sees_reported = self.set.sees_reported;
        for (link, _) in changes.links.into_iter().filter(|(_, reported)| !reported || sees_reported) {
            if running.len() >= AT_ONCE {
                self.settled_around(running.join_next().await);
            }
            let (core, set) = (Arc::clone(&self.core), Arc::clone(&self.set));
            running.spawn(async move {
                let settled = core.settle_around(&set, &link).await;
                (link, settled)
            });
        }
        while let Some(ended) = running.join_next().await {
            self.settled_around(Some(ended));
        }
        Ok(())
    }

    fn settled_around(&mut self, ended: Option<Ended<()>>) {
        match ended {
            None | Some(Ok((_, Ok(())))) => {}
            Some(Ok((link, Err(failure)))) => {
                // It is not in the queue any more.
                self.due |= failure.code.is_transient();
                self.complain(&link, &failure);
            }
            Some(Err(error)) => tracing::error!(%error, "the evaluation of a twin broke off"),
        }
    }

    /// Whether we are the ones who go through all twins.
    pub(super) async fn holds(&mut self) -> Result<bool, Failure> {
        let (name, time) = LEASE;
        let now = Instant::now();
        if self.lease.is_some_and(|until| until > now + RENEW) {
            return Ok(true);
        }
        let granted = self.core.store.lease(name, time).await?;
        self.lease = granted.then(|| now + time);
        Ok(granted)
    }

    /// Says once that a twin stays as it is.
    pub(super) fn complain(&mut self, link: &LinkId, failure: &Failure) {
        if failure.code == ErrorCode::DeviceNotFound {
            return;
        }
        if self.complaints.len() >= COMPLAINTS {
            drop(take(&mut self.complaints));
        }
        if self.complaints.insert(link.clone()) {
            tracing::warn!(%link, %failure, "configurations are not applied to this twin");
        }
    }
}
