//! What commands are handed. Every one takes `id`, by which a repeated call is known, and `dryRun`; `null` is `{}`.

use serde::{Deserialize, Serialize};

use crate::component::diagnostics::LinuxSources;

/// A command that needs no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Plain {
    /// Names this call, so that it does nothing when it comes twice: the answer of the first is given again.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would happen.
    pub dry_run: bool,
}

/// A command that destroys: first without `token`, then with the one of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destroying {
    /// Names this call, in both of its steps.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    pub id: String,
    /// What the first step answered. It is good for two minutes, for this command and this `id`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[0-9a-f]{32}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which app is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfApp {
    /// Names this call, so that it does nothing when it comes twice.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// The app, by its id in `apps`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$")))]
    pub app: String,
}

/// What is collected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Collect {
    /// Names this call, so that it does nothing when it comes twice.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would happen.
    pub dry_run: bool,
    /// What the archive is called, without its ending; the time of now when not given.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which entries of the journal; none when this is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<LinuxSources>,
    /// Entries of the journal from the last so many minutes; a day of them when not given.
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 525_600)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
    /// Files, as absolute paths whose names may hold `*` and `?`, below the folders that the device allows.
    #[cfg_attr(feature = "cli", schemars(length(max = 32)))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The most that is collected, in MiB before it is packed, 1 to 512; 16 when not given.
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 512)))]
    #[serde(rename = "maxSizeMiB", skip_serializing_if = "Option::is_none")]
    pub max_size_mib: Option<u32>,
    /// Where the archive is written to: an address that may be written to as it is, such as one with a signature.
    #[cfg_attr(
        feature = "cli",
        schemars(regex(pattern = r"^https://[^\s@]+$"), length(max = 4096), extend("x-twinops-sensitive" = true))
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Which archive is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfFile {
    /// Names this call, so that it does nothing when it comes twice.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// The archive, as `diagnostics.list` names it.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$")))]
    pub name: String,
}

/// Which archive goes where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upload {
    /// Names this call, so that it does nothing when it comes twice.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// The archive, as `diagnostics.list` names it.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$")))]
    pub name: String,
    /// Where it is written to: an address that may be written to as it is, such as one with a signature.
    #[cfg_attr(
        feature = "cli",
        schemars(regex(pattern = r"^https://[^\s@]+$"), length(max = 4096), extend("x-twinops-sensitive" = true))
    )]
    pub url: String,
}
