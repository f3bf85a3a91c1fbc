//! `windows.certificates`: what stands in the certificate stores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Certificates by their SHA-1 thumbprints: 40 hexadecimal digits. Installing goes by the file, removing by the
/// thumbprint.
pub type Store = BTreeMap<String, Certificate>;

/// What stands in the certificate stores. What is not listed stays as it is. Every file that is to be installed is
/// fetched at each change, also when it is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(extend("x-twinops-reason" = ALL)))]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// Trusted roots.
    #[serde(rename = "rootCATrustedCertificates_Root")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub trusted_root: Store,
    /// Intermediate authorities.
    #[serde(rename = "rootCATrustedCertificates_CA")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub trusted_intermediate: Store,
    /// Publishers whose programs are trusted.
    #[serde(rename = "rootCATrustedCertificates_TrustedPublisher")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub trusted_publisher: Store,
    /// People, and signers of apps, that are trusted.
    #[serde(rename = "rootCATrustedCertificates_TrustedPeople")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub trusted_people: Store,
    /// Intermediate authorities, in the store of the machine.
    #[serde(rename = "certificateStore_CA_System")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub system_intermediate: Store,
    /// Roots, in the store of the machine.
    #[serde(rename = "certificateStore_Root_System")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub system_root: Store,
    /// Certificates of the user.
    #[serde(rename = "certificateStore_My_User")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub user_own: Store,
    /// Certificates of the machine.
    #[serde(rename = "certificateStore_My_System")]
    #[cfg_attr(feature = "cli", schemars(transform = thumbprints))]
    pub system_own: Store,
}

/// One certificate of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = needs_file))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// Whether it is to be there. The client passes over any other word without a sound.
    pub state: CertificateState,
    /// The DER file as `container\file.cer` in the external storage. May be left out to uninstall.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^\\/]+\\[^\\/]+$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// Whether a certificate is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CertificateState {
    /// In the store.
    Installed,
    /// Not in the store.
    Uninstalled,
}

#[cfg(feature = "cli")]
const ALL: &str = "the client fails the whole component when one of the eight stores is missing; write `{}` for those \
                   that you leave alone";

#[cfg(feature = "cli")]
fn thumbprints(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"pattern": "^[0-9A-Fa-f]{40}$"}));
}

#[cfg(feature = "cli")]
fn needs_file(schema: &mut schemars::Schema) {
    schema.insert("if".to_owned(), serde_json::json!({"properties": {"state": {"const": "installed"}}}));
    schema.insert(
        "then".to_owned(),
        serde_json::json!({
            "required": ["fileName"],
            "x-twinops-reason": "a certificate is installed from a file; name it in `fileName`",
        }),
    );
}
