//! What happens while a plan is carried out, and what has come of it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::twin::DeviceId;

/// Something that happened during a run, for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The run begins.
    Started {
        /// Devices with a write.
        total: u64,
    },
    /// The twin has been written.
    Applied {
        /// Whose.
        device: DeviceId,
        /// Only the marker was written.
        adopt: bool,
    },
    /// The twin had moved on, and turned out to need nothing any more.
    Unchanged {
        /// Whose.
        device: DeviceId,
    },
    /// The device did not exist and has been registered.
    Registered {
        /// Which.
        device: DeviceId,
    },
    /// The twin had moved on; the device is planned afresh.
    Replanned {
        /// Which.
        device: DeviceId,
    },
    /// The hub did not answer as it should; the same request is sent again.
    Retrying {
        /// For which device.
        device: DeviceId,
        /// In how long.
        wait: Duration,
        /// What went wrong.
        reason: Arc<str>,
    },
    /// The hub throttles; the whole run waits.
    Throttled {
        /// How long.
        wait: Duration,
        /// How many requests may be in flight afterwards.
        concurrency: usize,
    },
    /// The device was given up.
    Failed {
        /// Which.
        device: DeviceId,
        /// Why.
        reason: Arc<str>,
    },
    /// The run is over.
    Finished,
}

/// Takes events; called from the task that runs the plan, so it must not block.
pub trait Events: Send + Sync {
    /// Something happened.
    fn on(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> Events for F {
    fn on(&self, event: Event) {
        self(event);
    }
}

/// A device that could not be brought to its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub device: DeviceId,
    /// Why; equal texts share one allocation.
    pub reason: Arc<str>,
}

/// Why a run ended before its plan did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It was asked to (Ctrl-C).
    Interrupted,
    /// The hub refuses the credentials, throttles without end or is gone: no device would fare better.
    Hub(Arc<str>),
}

/// What has come of a plan. Every device of the plan is counted in exactly one of `applied`, `adopted`, `unchanged`,
/// `stale`, `failed` and `not_attempted`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Twins written.
    pub applied: u64,
    /// Twins where only the marker was written.
    pub adopted: u64,
    /// Twins that had moved on and needed nothing any more.
    pub unchanged: u64,
    /// Devices that moved on again and again, or once when re-planning was not wanted: refused, never forced.
    pub stale: Vec<DeviceId>,
    /// Devices given up, with the reason.
    pub failed: Vec<Failure>,
    /// Devices that were not reached before the run was stopped.
    pub not_attempted: u64,
    /// Devices registered on the way; counted besides.
    pub registered: u64,
    /// Set when the run was stopped.
    pub stopped: Option<Stopped>,
}

impl Outcome {
    /// Whether every device of the plan was brought to it.
    pub fn is_complete(&self) -> bool {
        self.stale.is_empty() && self.failed.is_empty() && self.not_attempted == 0 && self.stopped.is_none()
    }

    /// Twins written, whatever the write did.
    pub const fn written(&self) -> u64 {
        self.applied + self.adopted
    }
}

/// Texts of which equal ones share one allocation: a hub that is down has one reason for a million devices.
#[derive(Debug, Default)]
pub(super) struct Reasons(HashSet<Arc<str>>);

impl Reasons {
    pub(super) fn share(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.0.get(text.as_str()) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}
