//! What commands answer, beside the status: 200 it is done, 202 it is on its way, 400 the payload cannot be meant, 403
//! this device does not allow it, 404 nobody here knows it, 409 something else is in progress, 500 it failed, 501 this
//! device cannot do it. With 400 and above the answer is a [`Fault`].

use serde::{Deserialize, Serialize};

/// The answer of a command that tells no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// How far it is.
    pub state: State,
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It is done.
    Done,
    /// It will begin by itself, or has begun.
    Scheduled,
}

/// The first of the two steps of a command that destroys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Confirm {
    /// To be handed over in the second step.
    pub token: String,
    /// How long it is good for.
    pub expires_in_seconds: u64,
    /// What the second step does.
    pub does: String,
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// Always true.
    pub dry_run: bool,
    /// In words.
    pub does: String,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// In words.
    pub error: String,
}

/// What a look at the device said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// The components that are not as they are declared.
    pub failed: Vec<String>,
}

/// What updates there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Scanned {
    /// How many packages could be brought to a newer version.
    pub available: usize,
    /// The first of them by name, 50 at most.
    pub packages: Vec<String>,
}

/// What was collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// The archive, a `.tar.gz`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// What is not in it, 20 at most.
    pub left_out: Vec<LeftOut>,
    /// Whether it was written to the address that was given.
    pub uploaded: bool,
}

/// What is not in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The file, or `journal`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The archives on the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// The newest last.
    pub files: Vec<File>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub at: String,
}

/// What was written to an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}
