//! Adopting: values that somebody changed in the hub become what git declares.
//!
//! * [`Planner::edits`](super::Planner::edits) finds them in one twin; `edit` says which of them can be meant at all.
//! * [`Sharing`] counts, over all twins, how many devices take a value from the same line of a profile.
//! * [`propose`] decides where each value goes, and edits the files in memory. Nothing here writes.

mod choose;
mod edit;
mod new_file;
mod sharing;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

pub use choose::propose;
pub use edit::{Edit, EditedTwin};
pub use new_file::of as new_document;
pub use sharing::Sharing;

use crate::{
    fleet::{Finding, Place, edit::Unwritable},
    twin::{DeviceId, PropertyPath},
};

/// Rules that see a secret in a text. What they see is not written, whatever their weight.
const SECRETS: [&str; 2] = ["clear-text-secret", "possible-secret"];

/// The findings of edited documents that see a secret which was not there `before`.
pub fn secrets(before: &[Finding], after: &[Finding]) -> Vec<Finding> {
    let known: BTreeSet<&str> = before.iter().map(|finding| finding.message.as_str()).collect();
    let is_new = |finding: &&Finding| SECRETS.contains(&finding.rule) && !known.contains(finding.message.as_str());
    after.iter().filter(is_new).cloned().collect()
}

/// What is written into which files, and what is left as it is.
#[derive(Debug, Clone, Default)]
pub struct Adoption {
    /// In order of file, then of path.
    pub adopted: Vec<Adopted>,
    /// What stays drift, in order of path and device.
    pub left: Vec<LeftBehind>,
    /// The files that change or are new, whole, by path relative to the fleet's root.
    pub files: BTreeMap<Arc<str>, String>,
}

/// One value of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Which document says it from now on.
    pub home: Home,
    /// Where in the twin.
    pub path: PropertyPath,
    /// What git declared; `None`: that it be absent.
    pub from: Option<Value>,
    /// What the twins hold; `None`: nothing.
    pub to: Option<Value>,
    /// Where it stands, or will: the line as it was before.
    pub place: Place,
    /// The twins that it was read from, in order of device.
    pub twins: Vec<Seen>,
    /// Devices that take the value from a profile in all, where a document of its own was the smaller change.
    pub shared_by: Option<u64>,
}

/// A document that takes a value over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    /// The profile of this name: every device that takes the value from it holds the same one.
    Profile(Arc<str>),
    /// The device's own document.
    Device(DeviceId),
    /// A document that the device gets.
    NewDevice(DeviceId),
}

/// The twin that a value was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The device.
    pub device: DeviceId,
    /// `$version` of its desired properties.
    pub version: u64,
    /// When the value was changed, ISO 8601 UTC, as far as the twin's metadata tells.
    pub since: Option<String>,
}

/// A value that stays drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// The device.
    pub device: DeviceId,
    /// Where in the twin.
    pub path: PropertyPath,
    /// Why.
    pub why: Left,
}

/// Why a value is not adopted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Left {
    /// Nobody may see it.
    #[error("it holds a secret, which is never written into a file; put it where the fleet keeps its secrets")]
    Secret,
    /// A configuration writes it.
    #[error("the IoT Hub configuration `{0}` writes it; remove that, or let an `ignore` entry name the path")]
    Configuration(String),
    /// Git and the hub both moved on.
    #[error(
        "git has changed it too since it was last applied; `reconcile` brings git's value, a commit of yours the other"
    )]
    Changed,
    /// Nobody declared it by hand.
    #[error("twinops itself writes it; `reconcile` puts it back")]
    Ours,
    /// The documents declare a mapping, the twin holds a single value.
    #[error("the documents declare a mapping there, and the twin holds something else")]
    Mapping,
    /// No line of a document wants it.
    #[error("no document of this revision says where it comes from")]
    NoLine,
    /// Its line cannot be changed.
    #[error("its line cannot be changed: {0}")]
    Line(String),
}

impl From<Unwritable> for Left {
    fn from(why: Unwritable) -> Self {
        Self::Line(why.to_string())
    }
}

impl Adoption {
    /// A value that was adopted and is a change all the same, where the twins are held against the edited documents.
    pub fn unsettled(&self, remaining: &[EditedTwin]) -> Option<(DeviceId, PropertyPath)> {
        let left: BTreeSet<(&DeviceId, &PropertyPath)> =
            remaining.iter().flat_map(|twin| twin.edits.iter().map(move |edit| (&twin.device, &edit.path))).collect();
        let mut all = self.adopted.iter().flat_map(|adopted| adopted.twins.iter().map(move |seen| (adopted, seen)));
        let found = all.find(|(adopted, seen)| left.contains(&(&seen.device, &adopted.path)))?;
        Some((found.1.device.clone(), found.0.path.clone()))
    }

    /// Devices whose values are adopted.
    pub fn devices(&self) -> usize {
        let all: BTreeSet<_> =
            self.adopted.iter().flat_map(|adopted| &adopted.twins).map(|seen| &seen.device).collect();
        all.len()
    }
}
