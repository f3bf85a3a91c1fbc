//! What the benchmarks share: numbers that are the same on every run, what a piece of work costs, and how figures are
//! printed.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::cast_precision_loss,
    reason = "every benchmark uses its own part of this"
)]

#[cfg(feature = "cli")]
pub mod twins;

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Marks a run of this program that the program has started itself.
const AGAIN: &str = "--again";
/// How finely Linux counts processor time (`USER_HZ`, the same everywhere).
const TICK: f64 = 0.01;

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

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).expect("below a length")]
    }
}

/// A folder that goes with it.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder of this name, and of this process.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("twinops-bench-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _only_litter_is_left = std::fs::remove_dir_all(&self.0);
    }
}

/// What a piece of work cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// From beginning to end.
    pub time: Duration,
    /// Of all processors together, in seconds: on a machine with other work to do, the figure to trust.
    pub cpu: f64,
}

impl Cost {
    /// Per second.
    pub fn rate(&self, count: u64) -> f64 {
        count as f64 / self.time.as_secs_f64()
    }

    /// Processor time for each, in millionths of a second.
    pub fn each(&self, count: u64) -> f64 {
        self.cpu * 1e6 / count as f64
    }
}

/// Runs `work` and says what it cost.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let value = work();
    (value, Cost { time: start.elapsed(), cpu: cpu_seconds() - cpu })
}

/// As [`timed`], for work that waits.
pub async fn timed_async<T>(work: impl Future<Output = T>) -> (T, Cost) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let value = work.await;
    (value, Cost { time: start.elapsed(), cpu: cpu_seconds() - cpu })
}

/// Runs this program again with these words: the memory of one figure is not that of the next.
pub fn again(words: &[&str]) {
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new(program).arg(AGAIN).args(words).status().expect("this program runs again");
    assert!(status.success(), "{words:?} ends well");
}

/// The words of [`again`], in a process that it started.
pub fn words() -> Option<Vec<String>> {
    let mut args = std::env::args().skip(1);
    (args.next()? == AGAIN).then(|| args.collect())
}

/// The middle one of some figures.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// The size from the command line (`cargo bench --bench plan -- 1000000`), or the usual one.
pub fn size(usual: u64) -> u64 {
    std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(usual)
}

/// The most memory this process ever held, in MB, as Linux counts it.
pub fn peak_mb() -> f64 {
    memory_mb("self", "VmHWM:")
}

/// A field of a process's memory, in MB.
pub fn memory_mb(process: &str, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // User and system time are fields 14 and 15; the name is field 2.
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK
}

/// Prints what is measured, and how busy the machine is besides: figures of a busy one say little.
pub fn heading(what: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\n{what} ({cores} processors, load {load})");
}

/// Prints one figure and what it should reach.
pub fn figure(what: &str, value: f64, unit: &str, reach: &str) {
    println!("{what:<58} {value:>12.1} {unit:<10} reach: {reach}");
}
