//! The component `certificates`: which certificates a device trusts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::artifact::{Artifact, Presence};

/// Certificates of a device, by ids of your choice. What is not listed stays as it is.
pub type Certificates = BTreeMap<String, Certificate>;

/// One certificate. It comes from `pem` or from `source`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = one_origin))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// Whether it is to be there; `present` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The store that it stands in.
    pub store: CertificateStore,
    /// SHA-256 of its DER form, 64 hexadecimal digits: which certificate is meant.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = super::artifact::SHA256)))]
    pub sha256: String,
    /// The certificate itself in PEM, 4096 bytes at most.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^-----BEGIN CERTIFICATE-----"), length(max = 4096)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// Where it is fetched from, in DER or PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Artifact>,
}

/// A store of certificates of the machine. Linux has `root` for the system, and `personal` for apps and networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CertificateStore {
    /// Authorities that are trusted.
    Root,
    /// Authorities between a root and a certificate. Windows only.
    Intermediate,
    /// Publishers whose programs are trusted. Windows only.
    TrustedPublisher,
    /// People, and signers of apps, that are trusted. Windows only.
    TrustedPeople,
    /// The machine's own.
    Personal,
}

#[cfg(feature = "cli")]
fn one_origin(schema: &mut schemars::Schema) {
    schema.insert(
        "if".to_owned(),
        serde_json::json!({"required": ["state"], "properties": {"state": {"const": "absent"}}}),
    );
    schema.insert(
        "else".to_owned(),
        serde_json::json!({
            "oneOf": [{"required": ["pem"]}, {"required": ["source"]}],
            "x-twinops-reason": "a certificate comes from one place: write `pem` or `source`",
        }),
    );
}
