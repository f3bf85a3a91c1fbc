//! Changes as values: nothing here acts.

use std::sync::Arc;

use serde_json::{Value, value::RawValue};

use super::{
    Move,
    guard::{Margin, Ruling},
    quota::Quota,
    rollout::Course,
};
use crate::{
    fleet::{IdentitySpec, Place},
    twin::{DeviceId, PropertyPath},
};

/// Every change that one revision needs on the devices that were looked at.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The fleet's name.
    pub fleet: String,
    /// The commit, or other git object, that the twins will be brought to.
    pub revision: String,
    /// The changes, folded: largest group first, adopts last.
    pub groups: Vec<Group>,
    /// The changes that rollouts hold back, folded the same way: for the reader, not for this run.
    pub held: Vec<Group>,
    /// How the rollouts stand, and what they let through.
    pub rollouts: Course,
    /// What was looked at.
    pub counts: Counts,
    /// What the reader of the plan should know besides.
    pub notices: Vec<Notice>,
    /// Profiles whose `where` selected none of the devices that were looked at, or declared.
    pub idle: Vec<Arc<str>>,
    /// Profiles that begin or cease to apply to devices that change.
    pub moves: Vec<Move>,
    /// What people approve it by ([`saved::hash`](super::saved::hash)), once that has been asked.
    pub hash: Option<String>,
    /// What it costs of the hub's throttles, once that has been asked; `None` too where they are not known.
    pub quota: Option<Quota>,
    /// What the guards say; empty until they have been asked.
    pub rulings: Vec<Ruling>,
    /// What is left of the limits of guards that the plan passes; empty until they have been asked.
    pub margins: Vec<Margin>,
}

/// How many devices stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Twins looked at.
    pub examined: u64,
    /// Twins that need nothing.
    pub unchanged: u64,
    /// Twins that carried this fleet's marker before.
    pub managed: u64,
    /// Twins that no document of the fleet applies to and that carry no marker: left alone.
    pub unselected: u64,
}

/// The same change on one or many devices.
#[derive(Debug, Clone)]
pub struct Group {
    /// Whether values change, or the marker alone.
    pub kind: GroupKind,
    /// What changes, in order of path; empty for an adopt.
    pub deltas: Arc<[Delta]>,
    /// The body of the PATCH: changes and marker. The same for every device of the group.
    pub patch: Arc<RawValue>,
    /// The body of a PATCH that comes before it: where something is taken out of a component that devices read whole,
    /// the word `refreshing` stands in its place meanwhile.
    pub before: Option<Arc<RawValue>>,
    /// The patch with `(secret)` where secrets are; `None` where it holds none.
    pub redacted: Option<Arc<RawValue>>,
    /// A rollout takes a commit back from these devices: they get what the one before wants.
    pub goes_back: bool,
    /// The devices, in order of id.
    pub devices: Vec<PlannedDevice>,
}

/// What a group's write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// Values are set or removed.
    Change,
    /// Only the marker is written: the set of paths that we own has changed. Counted apart.
    Adopt,
}

/// A device of a group, and the twin that the change was planned against.
#[derive(Debug, Clone)]
pub struct PlannedDevice {
    /// The device.
    pub device: DeviceId,
    /// The twin's etag; `None` for a device that is not registered yet.
    pub etag: Option<Box<str>>,
    /// The twin carried this fleet's marker before.
    pub managed: bool,
    /// How to register the device first, when the hub does not know it.
    pub register: Option<Box<IdentitySpec>>,
}

/// One value that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Where in the twin.
    pub path: PropertyPath,
    /// What the hub holds now; `None`: nothing.
    pub from: Option<Value>,
    /// What it will hold; `None`: nothing.
    pub to: Option<Value>,
    /// Which row of the three-way table this is.
    pub why: Why,
    /// The line of YAML that wants it, or that wanted it at the base revision for a prune.
    pub origin: Option<Place>,
    /// The revision in which that line stands; `None` for the one that is planned.
    pub at: Option<Arc<str>>,
    /// The value holds a secret and must not be shown.
    pub secret: bool,
    /// The other fleets whose marker the device carries, where the value replaces one that we never declared.
    pub claimed: Option<Arc<str>>,
}

/// The rows of the three-way table (wanted, base, live) that end in a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// Declared, and not in the twin yet.
    Pending,
    /// Declared as before, and the twin holds something that git never said.
    Edited {
        /// What the revision last applied declared.
        base: Option<Value>,
    },
    /// No longer declared, and ours by the revision last applied.
    Prune,
    /// Declared as `null`, and there.
    Forbidden,
}

/// Something to know that is no change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id, in kebab case: `base-unavailable`, `not-registered`.
    pub id: &'static str,
    /// One sentence, with the remedy.
    pub message: String,
    /// How many devices it touches.
    pub devices: u64,
    /// A few of them.
    pub samples: Vec<DeviceId>,
}

impl Group {
    /// Whether the secrets are missing from the patch, as in a plan that was saved.
    pub fn is_redacted(&self) -> bool {
        self.redacted.as_ref().is_some_and(|redacted| redacted.get() == self.patch.get())
    }
}

impl Plan {
    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether values would change, now or once rollouts let them: an adopt does not count.
    pub fn has_changes(&self) -> bool {
        self.groups.iter().chain(&self.held).any(|group| group.kind == GroupKind::Change)
    }

    /// Devices that a rollout holds back.
    pub fn held(&self) -> u64 {
        self.held.iter().map(|group| group.devices.len() as u64).sum()
    }

    /// Adds what devices get that go back to the commit before, and whoever cannot.
    pub fn take_back(&mut self, (groups, notice): (Vec<Group>, Option<Notice>)) {
        let devices: u64 = groups.iter().map(|group| group.devices.len() as u64).sum();
        self.counts.unchanged = self.counts.unchanged.saturating_sub(devices);
        self.groups.extend(groups);
        self.notices.extend(notice);
    }

    /// Whether a guard stops it.
    pub fn is_refused(&self) -> bool {
        self.rulings.iter().any(|ruling| ruling.leave.is_none())
    }

    /// Devices with a write of this kind.
    pub fn devices(&self, kind: GroupKind) -> u64 {
        self.groups.iter().filter(|g| g.kind == kind).map(|g| g.devices.len() as u64).sum()
    }
}
