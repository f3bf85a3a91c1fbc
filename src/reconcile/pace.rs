//! Keeping below the throttles of a hub: a slot in time for every request, later ones while the hub shows strain.

use std::{pin::pin, sync::Mutex, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, sleep_until};

use super::ports::{HubError, Page};
use crate::plan::quota::{Operation, Throttles};

/// What is left of the rate at worst.
const LEAST: f64 = 0.05;
/// What a throttled request leaves of it.
const AFTER_THROTTLE: f64 = 0.7;
/// What answers that come ever later leave of it.
const AFTER_STRAIN: f64 = 0.9;
/// What a second without trouble gives back.
const RECOVERY: f64 = 0.03;
/// The rate changes so often at most.
const STEP: Duration = Duration::from_secs(1);
/// A hub delays before it refuses (protocol reference 14): answers that take this many times as long as the quickest do,
/// and [`STRAIN`] longer, say that it is about to.
const SLOWER: f64 = 3.0;
const STRAIN: f64 = 0.2;
/// Long enough to have saved all that may be.
const REST: Duration = Duration::from_mins(10);
/// How much the latest answer weighs among all.
const WEIGHT: f64 = 0.1;
/// How fast the memory of the quickest answer fades: a hub may have become slower for good.
const FADING: f64 = 1.002;

/// Gives out slots, evenly spaced, of each kind of request apart. What slows it down slows down the whole run.
#[derive(Debug)]
pub(super) struct Pace {
    throttles: Throttles,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the next request of each kind may be sent.
    next: [Instant; Operation::ALL.len()],
    /// What is left of the rate.
    factor: f64,
    changed: Instant,
    /// Seconds that answers take: the quickest, and most of late.
    quickest: f64,
    recent: f64,
}

impl Pace {
    pub(super) fn new(throttles: Throttles) -> Self {
        let now = Instant::now();
        // What may be saved is there from the beginning.
        let next = [now.checked_sub(REST).unwrap_or(now); Operation::ALL.len()];
        let state = State { next, factor: 1.0, changed: now, quickest: f64::INFINITY, recent: 0.0 };
        Self { throttles, state: Mutex::new(state) }
    }

    /// When a request may be sent; the moment is taken.
    pub(super) fn slot(&self, operation: Operation) -> Instant {
        let mut state = self.lock();
        let interval = 1.0 / (self.throttles.rate(operation) * state.factor);
        let saved = Duration::from_secs_f64((self.throttles.burst(operation) - 1.0) * interval);
        let now = Instant::now();
        let next = &mut state.next[operation as usize];
        let slot = (*next).max(now.checked_sub(saved).unwrap_or(*next));
        *next = slot + Duration::from_secs_f64(interval);
        slot
    }

    /// An answer has come, so long after its request.
    pub(super) fn answered(&self, latency: Duration) {
        let mut state = self.lock();
        let latency = latency.as_secs_f64();
        state.quickest = (state.quickest * FADING).min(latency);
        state.recent = if state.recent > 0.0 { state.recent + WEIGHT * (latency - state.recent) } else { latency };
        if state.changed.elapsed() < STEP {
            return;
        }
        if state.recent > SLOWER * state.quickest + STRAIN {
            state.slow_down(AFTER_STRAIN);
            tracing::debug!(share = state.factor, "the hub answers ever later; the run slows down");
        } else if state.factor < 1.0 {
            state.factor = (state.factor + RECOVERY).min(1.0);
            state.changed = Instant::now();
        }
    }

    /// The hub has refused a request; none is sent before `until`, and fewer after it.
    pub(super) fn throttled(&self, until: Instant) {
        let mut state = self.lock();
        state.slow_down(AFTER_THROTTLE);
        for next in &mut state.next {
            *next = until;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn slow_down(&mut self, to: f64) {
        self.factor = (self.factor * to).max(LEAST);
        self.changed = Instant::now();
    }
}

/// Pages that are asked for no faster than `throttles` allow; without any, as fast as they come.
pub fn paced(
    pages: impl Stream<Item = Result<Page, HubError>> + Send,
    throttles: Option<Throttles>,
) -> impl Stream<Item = Result<Page, HubError>> + Send {
    let pace = throttles.map(Pace::new);
    stream::unfold((Box::pin(pages), pace), async |(mut pages, pace)| {
        if let Some(pace) = &pace {
            sleep_until(pace.slot(Operation::QueryPage)).await;
        }
        let next = pin!(pages.next()).await?;
        Some((next, (pages, pace)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{HubSpec, Sku};

    fn pace(share: f64) -> Pace {
        let hub = HubSpec { hostname: None, sku: Some(Sku::S1), units: None };
        Pace::new(Throttles::of(Some(&hub)).unwrap().at(share))
    }

    /// How long so many writes take, one after the other.
    async fn writes(pace: &Pace, count: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            sleep_until(pace.slot(Operation::TwinWrite)).await;
        }
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_takes_its_share_of_the_throttle_and_no_more() {
        let pace = pace(0.8);
        let seconds = writes(&pace, 4000).await.as_secs_f64();
        assert!((99.0..100.0).contains(&seconds), "4000 writes at 80 % of 50 a second took {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_is_saved_for_a_tenth_of_a_second_only() {
        let pace = pace(1.0);
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert!(writes(&pace, 5).await.is_zero());
        assert!(writes(&pace, 5).await >= Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_slows_all_kinds_down_until_the_hub_has_recovered() {
        let pace = pace(1.0);
        let until = Instant::now() + Duration::from_secs(5);
        pace.throttled(until);
        assert!(pace.slot(Operation::TwinRead) >= until && pace.slot(Operation::TwinWrite) >= until);
        sleep_until(until).await;
        let slow = writes(&pace, 350).await;
        assert!(slow >= Duration::from_millis(9900), "{slow:?}");
        for _ in 0..12 {
            tokio::time::sleep(STEP).await;
            pace.answered(Duration::from_millis(20));
        }
        assert!(writes(&pace, 500).await <= Duration::from_millis(10_100));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_come_ever_later_slow_it_down_before_the_hub_refuses() {
        let pace = pace(1.0);
        for latency in [30, 40, 35] {
            pace.answered(Duration::from_millis(latency));
        }
        for _ in 0..10 {
            tokio::time::sleep(STEP).await;
            pace.answered(Duration::from_millis(900));
        }
        let slow = writes(&pace, 100).await;
        assert!(slow >= Duration::from_millis(2500), "{slow:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_asked_for_at_the_pace_of_queries() {
        let hub = HubSpec { hostname: None, sku: Some(Sku::S1), units: None };
        let throttles = Throttles::of(Some(&hub));
        let pages = || stream::iter((0..40).map(|_| Ok(Page::Lines(bytes::Bytes::new()))));
        let start = Instant::now();
        assert_eq!(paced(pages(), throttles).count().await, 40);
        // Ten are saved, and the end is asked for as well.
        assert!((start.elapsed().as_secs_f64() - 93.0).abs() < 0.1, "{:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(paced(pages(), None).count().await, 40);
        assert!(start.elapsed().is_zero());
    }
}
