//! Counts held against a gate.

use crate::fleet::Gate;

/// Devices of which a gate demands a share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// How many count.
    pub(super) devices: u64,
    /// How many of them have failed.
    pub(super) failed: u64,
    /// When each of those became compliant that are, in milliseconds since 1970.
    pub(super) compliant: Vec<i64>,
}

impl Share {
    /// How many have to be compliant: the percentage, rounded up, and at least one.
    pub(super) fn needed(&self, gate: &Gate) -> u64 {
        (self.devices * u64::from(gate.compliant)).div_ceil(100).max(1)
    }

    /// Whether more have failed than may.
    pub(super) fn is_failing(&self, gate: &Gate) -> bool {
        self.failed * 100 > self.devices * u64::from(gate.failed)
    }

    /// When the gate's share was reached, in milliseconds since 1970: with k devices needed, the k-th of their times.
    /// Whoever was compliant before stays compliant in between, as far as anybody can tell afterwards.
    pub(super) fn reached(&self, gate: &Gate) -> Option<i64> {
        let at = usize::try_from(self.needed(gate)).ok()?.checked_sub(1)?;
        if at >= self.compliant.len() {
            return None;
        }
        let mut times = self.compliant.clone();
        let (_, time, _) = times.select_nth_unstable(at);
        Some(*time)
    }
}

/// The least of the numbers that is not smaller than this share of them (nearest rank); `None` of nothing.
pub(super) fn percentile(numbers: &mut [i64], percent: usize) -> Option<i64> {
    let rank = (numbers.len() * percent).div_ceil(100).checked_sub(1)?;
    let (_, number, _) = numbers.select_nth_unstable(rank);
    Some(*number)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fleet::GateOf;

    fn gate(compliant: u8, failed: u8) -> Gate {
        Gate { compliant, failed, soak: Duration::ZERO, timeout: None, of: GateOf::Reachable }
    }

    #[test]
    fn the_share_is_reached_with_the_device_that_completes_it() {
        let share = Share { devices: 4, failed: 0, compliant: vec![30, 10, 20] };
        assert_eq!(share.reached(&gate(75, 0)), Some(30));
        assert_eq!(share.reached(&gate(50, 0)), Some(20));
        assert_eq!(share.reached(&gate(76, 0)), None, "rounded up");
        assert_eq!(share.reached(&gate(0, 0)), Some(10), "one at least");
        assert_eq!(Share::default().reached(&gate(0, 0)), None);
    }

    #[test]
    fn as_many_as_may_fail_are_not_too_many() {
        let failed = |failed| Share { devices: 100, failed, compliant: Vec::new() }.is_failing(&gate(95, 1));
        assert!(!failed(1) && failed(2));
        assert!(!Share::default().is_failing(&gate(100, 0)));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(percentile(&mut [4, 1, 3, 2], 50), Some(2));
        assert_eq!(percentile(&mut [4, 1, 3, 2], 95), Some(4));
        assert_eq!(percentile(&mut [7], 50), Some(7));
        assert_eq!(percentile(&mut [], 50), None);
    }
}
