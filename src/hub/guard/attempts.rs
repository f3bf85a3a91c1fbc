//! Failed attempts to prove an identity, by address.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

use super::{origin::Origin, tally::Tally};

/// Most addresses in one generation.
const MOST: usize = 16 * 1024;
/// How long it takes until an address may fail as often as ever again.
const MINUTE: Duration = Duration::from_mins(1);

/// A bucket of attempts for each address that failed lately. There are two generations of them: a new one begins when
/// the newer is full or a minute old, and the older is forgotten then. So the memory is bounded without a search, and
/// a bucket is forgotten when it would be full again, or earlier in a flood from very many addresses.
#[derive(Debug)]
pub(super) struct Attempts {
    most: u32,
    /// Whether there is any bucket, so that usually nobody waits for the lock.
    any: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    newer: HashMap<Origin, Bucket>,
    older: HashMap<Origin, Bucket>,
    began: Option<Instant>,
}

/// Attempts that are left to an address.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
    turned_away: Tally,
}

impl Attempts {
    /// `most` in a minute from one address; 0 for any number.
    pub(super) fn new(most: u32) -> Self {
        Self { most, any: AtomicBool::new(false), table: Mutex::default() }
    }

    /// One more attempt from there failed.
    pub(super) fn failed(&self, origin: Origin, now: Instant) {
        if self.most == 0 {
            return;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Bucket { left: f64::from(self.most), at: now, turned_away: Tally::default() };
        let mut bucket = table.take(origin, now).unwrap_or(fresh);
        self.refill(&mut bucket, now);
        bucket.left = (bucket.left - 1.0).max(0.0);
        table.newer.insert(origin, bucket);
        self.any.store(true, Ordering::Release);
    }

    /// Whether there were too many from there; the log says so now and then.
    pub(super) fn is_barred(&self, origin: Origin, now: Instant) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.turn(now);
        if table.newer.is_empty() && table.older.is_empty() {
            self.any.store(false, Ordering::Release);
        }
        let Table { newer, older, .. } = &mut *table;
        let Some(bucket) = newer.get_mut(&origin).or_else(|| older.get_mut(&origin)) else { return false };
        self.refill(bucket, now);
        if bucket.left >= 1.0 {
            return false;
        }
        if let Some(count) = bucket.turned_away.add(now) {
            warn!(address = %origin, count, "too many failed attempts: connections and requests are turned away");
        }
        true
    }

    fn refill(&self, bucket: &mut Bucket, now: Instant) {
        let most = f64::from(self.most);
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64() / MINUTE.as_secs_f64();
        bucket.left = (bucket.left + passed * most).min(most);
        bucket.at = now;
    }
}

impl Table {
    /// A bucket, to be put into the newer generation.
    fn take(&mut self, origin: Origin, now: Instant) -> Option<Bucket> {
        self.turn(now);
        self.newer.remove(&origin).or_else(|| self.older.remove(&origin))
    }

    /// Begins another generation if it is time.
    fn turn(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        if self.newer.len() >= MOST || now.saturating_duration_since(began) >= MINUTE {
            self.older = mem::take(&mut self.newer);
            self.began = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn origin(number: u32) -> Origin {
        Origin::of(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn attempts_come_back_with_time() {
        let (attempts, start) = (Attempts::new(60), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..60 {
            assert!(!attempts.is_barred(origin(1), at(0)));
            attempts.failed(origin(1), at(0));
        }
        assert!(attempts.is_barred(origin(1), at(0)) && !attempts.is_barred(origin(2), at(0)));
        assert!(!attempts.is_barred(origin(1), at(2)));
        attempts.failed(origin(1), at(2));
        attempts.failed(origin(1), at(2));
        assert!(attempts.is_barred(origin(1), at(2)));
        // Two generations later nothing is known of it, and nothing is left.
        assert!(!attempts.is_barred(origin(1), at(70)) && !attempts.is_barred(origin(1), at(140)));
        assert!(!attempts.is_barred(origin(1), at(210)) && !attempts.any.load(Ordering::Relaxed));
    }

    #[test]
    fn a_bar_outlives_a_generation() {
        let (attempts, start) = (Attempts::new(1), Instant::now());
        attempts.failed(origin(1), start + Duration::from_secs(1));
        let late = start + Duration::from_secs(59);
        attempts.failed(origin(2), late);
        assert!(attempts.is_barred(origin(2), late + Duration::from_secs(30)));
    }

    #[test]
    fn a_flood_from_everywhere_does_not_grow() {
        let (attempts, start) = (Attempts::new(1), Instant::now());
        for number in 0..100_000 {
            attempts.failed(origin(number), start);
        }
        let table = attempts.table.lock().unwrap();
        assert!(table.newer.len() <= MOST && table.older.len() <= MOST);
    }

    #[test]
    fn without_a_limit_nobody_is_barred() {
        let attempts = Attempts::new(0);
        attempts.failed(origin(1), Instant::now());
        assert!(!attempts.is_barred(origin(1), Instant::now()));
    }
}
