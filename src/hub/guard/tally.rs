//! Counts what is turned away, so that the log says it once in a while.

use std::time::Duration;

use tokio::time::Instant;

/// How long the log is silent after it said something.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

/// How many were turned away since that was last said.
#[derive(Debug, Default)]
pub(super) struct Tally {
    count: u64,
    told: Option<Instant>,
}

impl Tally {
    /// One more. How many there are if it is time to say so.
    pub(super) fn add(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < SILENCE) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once_a_minute() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        let told: Vec<_> = (0..150).filter_map(|at| tally.add(start + Duration::from_secs(at))).collect();
        assert_eq!(told, [1, 60, 60]);
    }
}
