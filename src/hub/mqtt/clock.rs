//! The one timer of a link, for all that can run out.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::end::End;

/// The longest silence, whatever keep-alive a device asks for (protocol reference 11.1).
const SILENCE: Duration = Duration::from_secs(1767);

#[derive(Debug)]
pub(super) struct Clock {
    silence: Duration,
    stall: Duration,
    heard: Instant,
    expires: Option<Instant>,
    drain_by: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
}

impl Clock {
    /// `keep_alive` in seconds as the device declared it; 0 stands for the longest.
    pub(super) fn new(keep_alive: u16, stall: Duration, expires: Option<SystemTime>) -> Self {
        let now = Instant::now();
        let silence = match keep_alive {
            0 => SILENCE,
            seconds => SILENCE.min(Duration::from_secs(seconds.into()) * 3 / 2),
        };
        // A token that ends beyond what the timer can tell never ends.
        let left = expires.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        let expires = left.and_then(|left| now.checked_add(left));
        let mut clock =
            Self { silence, stall, heard: now, expires, drain_by: None, sleep: Box::pin(sleep_until(now + silence)) };
        clock.set(clock.next(None));
        clock
    }

    /// The device is there.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// The link is ending: from now on only the time for that counts.
    pub(super) fn drain(&mut self, patience: Duration) {
        let by = Instant::now() + patience;
        self.drain_by = Some(by);
        self.set(by);
    }

    /// Ready with the reason when something ran out. `listening` when nothing keeps us from hearing the device;
    /// `waiting` since when it has not read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, listening: bool, waiting: Option<Instant>) -> Poll<End> {
        loop {
            let next = self.next(waiting);
            if next < self.sleep.deadline() {
                self.set(next);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if !listening {
                self.heard = now;
            }
            if let Some(end) = self.over(now, waiting) {
                return Poll::Ready(end);
            }
            self.set(self.next(waiting));
        }
    }

    fn set(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
    }

    fn next(&self, waiting: Option<Instant>) -> Instant {
        if let Some(by) = self.drain_by {
            return by;
        }
        let ends = [self.expires, waiting.map(|since| since + self.stall)];
        ends.into_iter().flatten().fold(self.heard + self.silence, Instant::min)
    }

    fn over(&self, now: Instant, waiting: Option<Instant>) -> Option<End> {
        if let Some(by) = self.drain_by {
            return (by <= now).then_some(End::Abandoned);
        }
        if self.expires.is_some_and(|at| at <= now) {
            return Some(End::Expired);
        }
        if waiting.is_some_and(|since| since + self.stall <= now) {
            return Some(End::Stalled);
        }
        (self.heard + self.silence <= now).then_some(End::Silent)
    }
}
