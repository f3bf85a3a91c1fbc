//! How wanted, live and reported stand to each other: one word each, everywhere.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{ByTag, Notice, rollout::RolloutState};
use crate::{
    fleet::{IgnoreSpec, Place},
    twin::{DeviceId, PropertyPath},
};

/// How one property stands. In order of how much it asks for attention, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The device is as git says.
    Compliant,
    /// Not yet in the twin, or not yet answered by the device.
    Pending,
    /// The device says that it is at work.
    InProgress,
    /// Nothing can be said: the device does not report on it.
    Unknown,
    /// Waiting for a device that is not connected.
    Unreachable,
    /// The device answered that this value cannot be applied (4xx).
    Rejected,
    /// The device tried and failed (5xx).
    Failed,
    /// The device applied it, and is something else now.
    Drifted,
    /// Somebody changed the twin outside git.
    Edited,
    /// Another writer sets the same path again and again.
    Contested,
}

impl Verdict {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Compliant,
        Self::Pending,
        Self::InProgress,
        Self::Unknown,
        Self::Unreachable,
        Self::Rejected,
        Self::Failed,
        Self::Drifted,
        Self::Edited,
        Self::Contested,
    ];

    /// The one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Pending => "pending",
            Self::InProgress => "in-progress",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Drifted => "drifted",
            Self::Edited => "edited",
            Self::Contested => "contested",
        }
    }

    /// Whether the twin or the device has left what git said, rather than being on the way to it.
    pub const fn is_drift(self) -> bool {
        matches!(self, Self::Rejected | Self::Failed | Self::Drifted | Self::Edited | Self::Contested)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// One property of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyVerdict {
    /// Where in the twin: of the tags or of the desired properties.
    pub path: PropertyPath,
    /// How it stands.
    pub verdict: Verdict,
    /// What git declares; `None`: that it be absent.
    pub wanted: Option<Value>,
    /// What the twin holds as desired, or as tag.
    pub live: Option<Value>,
    /// What the device reports, in the words of its convention's value; `None` when it reports nothing.
    pub reported: Option<Value>,
    /// Since when the deciding side stands like this, ISO 8601 UTC, as far as the twin's metadata tells.
    pub since: Option<String>,
    /// What the device said about it.
    pub message: Option<String>,
    /// The IoT Hub configuration that wrote it, if one did.
    pub by: Option<String>,
    /// The line of YAML that wants it.
    pub origin: Option<Place>,
    /// The values hold a secret and must not be shown.
    pub secret: bool,
}

/// One device: the worst of its properties, and those that are not compliant.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceVerdict {
    /// The device.
    pub device: DeviceId,
    /// The worst verdict of its properties; compliant without any.
    pub verdict: Verdict,
    /// Whether the hub believes it to be connected.
    pub connected: bool,
    /// When the hub last heard of it, ISO 8601 UTC.
    pub last_activity: Option<String>,
    /// The commit that last changed its twin, by the marker.
    pub revision: Option<String>,
    /// How many properties are compliant.
    pub compliant: u32,
    /// The others, in order of path.
    pub properties: Vec<PropertyVerdict>,
    /// Paths of `ignore` entries below which the twin differs from git.
    pub ignored: BTreeSet<PropertyPath>,
    /// A rollout governs it and its twin is not as git says: it waits its turn, or is about to be changed.
    pub awaits_rollout: bool,
}

/// How a fleet stands.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The fleet's name.
    pub fleet: String,
    /// The revision that it was held against.
    pub revision: String,
    /// Devices by their verdict.
    pub devices: BTreeMap<Verdict, u64>,
    /// Properties by their verdict.
    pub properties: BTreeMap<Verdict, u64>,
    /// The devices that are not compliant, worst first, then by id.
    pub outstanding: Vec<DeviceVerdict>,
    /// Paths that were left out by `ignore`, with the number of devices where they differ.
    pub ignored: BTreeMap<String, u64>,
    /// The entries of `ignore` that these are, by their paths.
    pub ignores: BTreeMap<String, IgnoreSpec>,
    /// Devices by component, and there by the worst verdict of its properties.
    pub components: BTreeMap<String, BTreeMap<Verdict, u64>>,
    /// Devices by the value of a tag, if that was asked for.
    pub by_tag: Option<ByTag>,
    /// How the rollouts stand; empty when not all twins were looked at.
    pub rollouts: Vec<RolloutState>,
    /// What else the reader should know.
    pub notices: Vec<Notice>,
}

impl Standing {
    /// Whether any device has left what git said.
    pub fn has_drift(&self) -> bool {
        self.devices.keys().any(|verdict| verdict.is_drift())
    }
}
