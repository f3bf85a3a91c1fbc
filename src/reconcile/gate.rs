//! The one way to the hub: how many requests may be in flight, when none may, and how fast they may follow each other.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::pace::Pace;
use crate::plan::quota::{Operation, Throttles};

/// First wait after the hub has throttled, when it does not say how long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest such wait (protocol reference 14).
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Additive increase, multiplicative decrease over the number of requests in flight. A throttled request halves it
/// and holds everybody back; every full round of successes adds one.
#[derive(Debug)]
pub(super) struct Gate {
    most: f64,
    /// Set where the throttles of the hub are known.
    pace: Option<Pace>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    allowed: f64,
    closed_until: Option<Instant>,
    /// Counts the pauses, so that requests sent before one cannot cause the next.
    round: u64,
    /// Pauses since the last success.
    pauses: u32,
    last_success: Instant,
}

/// Leave to have one request in flight; dropping it makes room.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    round: u64,
    sent: Instant,
}

/// What a throttled request led to: everybody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) wait: Duration,
    pub(super) concurrency: usize,
}

impl Gate {
    pub(super) fn new(most: usize, throttles: Option<Throttles>) -> Self {
        let most = most.max(1);
        let state = State {
            in_flight: 0,
            allowed: to_float(most),
            closed_until: None,
            round: 0,
            pauses: 0,
            last_success: Instant::now(),
        };
        let pace = throttles.map(Pace::new);
        Self { most: to_float(most), pace, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Waits until a request may be sent.
    pub(super) async fn enter(&self, operation: Operation) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            match self.try_enter() {
                Ok(pass) => {
                    if let Some(pass) = self.in_its_slot(pass, operation).await {
                        return pass;
                    }
                }
                Err(Some(until)) => sleep_until(until).await,
                Err(None) => changed.await,
            }
        }
    }

    /// Waits for a moment at which the hub's throttles leave room; `None` when the gate was closed meanwhile.
    async fn in_its_slot<'g>(&'g self, mut pass: Pass<'g>, operation: Operation) -> Option<Pass<'g>> {
        let Some(pace) = &self.pace else { return Some(pass) };
        sleep_until(pace.slot(operation)).await;
        pass.sent = Instant::now();
        // A pass that is dropped takes the lock itself.
        let round = self.lock().round;
        (pass.round == round).then_some(pass)
    }

    /// A pass, or until when the gate is closed, or nothing but "full".
    fn try_enter(&self) -> Result<Pass<'_>, Option<Instant>> {
        let mut state = self.lock();
        if let Some(until) = state.closed_until {
            if Instant::now() < until {
                return Err(Some(until));
            }
            state.closed_until = None;
        }
        if to_float(state.in_flight) >= state.allowed {
            return Err(None);
        }
        state.in_flight += 1;
        if to_float(state.in_flight) < state.allowed {
            self.changed.notify_one();
        }
        Ok(Pass { gate: self, round: state.round, sent: Instant::now() })
    }

    /// How long the hub has done nothing that it was asked.
    pub(super) fn without_success(&self) -> Duration {
        self.lock().last_success.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The hub has answered to the point, whether or not the answer was welcome.
    pub(super) fn answered(&self) {
        if let Some(pace) = &self.gate.pace {
            pace.answered(self.sent.elapsed());
        }
        let mut state = self.gate.lock();
        state.last_success = Instant::now();
        if self.round == state.round {
            state.pauses = 0;
            state.allowed = (state.allowed + 1.0 / state.allowed).min(self.gate.most);
        }
    }

    /// The hub asks for less. The pause that this causes; `None` when the request was sent before the last one.
    pub(super) fn throttled(&self, retry_after: Option<Duration>) -> Option<Pause> {
        let mut state = self.gate.lock();
        if self.round != state.round {
            return None;
        }
        let wait = retry_after.map_or_else(|| jittered(state.pauses), |wait| wait.min(10 * LONGEST_WAIT));
        state.round += 1;
        state.pauses = state.pauses.saturating_add(1);
        state.allowed = (state.allowed / 2.0).max(1.0);
        let until = Instant::now() + wait;
        state.closed_until = Some(until);
        if let Some(pace) = &self.gate.pace {
            pace.throttled(until);
        }
        Some(Pause { wait, concurrency: whole(state.allowed) })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.lock().in_flight -= 1;
        self.gate.changed.notify_one();
    }
}

/// Doubles with every pause; the second half of each wait is drawn at random.
fn jittered(pauses: u32) -> Duration {
    let bound = FIRST_WAIT.saturating_mul(1_u32.checked_shl(pauses).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
    (bound / 2 + bound.mul_f64(fastrand::f64() / 2.0)).max(FIRST_WAIT)
}

/// Counts of requests are small; doubles hold them exactly.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
const fn to_float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the limit given")]
const fn whole(allowed: f64) -> usize {
    allowed as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttled_request_holds_everybody_back_and_halves_the_flow() {
        let gate = Gate::new(8, None);
        let pass = gate.enter(Operation::TwinWrite).await;
        let pause = pass.throttled(Some(Duration::from_secs(7)));
        assert_eq!(pause, Some(Pause { wait: Duration::from_secs(7), concurrency: 4 }));
        drop(pass);
        let before = Instant::now();
        let _next = gate.enter(Operation::TwinWrite).await;
        assert_eq!(before.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_sent_before_a_pause_cause_no_other() {
        let gate = Gate::new(8, None);
        let (one, two) = (gate.enter(Operation::TwinWrite).await, gate.enter(Operation::TwinWrite).await);
        assert!(one.throttled(None).is_some());
        assert!(two.throttled(None).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_a_request_succeeds_and_stay_within_a_minute() {
        let gate = Gate::new(1, None);
        for bound in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = gate.enter(Operation::TwinWrite).await.throttled(None).unwrap();
            assert!(pause.wait >= Duration::from_secs(1).max(Duration::from_secs(bound) / 2), "{pause:?}");
            assert!(pause.wait <= Duration::from_secs(bound), "{pause:?}");
        }
        gate.enter(Operation::TwinWrite).await.answered();
        assert_eq!(
            gate.enter(Operation::TwinWrite).await.throttled(None).map(|pause| pause.wait),
            Some(Duration::from_secs(1))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn successes_open_the_gate_again_up_to_its_limit() {
        let gate = Gate::new(4, None);
        gate.enter(Operation::TwinWrite).await.throttled(None);
        for _ in 0..50 {
            gate.enter(Operation::TwinWrite).await.answered();
        }
        let mut passes = Vec::new();
        for _ in 0..4 {
            passes.push(gate.enter(Operation::TwinWrite).await);
        }
        assert!(gate.try_enter().is_err());
        passes.pop();
        assert!(gate.try_enter().is_ok());
    }
}
