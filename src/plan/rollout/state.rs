//! How a rollout stands, for the reader.

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::twin::DeviceId;

/// How one rollout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutState {
    /// Its name.
    pub name: Arc<str>,
    /// What it does.
    pub phase: Phase,
    /// What it waits for; `None` when nothing holds it.
    pub hold: Option<Hold>,
    /// Its waves, in order.
    pub waves: Vec<WaveState>,
}

/// What a rollout does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Every device has the commit, and the last gate is passed or no longer watched.
    Done,
    /// Waves are being opened, one after the other.
    Rolling,
    /// A gate was not passed: nothing is changed until somebody decides.
    Paused,
    /// A gate was not passed: devices go back, or have gone back, and the commit is not tried again.
    Rejected,
}

/// What a rollout waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The wave whose gate, or whose approval, is waited for.
    pub wave: Arc<str>,
    /// What is missing.
    pub reason: Reason,
    /// Since when, as far as the twins tell.
    pub since: Option<Timestamp>,
    /// Until when at most, where that is known.
    pub until: Option<Timestamp>,
}

/// What a gate waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Too few devices are compliant.
    Compliance {
        /// How many are.
        compliant: u64,
        /// How many have to be.
        needed: u64,
        /// How many count.
        devices: u64,
    },
    /// None of the devices can be reached.
    Nobody,
    /// It has to stay so for a while.
    Soak,
    /// Too many devices have failed.
    Failed {
        /// How many have.
        failed: u64,
        /// How many count.
        devices: u64,
        /// The most, in percent.
        most: u8,
    },
    /// The gate was not passed in time.
    Timeout,
    /// Somebody has to approve the wave.
    Approval,
    /// The commit was rejected before.
    Rejected {
        /// On how many devices.
        devices: u64,
    },
    /// Devices wait for their maintenance window.
    Window {
        /// How many.
        devices: u64,
    },
}

/// How one wave stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveState {
    /// Its name.
    pub name: Arc<str>,
    /// Whether its devices may be changed.
    pub open: bool,
    /// Its devices.
    pub counts: Counts,
    /// How long devices took from the last write to compliance; `None` while none has got there.
    pub took: Option<Spread>,
    /// Devices that are not compliant with the commit, in order of id: the first few.
    pub outstanding: Vec<DeviceId>,
}

/// The devices of a wave. Each is in exactly one of `held`, `outside_window`, `due`, `compliant`, `failed` and
/// `in_progress`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub devices: u64,
    /// Those whose twins are to be changed: `held`, `outside_window` and `due` together.
    pub outdated: u64,
    /// To be changed, and the wave is not open.
    pub held: u64,
    /// To be changed, and only their maintenance window is shut.
    pub outside_window: u64,
    /// To be changed now.
    pub due: u64,
    /// As git says, in the hub and on the device.
    pub compliant: u64,
    /// They said that they cannot, or that they tried and failed.
    pub failed: u64,
    /// Asked, and at work or silent.
    pub in_progress: u64,
    /// Not heard of lately; counted besides.
    pub unreachable: u64,
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// Half of the devices took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
}

impl RolloutState {
    /// Devices that wait: for a gate, an approval or their window.
    pub fn waiting(&self) -> u64 {
        self.waves.iter().map(|wave| wave.counts.held + wave.counts.outside_window).sum()
    }
}

impl Phase {
    /// The one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Rolling => "rolling",
            Self::Paused => "paused",
            Self::Rejected => "rejected",
        }
    }
}

impl Reason {
    /// The one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compliance { .. } => "compliance",
            Self::Nobody => "nobody",
            Self::Soak => "soak",
            Self::Failed { .. } => "failed",
            Self::Timeout => "timeout",
            Self::Approval => "approval",
            Self::Rejected { .. } => "rejected",
            Self::Window { .. } => "window",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compliance { compliant, needed, devices } => {
                write!(f, "{compliant} of {devices} devices are compliant, and {needed} have to be")
            }
            Self::Nobody => f.write_str("none of its devices can be reached"),
            Self::Soak => f.write_str("it has to stay so for a while"),
            Self::Failed { failed, devices, most } => {
                write!(f, "{failed} of {devices} devices failed, and at most {most}% may")
            }
            Self::Timeout => f.write_str("it was not passed in time"),
            Self::Approval => f.write_str("somebody has to approve it"),
            Self::Rejected { devices } => {
                write!(f, "this was rejected on {devices} devices; a commit that wants something else is tried again")
            }
            Self::Window { devices } => write!(f, "{devices} devices wait for their maintenance window"),
        }
    }
}

impl Counts {
    /// Devices by the one state that each is in, in the words of `status`.
    pub const fn states(&self) -> [(&'static str, u64); 6] {
        [
            ("held", self.held),
            ("outside-window", self.outside_window),
            ("due", self.due),
            ("in-progress", self.in_progress),
            ("compliant", self.compliant),
            ("failed", self.failed),
        ]
    }

    /// As git says in the hub, whatever the device does.
    pub const fn updated(&self) -> u64 {
        self.compliant + self.failed + self.in_progress
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.devices += other.devices;
        self.outdated += other.outdated;
        self.held += other.held;
        self.outside_window += other.outside_window;
        self.due += other.due;
        self.compliant += other.compliant;
        self.failed += other.failed;
        self.in_progress += other.in_progress;
        self.unreachable += other.unreachable;
    }
}
