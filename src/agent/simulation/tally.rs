//! What happens to all devices, in numbers.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;

/// Kinds of trouble that are told apart.
const MOST_TROUBLES: usize = 32;

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not connected, and about to be.
    Out,
    /// Not connected, as its profile has it.
    Away,
    /// Connected, and still at work.
    Working,
    /// Connected; the hub has its answer to all that was asked of it.
    Settled,
    /// The same, and something of that failed or was rejected.
    Failed,
}

/// Counts. One for all devices of a process; what it counts may be read at any time.
#[derive(Debug, Default)]
pub struct Tally {
    standing: [AtomicU64; 5],
    pub(super) connects: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) desired: AtomicU64,
    pub(super) reports: AtomicU64,
    pub(super) methods: AtomicU64,
    troubles: Mutex<BTreeMap<String, u64>>,
}

/// How things stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All devices.
    pub devices: u64,
    /// Those with a link to the hub.
    pub connected: u64,
    /// Connected, and the hub has their answer to all that was asked of them.
    pub settled: u64,
    /// The same, but something of that failed or was rejected. Not among the settled ones.
    pub failed: u64,
    /// Not connected, as their profile has it.
    pub away: u64,
    /// Links made so far.
    pub connects: u64,
    /// Attempts and links that broke so far.
    pub lost: u64,
    /// Desired sections and patches received so far.
    pub desired: u64,
    /// Reports that the hub took so far.
    pub reports: u64,
    /// Direct methods answered so far.
    pub methods: u64,
}

impl Tally {
    pub(super) fn enter(&self, standing: Standing) {
        self.standing[standing as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn turn(&self, from: Standing, to: Standing) {
        self.standing[from as usize].fetch_sub(1, Relaxed);
        self.enter(to);
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// Notes what went wrong, in words that are the same for every device it happens to.
    pub(super) fn trouble(&self, why: &str) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = troubles.get_mut(why) {
            *count += 1;
        } else if troubles.len() < MOST_TROUBLES {
            troubles.insert(why.to_owned(), 1);
        }
    }

    /// How things stand now.
    pub fn counts(&self) -> Counts {
        let [out, away, working, settled, failed] = [0, 1, 2, 3, 4].map(|at: usize| self.standing[at].load(Relaxed));
        Counts {
            devices: out + away + working + settled + failed,
            connected: working + settled + failed,
            settled,
            failed,
            away,
            connects: self.connects.load(Relaxed),
            lost: self.lost.load(Relaxed),
            desired: self.desired.load(Relaxed),
            reports: self.reports.load(Relaxed),
            methods: self.methods.load(Relaxed),
        }
    }

    /// What went wrong so far, and how often.
    pub fn troubles(&self) -> BTreeMap<String, u64> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
