//! Files that devices fetch, and secrets that they look up.

use serde::{Deserialize, Serialize};

/// A file to fetch. It is used only when its digest is the one given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artifact {
    /// Where it is, by `https`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^https://[^\s@]+$"), length(max = 2048)))]
    pub url: String,
    /// SHA-256 of the file: 64 hexadecimal digits.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = SHA256)))]
    pub sha256: String,
    /// Its size in bytes; a longer one is not fetched.
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 4_503_599_627_370_496_u64)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A secret that lies on the device, such as in a file of the agent's folder or in its TPM. It never stands in the twin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Its name on the device.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._-]{1,128}$")))]
    pub name: String,
}

/// Whether something is to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// It is there.
    #[default]
    Present,
    /// It is not there.
    Absent,
}

/// SHA-256 in hexadecimal.
#[cfg(feature = "cli")]
pub(super) const SHA256: &str = "^[0-9A-Fa-f]{64}$";

/// The ids of named things: a key of the twin that needs no quoting anywhere.
#[cfg(feature = "cli")]
pub(super) const ID: &str = "^[A-Za-z0-9_-]{1,64}$";
