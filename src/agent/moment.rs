//! What time it is, as far as this device can tell: its wall clock may be wrong, and jump; the time since it was started
//! does neither.

use std::fs;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment by both clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Seconds since 1970, as the wall clock has it.
    pub(crate) wall: i64,
    /// Which start of the device it is in; `None` where nobody counts them.
    pub(crate) boot: Option<String>,
    /// Seconds since that start, the time asleep included.
    pub(crate) up: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { wall: Timestamp::now().as_second(), boot: boot(), up: uptime() }
    }

    /// Seconds from one moment to this one. Between two starts of the device, the wall clock has to be believed, but at
    /// least the time since the last start has passed.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        let known = self.boot.is_some() && self.boot == earlier.boot;
        let by_wall = u64::try_from(self.wall.saturating_sub(earlier.wall)).unwrap_or_default();
        if known { self.up.saturating_sub(earlier.up) } else { by_wall.max(self.up) }
    }
}

/// Which start of the device this is; `None` where nobody counts them.
pub(crate) fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// Seconds since the device was started; 0 where nobody counts them.
fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

/// Now, as it is reported.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: i64, boot: &str, up: u64) -> Moment {
        Moment { wall, boot: Some(boot.to_owned()), up }
    }

    #[test]
    fn a_clock_that_jumps_says_nothing_within_one_start() {
        let earlier = moment(1000, "a", 50);
        for wall in [0, 1000, 9_000_000] {
            assert_eq!(moment(wall, "a", 60).since(&earlier), 10);
        }
    }

    #[test]
    fn between_two_starts_the_wall_counts_but_never_less_than_the_time_since_the_last() {
        let earlier = moment(1000, "a", 50);
        assert_eq!(moment(1500, "b", 20).since(&earlier), 500);
        assert_eq!(moment(0, "b", 20).since(&earlier), 20, "a device without a clock that runs on");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_counts_both() {
        let now = Moment::now();
        assert!(now.boot.is_some_and(|boot| boot.len() == 36) && now.up > 0);
    }
}
