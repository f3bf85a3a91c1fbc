//! The documents of a fleet repository, as types. Doc comments become the schemas' descriptions.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    model_guard::GuardSpec,
    rollout::{Approval, Rollout},
};
use crate::{
    query::Condition,
    twin::{DeviceId, Map},
};

/// The fleet as a whole: exactly one in a repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetSpec {
    /// The hub that holds the twins. Credentials never stand here.
    pub hub: Option<HubSpec>,
    /// Values for `${vars.NAME}`.
    #[serde(default)]
    pub vars: Map,
    /// Where `${secret.NAME}` comes from, one after the other, if the environment has no `TWINOPS_SECRET_NAME`.
    #[serde(default)]
    pub secrets: Vec<SecretSource>,
    /// Limits on what one run may change.
    pub guard: Option<GuardSpec>,
    /// Paths that others write and that are left alone.
    #[serde(default)]
    pub ignore: Vec<IgnoreSpec>,
}

/// Who keeps secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretSource {
    /// A file of the fleet repository that SOPS has sealed, e.g. `secrets.sops.yaml`; the program `sops` opens it with
    /// the keys that it finds. What lies deeper in it is named with dots: `${secret.wifi.password}`.
    Sops(#[schemars(regex(pattern = r"^[^/].*\.sops\.(yaml|yml|json)$"))] String),
    /// An Azure Key Vault, by its name or by its address: `contoso-kiosks`, `https://contoso-kiosks.vault.azure.net`.
    /// A secret's name there has hyphens for dots and underscores.
    KeyVault(
        #[schemars(regex(pattern = r"^(https://[^/]+|[A-Za-z0-9-]{3,24})$"))]
        String,
    ),
}

/// Which hub, and how large: the size decides how fast a plan may be carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSpec {
    /// Host name, e.g. `contoso.azure-devices.net`.
    pub hostname: Option<String>,
    /// Edition of an Azure IoT Hub.
    pub sku: Option<Sku>,
    /// Units of that edition.
    #[schemars(range(min = 1, max = 200))]
    pub units: Option<u32>,
}

/// Editions of Azure IoT Hub that have twins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sku {
    /// Free.
    F1,
    /// Standard 1.
    S1,
    /// Standard 2.
    S2,
    /// Standard 3.
    S3,
}

/// A path that somebody else writes: neither planned nor reported as drift while the entry is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IgnoreSpec {
    /// Path of the twin, e.g. `properties.desired.deviceBridge`.
    pub path: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it is left alone.
    pub reason: String,
    /// Last day on which it is, `YYYY-MM-DD`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: String,
}

/// Desired properties for every device that `where` selects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileSpec {
    /// Which devices, in the hub's query language: `tags.role = 'kiosk'`. Absent: all devices.
    #[serde(rename = "where")]
    pub selector: Option<String>,
    /// Higher wins; two profiles of one priority that set one path differently are an error.
    #[serde(default)]
    pub priority: i64,
    /// What stands here stands in the twin. `null`: must not be there.
    #[serde(default)]
    pub desired: Map,
}

/// One device: its tags, and what it wants beyond its profiles. Stronger than any profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceSpec {
    /// How the device proves who it is. Present: a device that the hub does not know is registered.
    pub identity: Option<IdentitySpec>,
    /// Tags of the twin.
    #[serde(default)]
    pub tags: Map,
    /// Overrides.
    #[serde(default)]
    pub desired: Map,
}

/// How a device that is not registered yet will prove who it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentitySpec {
    /// The kind of proof.
    #[serde(rename = "type")]
    pub kind: IdentityKind,
    /// SHA-1 or SHA-256 of the device's certificate, for `selfSigned`.
    pub primary_thumbprint: Option<String>,
    /// The second one, for renewal.
    pub secondary_thumbprint: Option<String>,
}

/// Kinds of proof (protocol reference 1.5). Keys are made by the hub and never stand in git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IdentityKind {
    /// Symmetric keys that the hub makes.
    Sas,
    /// A certificate known by its thumbprint.
    SelfSigned,
    /// A certificate signed by an authority that the hub knows.
    CertificateAuthority,
}

/// Which document of which file something came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentRef {
    /// Path of the file, relative to the fleet's root.
    pub file: Arc<str>,
    /// Which document of it, from 0.
    pub document: usize,
}

/// A fleet repository at one revision, read and checked.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Its name: also the key of its marker in every twin.
    pub name: String,
    /// Where the `Fleet` document stands; `None` for a fleet that was put together in memory.
    pub document: Option<DocumentRef>,
    /// The rest of the `Fleet` document.
    pub spec: FleetSpec,
    /// All profiles, weakest first: by priority, then by name.
    pub profiles: Vec<Arc<Profile>>,
    /// All devices that are declared.
    pub devices: BTreeMap<DeviceId, Arc<Device>>,
    /// All rollouts, in order of name.
    pub rollouts: Vec<Arc<Rollout>>,
    /// What has been approved, in no order.
    pub approvals: Vec<Approval>,
}

/// A profile, ready to select.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Unique among profiles.
    pub name: Arc<str>,
    /// Where it stands.
    pub document: DocumentRef,
    /// `None` selects every device.
    pub condition: Option<Condition>,
    /// Higher wins.
    pub priority: i64,
    /// What it wants, `${…}` and nulls as written.
    pub desired: Map,
}

/// A declared device. Its sections are kept as text, which takes a tenth of the room of a tree: a fleet may declare a
/// million devices, and looks at one at a time.
#[derive(Debug, Clone)]
pub struct Device {
    /// Where it stands.
    pub document: DocumentRef,
    /// How to register it, if it asks to be.
    pub identity: Option<IdentitySpec>,
    tags: Box<str>,
    desired: Box<str>,
}

impl Device {
    /// A device with these tags and overrides, `${…}` and nulls as written.
    pub fn new(document: DocumentRef, identity: Option<IdentitySpec>, tags: &Map, desired: &Map) -> Self {
        Self { document, identity, tags: pack(tags), desired: pack(desired) }
    }

    /// Whether a text may refer to something.
    pub(super) fn may_refer(&self) -> bool {
        self.tags.contains("${") || self.desired.contains("${")
    }

    /// Tags, `${…}` as written.
    pub fn tags(&self) -> Map {
        unpack(&self.tags)
    }

    /// Overrides, `${…}` and nulls as written.
    pub fn desired(&self) -> Map {
        unpack(&self.desired)
    }

    /// Tags and overrides as JSON text; equal texts mean equal sections.
    pub(super) fn texts(&self) -> [&str; 2] {
        [&self.tags, &self.desired]
    }
}

fn pack(section: &Map) -> Box<str> {
    serde_json::to_string(section).expect("a tree of JSON has a text").into()
}

fn unpack(text: &str) -> Map {
    serde_json::from_str(text).expect("written by `pack`")
}
