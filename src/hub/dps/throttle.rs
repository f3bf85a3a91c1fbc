//! How many registrations there may be (protocol reference 13.3).

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{hub::failure::Failure, iothub::ErrorCode};

/// Most registrations in a minute, of devices that have proved themselves.
const A_MINUTE: u32 = 1000;
/// Most of whoever it may be that are looked at at a time: each costs a look at all groups.
const AT_A_TIME: usize = 64;

/// Bounds both, with a few words of memory whoever comes.
#[derive(Debug)]
pub(crate) struct Throttle {
    doors: Semaphore,
    /// How many registrations are left, and when that was true.
    left: Mutex<(f64, Option<Instant>)>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { doors: Semaphore::new(AT_A_TIME), left: Mutex::new((f64::from(A_MINUTE), None)) }
    }
}

impl Throttle {
    /// Lets somebody be looked at, who may be anybody.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Failure> {
        self.doors.try_acquire().map_err(|_| throttled())
    }

    /// Lets somebody register who has proved to be a device.
    pub(crate) fn register(&self) -> Result<(), Failure> {
        let now = Instant::now();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let since = left.1.map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        let most = f64::from(A_MINUTE);
        let filled = (left.0 + since.as_secs_f64() * most / 60.0).min(most);
        let granted = filled >= 1.0;
        *left = (if granted { filled - 1.0 } else { filled }, Some(now));
        granted.then_some(()).ok_or_else(throttled)
    }
}

fn throttled() -> Failure {
    Failure::new(ErrorCode::ThrottlingException, "too many devices register at this time; wait and try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_herd_is_let_in_at_the_rate_of_a_thousand_a_minute() {
        let throttle = Throttle::default();
        assert!((0..A_MINUTE).all(|_| throttle.register().is_ok()));
        assert_eq!(throttle.register().unwrap_err().code.status(), 429);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!((0..200).filter(|_| throttle.register().is_ok()).count(), 100);
    }

    #[test]
    fn only_so_many_are_looked_at_at_a_time() {
        let throttle = Throttle::default();
        let inside: Vec<_> = (0..AT_A_TIME).map(|_| throttle.enter().unwrap()).collect();
        assert!(throttle.enter().is_err());
        drop(inside);
        assert!(throttle.enter().is_ok());
    }
}
