//! Device and module identities as REST bodies (protocol reference 3.1, 3.3).
//!
//! The same types serve a hub, which reads what any SDK sends, and a client, which reads what any hub answers. Reading
//! is therefore lenient: members may be missing, `null` or, for numbers, quoted; an empty key is no key; members that
//! nobody knows are skipped. A hub ignores the `etag` of a body, only the header counts.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::etag::ETag;
use super::key::{Key, KeyError};
use super::secret::Secret;

/// The date that stands for "never" (protocol reference 2.1).
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// Whether a device may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum DeviceStatus {
    /// It may.
    #[default]
    Enabled,
    /// It may not, and its link is cut.
    Disabled,
}

/// Whether a device is connected; capitalised on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConnectionState {
    /// It is.
    Connected,
    /// It is not.
    #[default]
    Disconnected,
}

impl ConnectionState {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::Disconnected => "Disconnected",
        }
    }
}

/// How a device proves itself (protocol reference 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AuthenticationType {
    /// Symmetric keys.
    #[default]
    Sas,
    /// Certificates known by thumbprint.
    SelfSigned,
    /// Certificates of a known authority.
    CertificateAuthority,
    /// No credentials of its own.
    None,
}

/// Two keys, so that one can be replaced while the other is in use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct SymmetricKey {
    /// The first key; nothing where none was supplied.
    #[serde(deserialize_with = "empty_is_none")]
    pub primary_key: Option<Secret>,
    /// The second key; nothing where none was supplied.
    #[serde(deserialize_with = "empty_is_none")]
    pub secondary_key: Option<Secret>,
}

impl SymmetricKey {
    /// Of two keys.
    pub fn new(primary: &Key, secondary: &Key) -> Self {
        let text = |key: &Key| Some(Secret::new(key.reveal()));
        Self { primary_key: text(primary), secondary_key: text(secondary) }
    }

    /// The keys, primary first; nothing when none was supplied and a hub is to mint them.
    ///
    /// # Errors
    ///
    /// When only one was supplied, or one is no key (protocol reference 1.4).
    pub fn keys(&self) -> Result<Option<(Key, Key)>, KeyError> {
        match (&self.primary_key, &self.secondary_key) {
            (None, None) => Ok(None),
            (Some(primary), Some(secondary)) => {
                Ok(Some((Key::parse(primary.reveal())?, Key::parse(secondary.reveal())?)))
            }
            _ => Err(KeyError::OnlyOne),
        }
    }
}

/// Thumbprints of client certificates: 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct X509Thumbprint {
    /// The first one.
    #[serde(alias = "PrimaryThumbprint", deserialize_with = "empty_is_none")]
    pub primary_thumbprint: Option<String>,
    /// The second one.
    #[serde(alias = "SecondaryThumbprint", deserialize_with = "empty_is_none")]
    pub secondary_thumbprint: Option<String>,
}

/// How an identity proves itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Authentication {
    /// Its keys, for [`AuthenticationType::Sas`].
    #[serde(deserialize_with = "null_is_default")]
    pub symmetric_key: SymmetricKey,
    /// Its certificates, for [`AuthenticationType::SelfSigned`].
    #[serde(deserialize_with = "null_is_default")]
    pub x509_thumbprint: X509Thumbprint,
    /// Which of the ways it is.
    #[serde(rename = "type", deserialize_with = "null_is_default")]
    pub kind: AuthenticationType,
}

/// What a device can do beside being a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// It is an IoT Edge gateway.
    #[serde(deserialize_with = "null_is_default")]
    pub iot_edge: bool,
}

/// A device's identity (protocol reference 3.1). Dates are ISO 8601 texts in UTC, [`NEVER`] for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceIdentity {
    /// The id.
    pub device_id: String,
    /// New for each re-creation of the same id.
    #[serde(deserialize_with = "null_is_default")]
    pub generation_id: String,
    /// The edition of the identity; ignored when written.
    #[serde(deserialize_with = "null_is_default")]
    pub etag: ETag,
    /// Whether it is connected; may lag behind by minutes.
    #[serde(deserialize_with = "null_is_default")]
    pub connection_state: ConnectionState,
    /// Whether it may connect.
    #[serde(deserialize_with = "null_is_default")]
    pub status: DeviceStatus,
    /// Why, at most 128 characters.
    pub status_reason: Option<String>,
    /// When `connectionState` last changed.
    #[serde(deserialize_with = "null_is_never")]
    pub connection_state_updated_time: String,
    /// When `status` last changed; the twin calls it `statusUpdateTime`.
    #[serde(deserialize_with = "null_is_never")]
    pub status_updated_time: String,
    /// When it last connected, sent or received.
    #[serde(deserialize_with = "null_is_never")]
    pub last_activity_time: String,
    /// How many messages wait for it.
    #[serde(deserialize_with = "number_or_text")]
    pub cloud_to_device_message_count: u32,
    /// How it proves itself; nothing in a body that leaves it to the hub.
    pub authentication: Option<Authentication>,
    /// What it can do.
    #[serde(deserialize_with = "null_is_default")]
    pub capabilities: Capabilities,
    /// The scope of the gateway it is or belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<String>,
    /// The scopes of the gateways above it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub parent_scopes: Vec<String>,
}

/// A module's identity (protocol reference 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ModuleIdentity {
    /// The module's id, unique on its device.
    pub module_id: String,
    /// Who looks after it, e.g. `iotEdge`.
    pub managed_by: Option<String>,
    /// The device it is on.
    pub device_id: String,
    /// New for each re-creation of the same id.
    #[serde(deserialize_with = "null_is_default")]
    pub generation_id: String,
    /// The edition of the identity; ignored when written.
    #[serde(deserialize_with = "null_is_default")]
    pub etag: ETag,
    /// Whether it is connected.
    #[serde(deserialize_with = "null_is_default")]
    pub connection_state: ConnectionState,
    /// When `connectionState` last changed.
    #[serde(deserialize_with = "null_is_never")]
    pub connection_state_updated_time: String,
    /// When it last connected, sent or received.
    #[serde(deserialize_with = "null_is_never")]
    pub last_activity_time: String,
    /// How many messages wait for it.
    #[serde(deserialize_with = "number_or_text")]
    pub cloud_to_device_message_count: u32,
    /// How it proves itself; nothing in a body that leaves it to the hub.
    pub authentication: Option<Authentication>,
}

impl Default for DeviceIdentity {
    fn default() -> Self {
        Self {
            device_id: String::new(),
            generation_id: String::new(),
            etag: ETag::default(),
            connection_state: ConnectionState::default(),
            status: DeviceStatus::default(),
            status_reason: None,
            connection_state_updated_time: NEVER.to_owned(),
            status_updated_time: NEVER.to_owned(),
            last_activity_time: NEVER.to_owned(),
            cloud_to_device_message_count: 0,
            authentication: None,
            capabilities: Capabilities::default(),
            device_scope: None,
            parent_scopes: Vec::new(),
        }
    }
}

impl Default for ModuleIdentity {
    fn default() -> Self {
        Self {
            module_id: String::new(),
            managed_by: None,
            device_id: String::new(),
            generation_id: String::new(),
            etag: ETag::default(),
            connection_state: ConnectionState::default(),
            connection_state_updated_time: NEVER.to_owned(),
            last_activity_time: NEVER.to_owned(),
            cloud_to_device_message_count: 0,
            authentication: None,
        }
    }
}

pub(super) fn null_is_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn null_is_never<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(|| NEVER.to_owned()))
}

pub(super) fn empty_is_none<'de, T: From<String>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()).map(T::from))
}

/// A whole number, also in quotes, as the CLI sends it (protocol reference 2.1).
fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let number = match Value::deserialize(from)? {
        Value::Null => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.ok_or_else(|| serde::de::Error::custom("expected a whole number from 0"))
}

#[cfg(test)]
mod tests;
