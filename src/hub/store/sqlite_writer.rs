//! The one thread that writes: it takes what has arrived, commits once, and then answers everybody.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, warn};

use super::{
    Change, Outcome, StoreError,
    sqlite_check::{Check, Finding},
    sqlite_recent::Recent,
    sqlite_recovery::{self, Found},
    sqlite_row, sqlite_schema,
};
use crate::hub::{meter::Meter, ports::LinkId};

/// Most batches in one commit.
const GROUP: usize = 2048;
/// How often the log is moved into the database while there is writing.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);
/// How often it is tried to start the log afresh while others read it.
const RESTART_EVERY: Duration = Duration::from_secs(2);
/// From this size on the log is started afresh, for which the writer waits.
const LOG_BYTES: u64 = 256 << 20;

/// Changes, and whoever waits for them.
struct Job {
    batch: Vec<Change>,
    answer: Option<oneshot::Sender<Result<Outcome, StoreError>>>,
}

/// The way to the writer. Closing it ends the thread once everything is written.
#[derive(Debug)]
pub(super) struct Writer {
    meter: Arc<Meter>,
    jobs: Option<mpsc::UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// What goes on after a start from disorder.
    check: Option<Check>,
}

/// A database that is not written to once it is known to be damaged.
struct Guarded {
    connection: Connection,
    file: PathBuf,
    finding: Option<Arc<Finding>>,
}

impl Guarded {
    /// Why nothing is written.
    fn damage(&self) -> Option<&str> {
        self.finding.as_ref()?.damage()
    }

    /// Nothing comes any more. Only what is known to be sound was closed in good order.
    fn close(&self) {
        if self.finding.as_ref().is_none_or(|finding| finding.is_sound()) {
            sqlite_recovery::closed(&self.connection);
        }
    }
}

impl Writer {
    /// Starts the thread; what it has written is kept in `recent`.
    pub(super) fn start(file: &Path, meter: Arc<Meter>, recent: Arc<Recent>) -> Result<Self, StoreError> {
        let found = Found::at(file);
        let connection = sqlite_schema::open_writer(file)?;
        let check = found.settle(&connection, file)?;
        let finding = check.as_ref().map(|check| Arc::clone(check.finding()));
        #[cfg(test)]
        sqlite_recovery::tests::limit(&connection);
        let checkpointer = sqlite_schema::open_checkpointer(file)?;
        let log = file.with_extension("db-wal");
        let (jobs, inbox) = mpsc::unbounded_channel();
        let (wake, woken) = sync_channel(1);
        let (counts, path) = (Arc::clone(&meter), file.to_owned());
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map_err(|cause| StoreError::Database { doing: "starting a thread of the store", cause: cause.into() })
        };
        let background = spawn("store-log", Box::new(move || checkpoints(&checkpointer, &log, &woken)))?;
        let thread = spawn(
            "store-writer",
            Box::new(move || {
                let guarded = Guarded { connection, file: path, finding };
                write_all(guarded, inbox, &wake, &counts, &recent);
                drop(wake);
                if background.join().is_err() {
                    error!("the thread that looks after the store's log broke off");
                }
            }),
        )?;
        Ok(Self { meter, jobs: Some(jobs), thread: Some(thread), check })
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
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        self.meter.store_waits(1);
        jobs.send(job).map_err(|_| {
            self.meter.store_waits(-1);
            StoreError::Closed
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        drop(self.check.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            error!("the store's writer broke off");
        }
    }
}

fn write_all(
    mut store: Guarded,
    mut inbox: mpsc::UnboundedReceiver<Job>,
    wake: &SyncSender<()>,
    meter: &Meter,
    recent: &Recent,
) {
    let mut group = Vec::with_capacity(GROUP);
    while inbox.blocking_recv_many(&mut group, GROUP) > 0 {
        meter.store_waits(0_i64.saturating_sub_unsigned(group.len() as u64));
        if let Some(verdict) = store.damage() {
            let damaged = || StoreError::Damaged { file: store.file.clone(), cause: verdict.into() };
            group.drain(..).for_each(|job| answer(job, Err(damaged())));
            continue;
        }
        let begun = Instant::now();
        match commit(&mut store.connection, &group) {
            Ok(outcomes) => {
                meter.committed(group.len(), begun.elapsed());
                let written = group.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Outcome::Written);
                let session_of = |link: &LinkId| sqlite_row::session(&store.connection, link).ok();
                written.for_each(|(job, _)| recent.written(&job.batch, session_of));
                group.drain(..).zip(outcomes).for_each(|(job, outcome)| answer(job, Ok(outcome)));
            }
            Err(cause) => {
                meter.commit_failed();
                refuse(&mut group, &cause);
            }
        }
        if let Err(TrySendError::Disconnected(())) = wake.try_send(()) {
            warn!("nobody looks after the store's log any more; it will grow");
        }
    }
    store.close();
}

/// One transaction for all jobs. Each job is whole or not at all: what one of its changes wrote before another one
/// met a conflict is taken back.
fn commit(connection: &mut Connection, group: &[Job]) -> rusqlite::Result<Vec<Outcome>> {
    let mut transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(match job.batch.as_slice() {
            [change] => sqlite_row::apply(&transaction, change)?,
            batch => apply_together(&mut transaction, batch)?,
        });
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn apply_together(transaction: &mut rusqlite::Transaction<'_>, batch: &[Change]) -> rusqlite::Result<Outcome> {
    let savepoint = transaction.savepoint()?;
    for change in batch {
        if sqlite_row::apply(&savepoint, change)? == Outcome::Conflict {
            // Dropping it rolls back.
            return Ok(Outcome::Conflict);
        }
    }
    savepoint.commit()?;
    Ok(Outcome::Written)
}

fn answer(job: Job, result: Result<Outcome, StoreError>) {
    if let Some(answer) = job.answer
        && answer.send(result).is_err()
    {
        debug!("whoever wrote did not wait for the answer");
    }
}

/// Nothing of the group was written; everybody who waits hears why.
fn refuse(group: &mut Vec<Job>, cause: &rusqlite::Error) {
    error!(%cause, writes = group.len(), "writing to the store failed");
    for job in group.drain(..) {
        let is_full = cause.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let refusal = || StoreError::Database { doing: "writing to the store", cause: cause.to_string().into() };
        answer(job, Err(if is_full { StoreError::Full } else { refusal() }));
    }
}

/// Moves the log into the database whenever something was written, off the writer's path.
fn checkpoints(connection: &Connection, log: &PathBuf, woken: &Receiver<()>) {
    let mut restarted = None;
    while woken.recv().is_ok() {
        // Lets more come together first; an early end of the wait means that the store closes.
        if wait(woken, CHECKPOINT_EVERY) == Wait::Closing {
            break;
        }
        let is_big = std::fs::metadata(log).is_ok_and(|log| log.len() > LOG_BYTES);
        checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
        // Starting afresh stops the writer until the little that has come since is moved too and whoever reads the log
        // is done, which may take long, e.g. for a backup: it is given up soon, and not tried again at once.
        if is_big && restarted.is_none_or(|last: Instant| last.elapsed() > RESTART_EVERY) {
            restarted = Some(Instant::now());
            checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
        }
    }
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

fn checkpoint(connection: &Connection, sql: &str) {
    if let Err(error) = connection.query_row(sql, [], |_| Ok(())) {
        warn!(%error, "the store's log could not be moved into the database; it is tried again later");
    }
}

#[derive(PartialEq, Eq)]
enum Wait {
    Over,
    Closing,
}

fn wait(woken: &Receiver<()>, time: Duration) -> Wait {
    let end = Instant::now() + time;
    loop {
        match woken.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return Wait::Over,
            Err(RecvTimeoutError::Disconnected) => return Wait::Closing,
        }
    }
}
