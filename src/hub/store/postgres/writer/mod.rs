//! Writes to the shared store: a few lanes, each with a connection, so that one commits while another collects.
//!
//! A device always takes the same lane, which keeps its writes in order. A lane takes what has arrived, up to
//! [`GROUP`] batches, and makes one transaction of it: `plan` decides under row locks which batches hold, `steps` has
//! one statement for each kind of change, whatever their number, and `run` sends them without waiting in between. The
//! round trips and the commit are shared by the whole group.

mod columns;
mod plan;
mod run;
mod sql;
mod steps;

use std::{
    collections::VecDeque,
    hash::RandomState,
    sync::{Arc, Mutex},
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

/// Transactions that are under way at a time.
pub(super) const LANES: usize = 3;
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

/// The way to the lanes.
#[derive(Debug)]
pub(super) struct Writer {
    lanes: Vec<mpsc::UnboundedSender<Job>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    meter: Arc<Meter>,
    hasher: RandomState,
}

impl Writer {
    /// Starts the lanes, which write for the hub process `node`, and ring its `bell` when they wrote to it.
    pub(super) fn start(pool: &Pool, node: i64, bell: &Arc<Notify>, meter: &Arc<Meter>) -> Self {
        let (mut lanes, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..LANES {
            let (sender, inbox) = mpsc::unbounded_channel();
            lanes.push(sender);
            let (pool, bell, meter) = (pool.clone(), Arc::clone(bell), Arc::clone(meter));
            let lane = Lane { pool, node, bell, meter, waiting: VecDeque::new(), well: true };
            tasks.push(tokio::spawn(lane.run(inbox)));
        }
        Self { lanes, tasks: Mutex::new(tasks), meter: Arc::clone(meter), hasher: RandomState::new() }
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
        let hash = job.batch.first().map_or(0, |change| plan::lane(change, &self.hasher));
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let lane = self.lanes.get(hash as usize % LANES).ok_or(StoreError::Closed)?;
        self.meter.store_waits(1);
        lane.send(job).map_err(|_| {
            self.meter.store_waits(-1);
            StoreError::Closed
        })
    }

    /// Writes what is left and ends.
    pub(super) async fn close(mut self) {
        self.lanes.clear();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for task in tasks {
            if task.await.is_err() {
                error!("a writer of the store broke off");
            }
        }
    }
}

struct Lane {
    pool: Pool,
    node: i64,
    bell: Arc<Notify>,
    meter: Arc<Meter>,
    waiting: VecDeque<Job>,
    /// Whether the last transaction came through.
    well: bool,
}

impl Lane {
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
