//! The component `packages`: packages of the operating system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::artifact::Presence;

/// Packages of a device's system, by ids of your choice. What is not listed stays as it is.
pub type Packages = BTreeMap<String, Package>;

/// One package, from the sources that the system has. Linux only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Package {
    /// What the package is called.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?$"), length(max = 128)))]
    pub name: String,
    /// Its version, exactly; any when not given.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[0-9][A-Za-z0-9.+:~-]*$"), length(max = 128)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is installed; `present` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
}
