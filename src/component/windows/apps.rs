//! `windows.apps`: which apps are installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which apps are installed, by ids of your choice: usually the package family name with `_` for every dot. `null`
/// stops reporting one and leaves it installed. A failure is told in the app's own report; the component says
/// `completed` all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = ids))]
pub struct Apps {
    /// Which of the apps that are not listed here are reported too.
    #[serde(rename = "?", default, skip_serializing_if = "Option::is_none")]
    pub others: Option<OtherApps>,
    /// The apps.
    #[serde(flatten)]
    pub apps: BTreeMap<String, App>,
}

/// Which of the apps that are not listed are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OtherApps {
    /// Those from the Store.
    pub store: bool,
    /// All others.
    pub non_store: bool,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = sources))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct App {
    /// Its package family name: a name, `_`, and 13 letters and digits.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[A-Za-z0-9.\-]+_[a-z0-9]{13}$")))]
    pub pkg_family_name: String,
    /// `1.2.3.4`: installed at exactly that version. `not installed`: removed. `?`: only reported. Going back to an
    /// older version removes the app and its data first.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = VERSION)))]
    pub version: String,
    /// How it starts. Windows IoT Core only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_up: Option<StartUp>,
    /// The package as `container\file.appx`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/]+[\\/][^\\/]+\.appx$"), extend("x-twinops-reason" = BUNDLE)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appx_source: Option<String>,
    /// Frameworks that it needs, as the package, joined by `;`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/;]+[\\/][^\\/;]+(;[^\\/;]+[\\/][^\\/;]+)*$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deps_sources: Option<String>,
    /// The certificate that the package is signed with, as `container\file.cer`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/]+[\\/][^\\/]+$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_source: Option<String>,
    /// The store that the certificate goes to, normally
    /// `./Device/Vendor/MSFT/RootCATrustedCertificates/TrustedPeople`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^\./")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_store: Option<String>,
}

/// How an app starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StartUp {
    /// Not by itself.
    None,
    /// As the one app on the screen.
    Foreground,
    /// Behind it.
    Background,
}

#[cfg(feature = "cli")]
const VERSION: &str = r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$|^not installed$|^\?$";

#[cfg(feature = "cli")]
const BUNDLE: &str = "the client installs `container\\file.appx` only; it fails on bundles and full addresses";

#[cfg(feature = "cli")]
fn ids(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"pattern": r"^[^.$\s]{1,128}$"}));
}

#[cfg(feature = "cli")]
fn sources(schema: &mut schemars::Schema) {
    schema.insert(
        "dependentRequired".to_owned(),
        serde_json::json!({"appxSource": ["certSource", "certStore"], "certSource": ["certStore"]}),
    );
    let reason = "the client installs the certificate before the package, and fails without one";
    schema.insert("x-twinops-reason".to_owned(), reason.into());
}
