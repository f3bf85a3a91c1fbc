//! What waits to leave, and the thread that takes it away.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, timeout},
};
use tracing::{error, warn};

use super::{line::Source, sink::Sink};
use crate::hub::meter::Meter;

/// Most bytes of messages that wait, and as many of events: a flood of one leaves room for the other.
const ROOM: u32 = 16 << 20;
/// Most lines that are written at once.
const GROUP: usize = 1024;
/// How long a message may wait for the sink to take it; then its device is not acknowledged.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the log tells of what was dropped.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
/// How long the end of the hub waits for the sink.
const GOODBYE: Duration = Duration::from_secs(5);

/// A message did not reach the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undelivered {
    #[error("the sink did not take it in time")]
    Late,
    #[error("the sink failed")]
    Failed,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    messages: Arc<Semaphore>,
    events: Arc<Semaphore>,
    complaint: Arc<Complaint>,
    meter: Arc<Meter>,
    ended: Mutex<Receiver<()>>,
}

#[derive(Debug)]
struct Job {
    source: Source,
    line: Vec<u8>,
    /// Told whether the sink has it.
    answer: Option<oneshot::Sender<bool>>,
    _room: OwnedSemaphorePermit,
}

impl Queue {
    /// Starts the thread.
    pub(super) fn start(sink: Box<dyn Sink>, meter: Arc<Meter>) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::unbounded_channel();
        let (end, ended) = sync_channel(1);
        let complaint = Arc::new(Complaint::default());
        let mut writer = Writer { sink, complaint: Arc::clone(&complaint), meter: Arc::clone(&meter) };
        thread::Builder::new().name("hub-events".to_owned()).spawn(move || {
            writer.run(inbox);
            drop(end);
        })?;
        let room = || Arc::new(Semaphore::new(ROOM as usize));
        Ok(Self { jobs: Some(jobs), messages: room(), events: room(), complaint, meter, ended: Mutex::new(ended) })
    }

    /// Hands a message over and waits until the sink has it.
    pub(super) async fn deliver(&self, line: Vec<u8>) -> Result<(), Undelivered> {
        let delivered = timeout(PATIENCE, self.hand_over(line)).await.unwrap_or(Err(Undelivered::Late));
        if delivered.is_err() {
            self.complaint.add();
        }
        delivered
    }

    async fn hand_over(&self, line: Vec<u8>) -> Result<(), Undelivered> {
        let room = Arc::clone(&self.messages).acquire_many_owned(weight(&line)).await;
        let room = room.map_err(|_| Undelivered::Failed)?;
        let (answer, answered) = oneshot::channel();
        self.send(Job { source: Source::Telemetry, line, answer: Some(answer), _room: room });
        if answered.await.unwrap_or(false) { Ok(()) } else { Err(Undelivered::Failed) }
    }

    /// Leaves an event, or drops it if too many wait.
    pub(super) fn leave(&self, source: Source, line: Vec<u8>) {
        if let Ok(room) = Arc::clone(&self.events).try_acquire_many_owned(weight(&line)) {
            self.send(Job { source, line, answer: None, _room: room });
        } else {
            self.meter.event_dropped(source.name());
            self.complaint.add();
        }
    }

    fn send(&self, job: Job) {
        self.meter.events_wait(1);
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            self.meter.events_wait(-1);
        }
    }
}

/// What a line takes of the room; one that is greater than all of it takes all of it.
fn weight(line: &[u8]) -> u32 {
    u32::try_from(line.len()).unwrap_or(ROOM).min(ROOM)
}

impl Drop for Queue {
    fn drop(&mut self) {
        drop(self.jobs.take());
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(GOODBYE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            warn!("the sink of events does not take what is left; it is given up");
        }
    }
}

/// The thread's part.
struct Writer {
    sink: Box<dyn Sink>,
    complaint: Arc<Complaint>,
    meter: Arc<Meter>,
}

impl Writer {
    fn run(&mut self, mut inbox: mpsc::UnboundedReceiver<Job>) {
        let mut group = Vec::new();
        while inbox.blocking_recv_many(&mut group, GROUP) > 0 {
            let mut lines = Vec::with_capacity(group.iter().map(|job: &Job| job.line.len()).sum());
            for job in &group {
                lines.extend_from_slice(&job.line);
            }
            let is_awaited = group.iter().any(|job| job.answer.is_some());
            let written = self.sink.write(&lines, is_awaited);
            if let Err(error) = &written {
                error!(%error, lines = group.len(), "the sink of events failed");
            }
            for job in group.drain(..) {
                self.finish(job, written.is_ok());
            }
        }
        self.complaint.tell();
    }

    fn finish(&self, job: Job, is_written: bool) {
        self.meter.events_wait(-1);
        if is_written {
            self.meter.event(job.source.name());
        } else if job.answer.is_none() {
            self.meter.event_dropped(job.source.name());
            self.complaint.add();
        }
        // Whoever does not wait any more has given up; it is sent again.
        job.answer.map(|answer| answer.send(is_written));
    }
}

/// Tells the log now and then how many were dropped, rather than of each.
#[derive(Debug, Default)]
struct Complaint(Mutex<(u64, Option<Instant>)>);

impl Complaint {
    fn add(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        if state.1.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
            warn!(dropped = state.0, "events were dropped, or messages not taken: the sink is too slow or fails");
            *state = (0, Some(Instant::now()));
        }
    }

    fn tell(&self) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 > 0 {
            warn!(dropped = state.0, "events were dropped, or messages not taken");
        }
    }
}
