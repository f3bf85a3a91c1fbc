//! Writes to the shared store: what has arrived during the last commit, up to [`GROUP`] batches, becomes one
//! transaction. A second writer beside this one would make two small groups of a big one, and a transaction costs the
//! database far more than a row.
//!
//! `plan` decides under row locks which batches hold, `steps` has one statement for each kind of change, whatever their
//! number, and `run` sends them without waiting in between. The round trips and the commit are shared by the group.

mod columns;
mod plan;
mod run;
mod sql;
mod steps;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_postgres::Pool;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{debug, error, info, warn};

use super::{
    super::{Change, Outcome, StoreError},
    fault::{Fault, FaultKind},
};
use crate::{hub::meter::Meter, task::Backoff};

/// Most batches in one transaction.
const GROUP: usize = 256;
/// How often a transaction is begun again because others were in its way.
const ATTEMPTS: u32 = 8;
/// How long one transaction may take, whatever the server thinks it does.
const PATIENCE: Duration = Duration::from_secs(25);
/// Most notes that are kept while the database is out of reach.
const NOTES: usize = 200_000;

/// Changes, and whoever waits for them.
struct Job {
    batch: Vec<Change>,
    answer: Option<oneshot::Sender<Result<Outcome, StoreError>>>,
}

/// The way to the task that writes.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::UnboundedSender<Job>,
    task: JoinHandle<()>,
    meter: Arc<Meter>,
}

impl Writer {
    /// Starts the task, which writes for the hub process `node`, and rings its `bell` when it wrote to it.
    pub(super) fn start(pool: Pool, node: i64, bell: &Arc<Notify>, meter: &Arc<Meter>) -> Self {
        let (jobs, inbox) = mpsc::unbounded_channel();
        let (bell, counts) = (Arc::clone(bell), Arc::clone(meter));
        let scribe = Scribe { pool, node, bell, meter: counts, waiting: VecDeque::new(), well: true };
        Self { jobs, task: tokio::spawn(scribe.run(inbox)), meter: Arc::clone(meter) }
    }

    /// Hands a batch over and waits until it is durable.
    pub(super) async fn write(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job { batch, answer: Some(answer) })?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Hands a change over.
    pub(super) fn note(&self, change: Change) {
        if self.send(Job { batch: vec![change], answer: None }).is_err() {
            debug!("a note came after the store was closed");
        }
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.meter.store_waits(1);
        self.jobs.send(job).map_err(|_| {
            self.meter.store_waits(-1);
            StoreError::Closed
        })
    }

    /// Writes what is left and ends.
    pub(super) async fn close(self) {
        let Self { jobs, task, .. } = self;
        drop(jobs);
        if task.await.is_err() {
            error!("the writer of the store broke off");
        }
    }
}

struct Scribe {
    pool: Pool,
    node: i64,
    bell: Arc<Notify>,
    meter: Arc<Meter>,
    waiting: VecDeque<Job>,
    /// Whether the last transaction came through.
    well: bool,
}

impl Scribe {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Job>) {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut arrived = Vec::with_capacity(GROUP);
        loop {
            if self.waiting.is_empty() && inbox.recv_many(&mut arrived, GROUP).await == 0 {
                return;
            }
            while arrived.len() < GROUP
                && let Ok(job) = inbox.try_recv()
            {
                arrived.push(job);
            }
            self.meter.store_waits(0_i64.saturating_sub_unsigned(arrived.len() as u64));
            self.waiting.extend(arrived.drain(..));
            let group = plan::gather(&mut self.waiting, GROUP);
            if let Some(kept) = self.commit(group).await {
                if inbox.is_closed() {
                    return warn!(notes = kept.len(), "the store was closed while the database did not answer");
                }
                kept.into_iter().rev().for_each(|job| self.waiting.push_front(job));
                self.waiting.truncate(NOTES);
                sleep(backoff.next_wait()).await;
            } else {
                backoff.reset();
            }
        }
    }

    /// Writes a group and answers everybody in it. What nobody waits for comes back when the database is out of reach.
    async fn commit(&mut self, group: Vec<Job>) -> Option<Vec<Job>> {
        let begun = Instant::now();
        let fault = match self.attempt(&group).await {
            Ok(outcomes) => {
                self.meter.committed(group.len(), begun.elapsed());
                group.into_iter().zip(outcomes).for_each(|(job, outcome)| answer(job, Ok(outcome)));
                self.is_well(true);
                return None;
            }
            Err(fault) => fault,
        };
        if fault.kind == FaultKind::Statement && group.len() > 1 {
            // One of them is to blame, and only that one shall suffer.
            for job in group {
                Box::pin(self.commit(vec![job])).await;
            }
            return None;
        }
        self.meter.commit_failed();
        error!(error = %fault, writes = group.len(), "writing to the store failed");
        self.is_well(false);
        let mut kept = Vec::new();
        for job in group {
            if job.answer.is_none() && fault.kind != FaultKind::Statement {
                kept.push(job);
            } else {
                let cause = fault.to_string().into();
                answer(job, Err(StoreError::Database { doing: "writing to the store", cause }));
            }
        }
        (fault.kind != FaultKind::Statement).then_some(kept)
    }

    fn is_well(&mut self, well: bool) {
        if well && !self.well {
            info!("the store can be written again");
        }
        self.well = well;
    }

    async fn attempt(&self, group: &[Job]) -> Result<Vec<Outcome>, Fault> {
        let mut attempts = 1;
        loop {
            let run = timeout(PATIENCE, run::transaction(&self.pool, self.node, &self.bell, group)).await;
            match run.unwrap_or_else(|_| Err(Fault::connection("the database did not finish a transaction in time"))) {
                Err(fault) if fault.kind == FaultKind::Again && attempts < ATTEMPTS => {
                    attempts += 1;
                    sleep(Duration::from_millis(fastrand::u64(1..20))).await;
                }
                other => return other,
            }
        }
    }
}

fn answer(job: Job, result: Result<Outcome, StoreError>) {
    if let Some(answer) = job.answer
        && answer.send(result).is_err()
    {
        debug!("whoever wrote did not wait for the answer");
    }
}
