//! The engine: in the one process that has the lease, jobs begin when they are due.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    task::{Id, JoinSet},
    time::{sleep, timeout},
};

use super::{
    super::Core,
    active::Active,
    run::{Run, every},
    sweep,
    work::Clock,
};
use crate::{
    hub::{failure::Failure, ports::Links, store::Store, time},
    task::Stop,
};

/// The work that only one process does at a time, for how long it is granted, and how often that is asked for.
const LEASE: (&str, Duration, Duration) = ("jobs", Duration::from_secs(30), Duration::from_secs(10));
/// How long the list of jobs can change through another process before it is looked at.
const POLL: Duration = Duration::from_secs(5);
/// How long a job rests that could not go on.
const REST: Duration = Duration::from_secs(5);

impl<S: Store, L: Links> Core<S, L> {
    /// Runs jobs until `stop` is requested.
    pub(crate) async fn run_jobs(self: Arc<Self>, stop: Stop) {
        self.run_jobs_by(stop, Arc::new(time::now)).await;
    }

    /// The same by another clock.
    pub(super) async fn run_jobs_by(self: Arc<Self>, stop: Stop, clock: Clock) {
        let (_, _, pause) = LEASE;
        while !stop.is_requested() {
            if stop.unless(self.is_ours()).await.unwrap_or_default() {
                let held = stop.child();
                tokio::join!(
                    self.keep_lease(&held),
                    self.begin_due(&held, &clock),
                    sweep::sweep_hourly(&self.store, &held, &clock),
                );
            }
            stop.unless(sleep(pause)).await;
        }
    }

    /// Asks for the lease; a store that does not answer in time has not granted it.
    async fn is_ours(&self) -> bool {
        let (name, time, pause) = LEASE;
        timeout(pause, self.store.lease(name, time)).await.is_ok_and(|granted| granted.is_ok_and(|granted| granted))
    }

    /// Asks for the lease again and again; requests the end of what needs it when it is not granted.
    async fn keep_lease(&self, held: &Stop) {
        let (_, _, pause) = LEASE;
        while held.unless(sleep(pause)).await.is_some() {
            if !self.is_ours().await && !held.is_requested() {
                tracing::warn!("another process runs the jobs now");
                held.request();
            }
        }
    }

    /// Begins every job that is due, and goes on with those that another process left.
    async fn begin_due(self: &Arc<Self>, held: &Stop, clock: &Clock) {
        let mut runs = JoinSet::new();
        let mut running: HashMap<Id, String> = HashMap::new();
        let mut poll = every(POLL);
        while !held.is_requested() {
            let (due, next) = self.due(clock(), &running).await.unwrap_or_else(|failure| {
                tracing::warn!(%failure, "the list of jobs cannot be read");
                (Vec::new(), None)
            });
            for id in due {
                let run = runs.spawn(run(Arc::clone(self), id.clone(), held.clone(), Arc::clone(clock)));
                running.insert(run.id(), id);
            }
            tokio::select! {
                () = held.requested() => {}
                () = self.jobs.bell.notified() => {}
                () = sleep(next.unwrap_or(POLL)), if next.is_some() => {}
                _ = poll.tick() => {}
                Some(over) = runs.join_next_with_id() => {
                    let id = over.map_or_else(|error| error.id(), |(id, ())| id);
                    running.remove(&id);
                }
            }
        }
        while runs.join_next().await.is_some() {}
    }

    /// The jobs that have to begin, and how long it is to the next one.
    pub(super) async fn due(
        &self,
        now: Timestamp,
        running: &HashMap<Id, String>,
    ) -> Result<(Vec<String>, Option<Duration>), Failure> {
        let active = Active::read(&self.store).await?;
        let (mut due, mut next) = (Vec::new(), None);
        for (id, start) in active.jobs().filter(|(id, _)| !running.values().any(|known| known == id)) {
            // In whole milliseconds, so that waking up is never too early.
            let wait = u64::try_from(start.duration_since(now).as_millis()).unwrap_or_default();
            if start <= now {
                due.push(id.to_owned());
            } else {
                let wait = Duration::from_millis(wait + 1);
                next = Some(next.map_or(wait, |next: Duration| next.min(wait)));
            }
        }
        Ok((due, next))
    }
}

/// One job; after a failure it rests before it is begun again.
async fn run<S: Store, L: Links>(core: Arc<Core<S, L>>, id: String, held: Stop, clock: Clock) {
    if let Err(failure) = Run::carry_out(core, &id, held.clone(), clock).await {
        tracing::warn!(job = id, %failure, "a job cannot go on; it is tried again");
        held.unless(sleep(REST)).await;
    }
}
