//! What the benchmarks share: numbers that are the same on every run, and how figures are printed.

#![allow(dead_code, reason = "every benchmark uses its own part of this")]

use std::time::{Duration, Instant};

/// A small generator of numbers (SplitMix64): the same seed, the same input, on every machine.
pub struct Numbers(u64);

impl Numbers {
    /// Starts at this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Runs `work` and says how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// Per second.
pub fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// The most memory this process ever held, in MB, as Linux counts it.
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Prints one figure and what it should reach.
pub fn figure(what: &str, value: f64, unit: &str, reach: &str) {
    println!("{what:<58} {value:>12.1} {unit:<10} reach: {reach}");
}

/// The size from the command line (`cargo bench --bench plan -- 1000000`), or the usual one.
pub fn size(usual: u64) -> u64 {
    std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(usual)
}
