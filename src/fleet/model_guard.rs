//! `spec.guard`: what stops a run before its first write, and what may pass all the same.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits on what one run may change; a plan beyond them is not carried out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardSpec {
    /// Most devices changed, as a share (`20%`) of those that carry our marker.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub max_changed: Option<String>,
    /// Most devices from which something is pruned, as a share.
    #[schemars(regex(pattern = r"^[0-9]{1,3}%$"))]
    pub max_pruned: Option<String>,
    /// Most devices taken over for the first time in one run.
    pub max_adopted: Option<u64>,
    /// Paths that no run may change without an exemption.
    #[serde(default)]
    pub protect: Vec<String>,
    /// What a guard lets pass, agreed on in a commit.
    #[serde(default)]
    pub exemptions: Vec<ExemptionSpec>,
}

/// A guard that does not hold, for all or for a few: until its day, and with somebody who answers for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// Which guard.
    pub guard: GuardName,
    /// Only changes at or below these paths; absent: whatever changes.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Only these devices; absent: all.
    #[serde(default)]
    pub devices: Vec<String>,
    /// For `selectsNothing`: only these profiles; absent: all.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it may pass.
    pub reason: String,
    /// Last day on which it may, `YYYY-MM-DD`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: String,
}

/// What can stop a run before its first write. The first four hold where `spec.guard` says so, the others always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuardName {
    /// More devices change than `maxChanged` allows.
    MaxChanged,
    /// More devices lose a value than `maxPruned` allows.
    MaxPruned,
    /// More devices are taken over for the first time than `maxAdopted` allows.
    MaxAdopted,
    /// A path of `protect` would change.
    Protect,
    /// The `where` of a profile selects no device.
    SelectsNothing,
    /// The repository declares nothing any more, and devices carry its marker.
    EmptyFleet,
    /// A value would be set that another fleet, whose marker the device carries, has put there.
    OtherFleet,
}

impl GuardName {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 7] = [
        Self::MaxChanged,
        Self::MaxPruned,
        Self::MaxAdopted,
        Self::Protect,
        Self::SelectsNothing,
        Self::EmptyFleet,
        Self::OtherFleet,
    ];

    /// The one word, as it stands in YAML and after `--allow`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MaxChanged => "maxChanged",
            Self::MaxPruned => "maxPruned",
            Self::MaxAdopted => "maxAdopted",
            Self::Protect => "protect",
            Self::SelectsNothing => "selectsNothing",
            Self::EmptyFleet => "emptyFleet",
            Self::OtherFleet => "otherFleet",
        }
    }

    /// What it stops, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::MaxChanged => "more devices change than allowed",
            Self::MaxPruned => "more devices lose a value than allowed",
            Self::MaxAdopted => "more devices are taken over than allowed",
            Self::Protect => "a protected path changes",
            Self::SelectsNothing => "the `where` of a profile selects no device",
            Self::EmptyFleet => "the repository declares nothing any more",
            Self::OtherFleet => "a value of another fleet is replaced",
        }
    }

    /// Whether it looks at single values: an exemption may name paths.
    pub const fn has_paths(self) -> bool {
        matches!(self, Self::MaxChanged | Self::MaxPruned | Self::Protect | Self::OtherFleet)
    }

    /// Whether it counts devices: an exemption may name them.
    pub const fn has_devices(self) -> bool {
        self.has_paths() || matches!(self, Self::MaxAdopted)
    }
}

impl fmt::Display for GuardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
