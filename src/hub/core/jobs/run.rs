//! One job from its beginning, or from where another process left it, to its end.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    super::{ATTEMPTS, Core},
    active::Active,
    document::{Kept, Status, instant},
    part::{self, Part},
    window::Window,
    work::{Clock, Order, Work},
};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        store::{Change, Kind, Outcome, Store},
        time,
    },
    iothub::ErrorCode,
    query::Target,
    task::Stop,
};

/// Devices that do their part at a time.
const WIDTH: usize = 64;
/// Most devices between the first that is not done and the last that has begun: what a run remembers.
const MOST_BETWEEN: usize = 4096;
/// Parts, and bytes of them, that are recorded at once.
const GROUP: usize = 128;
const GROUP_BYTES: usize = 1024 * 1024;
/// Parts wait no longer than this to be recorded.
const FLUSH: Duration = Duration::from_millis(250);

type Done = Result<Result<Option<Part>, Failure>, JoinError>;

/// See the module.
pub(super) struct Run<S, L> {
    core: Arc<Core<S, L>>,
    /// Ends when this process may no longer work on jobs.
    held: Stop,
    clock: Clock,
    kept: Kept,
    revision: u64,
    /// Up to here there may be parts of an earlier run.
    recorded: Option<LinkId>,
    window: Window,
    /// Claimed, and not begun.
    waiting: VecDeque<LinkId>,
    /// Whether nobody is left to be found.
    found_all: bool,
    /// Over, and not recorded.
    over: Vec<Part>,
    /// How many are doing their part.
    running: usize,
    /// Why the run cannot go on.
    fault: Option<Failure>,
    /// Whether what was over could not be recorded.
    lost: bool,
}

impl<S: Store, L: Links> Run<S, L> {
    /// Runs a job until it is over or `held` ends. An error means that it has to be tried again.
    pub(super) async fn carry_out(core: Arc<Core<S, L>>, id: &str, held: Stop, clock: Clock) -> Result<(), Failure> {
        let Some(document) = core.store.document(Kind::Job, id).await? else { return strike(&core.store, id).await };
        let kept = Kept::read(&document)?;
        if kept.job.status.is_over() {
            return strike(&core.store, id).await;
        }
        let place = |text: &Option<Box<str>>| text.as_deref().and_then(part::link);
        let (window, recorded) = (Window::from(place(&kept.after)), place(&kept.until));
        let run = Self {
            core,
            held,
            clock,
            kept,
            revision: document.revision,
            recorded,
            window,
            waiting: VecDeque::new(),
            found_all: false,
            over: Vec::new(),
            running: 0,
            fault: None,
            lost: false,
        };
        run.go().await
    }

    async fn go(mut self) -> Result<(), Failure> {
        let target = match Target::parse(&self.kept.job.query_condition) {
            Ok(target) => target,
            Err(error) => return self.finish(Status::Failed, Some(format!("queryCondition: {error}"))).await,
        };
        let work = match Work::of(&self.kept.job) {
            Ok(work) => work,
            Err(failure) => return self.finish(Status::Failed, Some(failure.message)).await,
        };
        let began = self.begin().await?;
        let time = SignedDuration::from_secs(self.kept.job.max_execution_time_in_seconds.into());
        let order = Order {
            job: self.kept.job.job_id.clone(),
            kind: self.kept.job.kind,
            work,
            deadline: began.checked_add(time).unwrap_or(Timestamp::MAX),
            clock: Arc::clone(&self.clock),
        };
        if self.all(&target, Arc::new(order)).await? {
            return self.finish(Status::Completed, None).await;
        }
        Ok(())
    }

    /// The job is running; when it began.
    async fn begin(&mut self) -> Result<Timestamp, Failure> {
        let now = (self.clock)();
        let began = self.kept.began.as_deref().and_then(instant);
        if let Some(began) = began {
            return Ok(began);
        }
        self.kept.began = Some(time::text(now).into());
        self.kept.job.status = Status::Running;
        self.save().await?;
        Ok(now)
    }

    /// Everybody does their part, a few at a time. Says whether everybody did.
    async fn all(&mut self, target: &Target, order: Arc<Order>) -> Result<bool, Failure> {
        let mut tasks = JoinSet::new();
        let mut beat = every(FLUSH);
        loop {
            while tasks.len() < WIDTH
                && let Some(link) = self.next(target).await
            {
                let (core, order, held) = (Arc::clone(&self.core), Arc::clone(&order), self.held.clone());
                tasks.spawn(async move { order.carry_out(&core, link, &held).await });
            }
            self.running = tasks.len();
            if tasks.is_empty() && self.over.is_empty() {
                break;
            }
            tokio::select! {
                Some(done) = tasks.join_next() => self.take(done),
                _ = beat.tick(), if self.is_stale() => self.flush().await,
                else => {}
            }
            if self.is_full() || tasks.is_empty() {
                self.running = tasks.len();
                self.flush().await;
            }
        }
        self.fault.take().map_or(Ok(self.found_all && self.window.open() == 0), Err)
    }

    /// Whether there is something to be recorded.
    fn is_stale(&self) -> bool {
        !self.over.is_empty() || self.kept.job.device_job_statistics.running_count != self.running as u64
    }

    /// Whether there is much to be recorded.
    fn is_full(&self) -> bool {
        let bytes = || self.over.iter().map(|part| part.document.body.len()).sum::<usize>();
        self.over.len() >= GROUP || bytes() >= GROUP_BYTES
    }

    /// Whoever is next; nobody if there is nobody, or it is too early, or the run has to end.
    async fn next(&mut self, target: &Target) -> Option<LinkId> {
        while !self.held.is_requested() && self.fault.is_none() {
            let next = self.waiting.pop_front();
            if next.is_some() || self.found_all || self.window.len() >= MOST_BETWEEN {
                return next;
            }
            if let Err(failure) = self.claim(target).await {
                self.fault = Some(failure);
            }
        }
        None
    }

    /// Finds some more. It is stored that they may begin before the first of them does.
    async fn claim(&mut self, target: &Target) -> Result<(), Failure> {
        let found = self.core.select(target, self.window.ahead()).await?;
        let mut links = Vec::with_capacity(found.links.len());
        for link in found.links {
            if !self.is_recorded(&link).await? {
                links.push(link);
            }
        }
        self.found_all = found.is_last;
        self.window.claim(&links, found.place);
        if !links.is_empty() {
            self.flush().await;
        }
        self.waiting = links.into();
        Ok(())
    }

    async fn is_recorded(&self, link: &LinkId) -> Result<bool, Failure> {
        if self.recorded.as_ref().is_none_or(|until| link > until) {
            return Ok(false);
        }
        let id = part::id(&self.kept.job.job_id, link);
        Ok(self.core.store.document(Kind::JobPart, &id).await?.is_some())
    }

    fn take(&mut self, done: Done) {
        match done {
            Ok(Ok(part)) => self.over.extend(part),
            Ok(Err(failure)) => self.fault = Some(failure),
            Err(error) => {
                tracing::error!(%error, job = %self.kept.job.job_id, "a device's part in a job broke off");
                self.fault = Some(Failure::new(ErrorCode::ServerError, "a device's part in a job broke off"));
            }
        }
    }

    /// Stores what is over; once that has failed, nothing is stored any more, for the next run begins at what was.
    async fn flush(&mut self) {
        if self.lost {
            self.over.clear();
        } else if let Err(failure) = self.save().await {
            (self.lost, self.fault) = (true, Some(failure));
        }
    }

    /// Stores the parts that are over together with the place that the run has reached.
    async fn save(&mut self) -> Result<(), Failure> {
        let parts = std::mem::take(&mut self.over);
        let mut batch = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            self.window.done(&part.link);
            let statistics = &mut self.kept.job.device_job_statistics;
            *(if part.failed { &mut statistics.failed_count } else { &mut statistics.succeeded_count }) += 1;
            batch.push(Change::Document(part.document));
        }
        self.count();
        let place = |link: Option<&LinkId>| link.map(|link| link.to_string().into());
        self.kept.after = place(self.window.behind());
        self.kept.until = place(self.window.ahead().max(self.recorded.as_ref()));
        batch.push(self.kept.change(self.revision)?);
        match self.core.store.write(batch).await? {
            Outcome::Written => self.revision += 1,
            Outcome::Conflict => return Err(taken()),
        }
        Ok(())
    }

    fn count(&mut self) {
        let (open, running) = (self.window.open() as u64, self.running as u64);
        let statistics = &mut self.kept.job.device_job_statistics;
        statistics.running_count = running.min(open);
        statistics.pending_count = open - statistics.running_count;
        statistics.device_count = statistics.failed_count + statistics.succeeded_count + open;
    }

    /// The job is over, and no longer on the list.
    async fn finish(mut self, status: Status, reason: Option<String>) -> Result<(), Failure> {
        self.count();
        self.kept.job.status = status;
        self.kept.job.failure_reason = reason;
        self.kept.job.end_time = Some(time::text((self.clock)()).into());
        let id = &self.kept.job.job_id;
        for _ in 0..ATTEMPTS {
            let active = Active::read(&self.core.store).await?;
            let batch = vec![self.kept.change(self.revision)?, active.without(id)?];
            if self.core.store.write(batch).await? == Outcome::Written {
                tracing::info!(job = %id, status = status.name(), "a job is over");
                return Ok(());
            }
            let document = self.core.store.document(Kind::Job, id).await?;
            if document.is_none_or(|document| document.revision != self.revision) {
                return Err(taken());
            }
        }
        Err(taken())
    }
}

/// Nothing is to be done for a job, whatever the list says.
async fn strike<S: Store>(store: &S, id: &str) -> Result<(), Failure> {
    let change = Active::read(store).await?.without(id)?;
    match store.write(vec![change]).await? {
        Outcome::Written => Ok(()),
        Outcome::Conflict => Err(taken()),
    }
}

fn taken() -> Failure {
    Failure::new(ErrorCode::ServerBusy, "somebody else writes this job")
}

/// Beats that do not pile up.
pub(super) fn every(time: Duration) -> Interval {
    let mut beats = interval(time);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats
}
