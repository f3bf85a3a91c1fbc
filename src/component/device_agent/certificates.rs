//! `certificates` of the Azure Device Agent: what stands in the certificate stores.

use serde::{Deserialize, Serialize};

use crate::component::windows::Store;

/// The members of the group: any of them shows that it is meant.
pub const STORES: [&str; 9] = [
    "connectionString",
    "rootCATrustedCertificates_Root",
    "rootCATrustedCertificates_CA",
    "rootCATrustedCertificates_TrustedPublisher",
    "rootCATrustedCertificates_TrustedPeople",
    "certificateStore_CA_System",
    "certificateStore_Root_System",
    "certificateStore_My_User",
    "certificateStore_My_System",
];

/// What stands in the certificate stores, for the Azure Device Agent. Stores and certificates that are not listed stay
/// as they are. A component `certificates` with any of these members is this one; otherwise it is the neutral one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// Connection string of the storage account that the files lie in: write `${secret.NAME}`. Needed to install.
    #[cfg_attr(feature = "cli", schemars(length(min = 1), extend("x-twinops-sensitive" = true)))]
    #[serde(rename = "connectionString", skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<String>,
    /// Trusted roots.
    #[serde(rename = "rootCATrustedCertificates_Root", skip_serializing_if = "Option::is_none")]
    pub trusted_root: Option<Store>,
    /// Intermediate authorities.
    #[serde(rename = "rootCATrustedCertificates_CA", skip_serializing_if = "Option::is_none")]
    pub trusted_intermediate: Option<Store>,
    /// Publishers whose programs are trusted.
    #[serde(rename = "rootCATrustedCertificates_TrustedPublisher", skip_serializing_if = "Option::is_none")]
    pub trusted_publisher: Option<Store>,
    /// People, and signers of apps, that are trusted.
    #[serde(rename = "rootCATrustedCertificates_TrustedPeople", skip_serializing_if = "Option::is_none")]
    pub trusted_people: Option<Store>,
    /// Intermediate authorities, in the store of the machine.
    #[serde(rename = "certificateStore_CA_System", skip_serializing_if = "Option::is_none")]
    pub system_intermediate: Option<Store>,
    /// Roots, in the store of the machine.
    #[serde(rename = "certificateStore_Root_System", skip_serializing_if = "Option::is_none")]
    pub system_root: Option<Store>,
    /// Certificates of the user.
    #[serde(rename = "certificateStore_My_User", skip_serializing_if = "Option::is_none")]
    pub user_own: Option<Store>,
    /// Certificates of the machine.
    #[serde(rename = "certificateStore_My_System", skip_serializing_if = "Option::is_none")]
    pub system_own: Option<Store>,
}
