//! `uwpApps`: which apps are installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::component::windows::StartUp;

/// Which apps of the Universal Windows Platform are installed. Apps that are not listed stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UwpApps {
    /// Connection string of the storage account that the packages lie in: write `${secret.NAME}`. Needed to install.
    #[cfg_attr(feature = "cli", schemars(length(min = 1), extend("x-twinops-sensitive" = true)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<String>,
    /// The apps, by ids of your choice: usually the package family name with `_` for every dot.
    pub apps: BTreeMap<String, UwpApp>,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UwpApp {
    /// Its package family name: a name, `_`, and 13 letters and digits.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9.\-]+_[a-z0-9]{13}$")))]
    pub pkg_family_name: String,
    /// `1.2.3.4`: installed at exactly that version. `not installed`: removed. Going back to an older version removes
    /// the app and its data first.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$|^not installed$")))]
    pub version: String,
    /// How it starts. Windows IoT Core only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_up: Option<StartUp>,
    /// The package as `container\file.appx`; no bundle.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/]+[\\/][^\\/]+\.appx$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appx_source: Option<String>,
    /// Frameworks that it needs, as the package, joined by `;`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/;]+[\\/][^\\/;]+(;[^\\/;]+[\\/][^\\/;]+)*$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deps_sources: Option<String>,
    /// Whether it is started when it has been installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_after_install: Option<bool>,
}
