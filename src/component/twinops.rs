//! The component `twinops`: what the agent is told of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The agent itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Twinops {
    /// The commit that the desired properties come from. `reconcile` writes it; its answer tells whether all of it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// How the agent goes about components, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, Policy>,
}

/// How the agent goes about one component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// What happens with a value that changed on the device; `heal` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<OnDrift>,
    /// What happens with a value that is no longer declared; `restore` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged: Option<OnUnmanaged>,
    /// Seconds within which the hub has to be reached after a change that may cut the device off; 300 when not given.
    /// Otherwise the device goes back to what it had.
    #[cfg_attr(feature = "cli", schemars(range(min = 30, max = 3600)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_seconds: Option<u32>,
}

/// What happens with a value that changed on the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnDrift {
    /// It is reported and set again.
    #[default]
    Heal,
    /// It is reported and left alone.
    Report,
}

/// What happens with a value that is no longer declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OnUnmanaged {
    /// It becomes what it was before the agent touched it.
    #[default]
    Restore,
    /// It stays as it is.
    Leave,
}

impl Policy {
    /// Seconds that the hub may take when nothing else is said.
    pub const CONFIRM_SECONDS: u32 = 300;

    /// Whether drift is undone.
    pub fn heals(&self) -> bool {
        self.drift.unwrap_or_default() == OnDrift::Heal
    }

    /// Whether what is no longer declared stays.
    pub fn leaves(&self) -> bool {
        self.unmanaged.unwrap_or_default() == OnUnmanaged::Leave
    }
}
