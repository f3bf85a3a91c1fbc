//! Start named tasks, stop them together, back off.

use std::{future::Future, time::Duration};

use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, info_span, warn};

/// How long a group waits for its tasks after asking them to stop.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A request to stop that many can await and anyone can make. Clones share it; a child stops with its parent, not
/// the other way round.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Not yet requested.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone who awaits this to end.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether the end has been asked for.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves once the end has been asked for. Safe to drop and to call again.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// A stop of its own that also follows this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Runs `work` unless and until the end is asked for; `None` when it was.
    pub async fn unless<F: Future>(&self, work: F) -> Option<F::Output> {
        self.0.run_until_cancelled(work).await
    }
}

/// Tasks that start by name and end together. Dropping the group aborts what is left of them.
#[derive(Debug)]
pub struct Group {
    stop: Stop,
    tasks: JoinSet<()>,
}

impl Group {
    /// An empty group whose tasks end when `stop` is requested.
    pub fn new(stop: Stop) -> Self {
        Self { stop, tasks: JoinSet::new() }
    }

    /// What the group's tasks watch for their end.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Starts a task. Its log lines carry `name`; a panic in it is logged and ends only that task.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work.instrument(info_span!("task", name)));
    }

    /// Asks all tasks to end and waits for them, [`PATIENCE`] at most; then they are aborted. Says whether every
    /// one ended by itself.
    pub async fn finish(mut self) -> bool {
        self.stop.request();
        let ended = timeout(PATIENCE, self.join()).await;
        if ended.is_err() {
            warn!(left = self.tasks.len(), "tasks did not end in time and are aborted");
            self.tasks.shutdown().await;
        }
        ended.is_ok()
    }

    /// Waits until every task has ended by itself.
    pub async fn join(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(()) => debug!("a task ended"),
                Err(fault) if fault.is_cancelled() => {}
                Err(fault) => error!(%fault, "a task broke off"),
            }
        }
    }
}

/// Waiting times that double from `first` up to `most`, each drawn at random from nothing to its bound, so that a
/// thousand clients that failed together do not return together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    attempt: u32,
}

impl Backoff {
    /// Starts at the first attempt.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, attempt: 0 }
    }

    /// How long to wait now; the next bound is twice as long.
    pub fn next_wait(&mut self) -> Duration {
        let bound = self.bound();
        self.attempt = self.attempt.saturating_add(1);
        bound.mul_f64(fastrand::f64())
    }

    /// All is well again: the next wait is a short one.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// How often [`Self::next_wait`] was asked since the last success.
    pub const fn attempts(&self) -> u32 {
        self.attempt
    }

    fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempt).unwrap_or(u32::MAX);
        self.first.checked_mul(factor).map_or(self.most, |bound| bound.min(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_group_ends_when_its_stop_is_requested() {
        let stop = Stop::new();
        let mut group = Group::new(stop.child());
        let inner = group.stop().clone();
        group.spawn("waits", async move { inner.requested().await });
        stop.request();
        assert!(group.finish().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_listen_is_aborted() {
        let mut group = Group::new(Stop::new());
        group.spawn("deaf", std::future::pending());
        assert!(!group.finish().await);
    }

    #[tokio::test]
    async fn a_child_does_not_stop_its_parent() {
        let parent = Stop::new();
        parent.child().request();
        assert!(!parent.is_requested());
        assert_eq!(parent.unless(async { 7 }).await, Some(7));
    }

    #[test]
    fn waits_grow_and_stay_within_their_bounds() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
        for bound in [1, 2, 4, 8, 8] {
            assert!(backoff.next_wait() <= Duration::from_secs(bound));
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(1));
    }
}
