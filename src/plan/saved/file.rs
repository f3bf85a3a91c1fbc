//! The file of a saved plan, as types. Groups and devices are written one at a time.

use std::{borrow::Cow, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, value::RawValue};

use crate::{
    fleet::IdentitySpec,
    plan::{Delta, Group, GroupKind, PlannedDevice, Why},
    twin::PropertyPath,
};

/// What one revision will change on which devices, ready to be carried out by `reconcile --plan`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SavedPlan")]
pub(super) struct SavedPlan<'a, G> {
    /// The version of this format.
    pub(super) version: u32,
    /// What this document is.
    pub(super) kind: Cow<'a, str>,
    /// The fleet's name.
    pub(super) fleet: Cow<'a, str>,
    /// The host name of the hub that holds the twins.
    pub(super) hub: Cow<'a, str>,
    /// The commit that the twins will be brought to.
    pub(super) revision: Cow<'a, str>,
    /// The plan's hash: the same for the same changes, whatever their order and whenever they were planned.
    pub(super) hash: Cow<'a, str>,
    /// Whether every device of the hub was looked at.
    pub(super) whole: bool,
    /// How many devices were looked at, and how they stood.
    pub(super) counts: SavedCounts,
    /// Profiles whose `where` selected no device.
    pub(super) idle: Vec<Arc<str>>,
    /// The changes; devices with the same changes are one group.
    pub(super) groups: G,
}

/// How many devices stand how.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedCounts {
    /// Twins looked at.
    pub(super) examined: u64,
    /// Twins that need nothing.
    pub(super) unchanged: u64,
    /// Twins that carried this fleet's marker before.
    pub(super) managed: u64,
    /// Twins that no document applies to and that carry no marker.
    pub(super) unselected: u64,
}

/// The same change on one or many devices.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedGroup<'a, D> {
    /// What the write does.
    pub(super) kind: SavedKind,
    /// What changes, in order of path; empty for an adopt.
    pub(super) changes: Vec<SavedChange<'a>>,
    /// Whether `patch` has `(secret)` where secrets are: these devices are planned afresh when the plan is carried out,
    /// and must come to the same.
    pub(super) redacted: bool,
    /// The body of the PATCH that each device gets.
    #[schemars(with = "Value")]
    pub(super) patch: Arc<RawValue>,
    /// The body of a PATCH that comes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub(super) before: Option<Arc<RawValue>>,
    /// Whether a rollout takes a commit back from these devices.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) goes_back: bool,
    /// The devices, in order of id.
    pub(super) devices: D,
}

/// What a write does.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum SavedKind {
    /// Values are set or removed.
    Change,
    /// Only the marker is written.
    Adopt,
}

/// One value that changes; a secret is shown as `(secret)`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedChange<'a> {
    /// Where in the twin.
    #[schemars(with = "String")]
    pub(super) path: Cow<'a, PropertyPath>,
    /// Why it changes.
    pub(super) why: SavedWhy,
    /// What the hub held; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Cow<'a, Value>>,
    /// What it will hold; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Cow<'a, Value>>,
    /// For `edited`: what the revision last applied declared; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<Cow<'a, Value>>,
    /// Whether the values hold a secret.
    pub(super) secret: bool,
    /// The other fleets that manage the device, when the value replaces one that this fleet never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed_by: Option<Arc<str>>,
}

/// Why a value changes.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum SavedWhy {
    /// Declared, and not in the twin yet.
    Pending,
    /// Declared as before, and the twin holds something that git never said.
    Edited,
    /// No longer declared.
    Prune,
    /// Declared as `null`, and there.
    Forbidden,
}

/// A device, and the twin that its change was planned against.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedDevice<'a> {
    /// Its id.
    pub(super) id: Cow<'a, str>,
    /// The twin's etag; absent for a device that is registered first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<Cow<'a, str>>,
    /// Whether the twin carried this fleet's marker before.
    pub(super) managed: bool,
    /// How it is registered first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) register: Option<Cow<'a, IdentitySpec>>,
}

/// The groups of a plan, as they are written.
pub(super) struct Groups<'a>(pub(super) &'a [Group]);

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_seq(self.0.iter().map(|group| SavedGroup {
            kind: match group.kind {
                GroupKind::Change => SavedKind::Change,
                GroupKind::Adopt => SavedKind::Adopt,
            },
            changes: group.deltas.iter().map(SavedChange::from).collect(),
            redacted: group.redacted.is_some(),
            patch: Arc::clone(group.redacted.as_ref().unwrap_or(&group.patch)),
            before: group.before.clone(),
            goes_back: group.goes_back,
            devices: Devices(&group.devices),
        }))
    }
}

struct Devices<'a>(&'a [PlannedDevice]);

impl Serialize for Devices<'_> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_seq(self.0.iter().map(|planned| SavedDevice {
            id: planned.device.as_str().into(),
            etag: planned.etag.as_deref().map(Cow::Borrowed),
            managed: planned.managed,
            register: planned.register.as_deref().map(Cow::Borrowed),
        }))
    }
}

impl<'a> From<&'a Delta> for SavedChange<'a> {
    fn from(delta: &'a Delta) -> Self {
        let shown = |value: &'a Option<Value>| {
            let hidden = || Cow::Owned(Value::String("(secret)".to_owned()));
            value.as_ref().map(|value| if delta.secret { hidden() } else { Cow::Borrowed(value) })
        };
        let (why, base) = match &delta.why {
            Why::Pending => (SavedWhy::Pending, None),
            Why::Edited { base } => (SavedWhy::Edited, shown(base)),
            Why::Prune => (SavedWhy::Prune, None),
            Why::Forbidden => (SavedWhy::Forbidden, None),
        };
        Self {
            path: Cow::Borrowed(&delta.path),
            why,
            from: shown(&delta.from),
            to: shown(&delta.to),
            base,
            secret: delta.secret,
            claimed_by: delta.claimed.clone(),
        }
    }
}

impl From<SavedChange<'_>> for Delta {
    fn from(change: SavedChange<'_>) -> Self {
        let owned = |value: Option<Cow<'_, Value>>| value.map(Cow::into_owned);
        Self {
            path: change.path.into_owned(),
            from: owned(change.from),
            to: owned(change.to),
            why: match change.why {
                SavedWhy::Pending => Why::Pending,
                SavedWhy::Edited => Why::Edited { base: owned(change.base) },
                SavedWhy::Prune => Why::Prune,
                SavedWhy::Forbidden => Why::Forbidden,
            },
            origin: None,
            at: None,
            secret: change.secret,
            claimed: change.claimed_by,
        }
    }
}
