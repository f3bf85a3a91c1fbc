//! Many identities in one request (protocol reference 3.6, 3.8): what a client sends, and what a hub answers.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use super::{
    ErrorCode,
    identity::{Authentication, Capabilities, DeviceStatus, empty_is_none, null_is_default},
    secret::Secret,
};

/// Most entries of one request.
pub const MOST_BULK_ENTRIES: usize = 100;

/// What is to become of the identity that an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ImportMode {
    /// It is made; an error if it is there.
    Create,
    /// It is replaced; an error unless it is there.
    Update,
    /// It is replaced if it has the entry's etag.
    #[serde(rename = "updateIfMatchETag")]
    UpdateIfMatchETag,
    /// It is made or replaced.
    #[default]
    CreateOrUpdate,
    /// It is made, or replaced if it has the entry's etag.
    #[serde(rename = "createOrUpdateIfMatchETag")]
    CreateOrUpdateIfMatchETag,
    /// It goes; an error unless it is there.
    Delete,
    /// It goes if it has the entry's etag.
    #[serde(rename = "deleteIfMatchETag")]
    DeleteIfMatchETag,
    /// The entry's tags and desired properties are merged into its twin.
    UpdateTwin,
    /// The same if the twin has the entry's etag.
    #[serde(rename = "updateTwinIfMatchETag")]
    UpdateTwinIfMatchETag,
}

impl ImportMode {
    const ALL: [Self; 9] = [
        Self::Create,
        Self::Update,
        Self::UpdateIfMatchETag,
        Self::CreateOrUpdate,
        Self::CreateOrUpdateIfMatchETag,
        Self::Delete,
        Self::DeleteIfMatchETag,
        Self::UpdateTwin,
        Self::UpdateTwinIfMatchETag,
    ];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::UpdateIfMatchETag => "updateIfMatchETag",
            Self::CreateOrUpdate => "createOrUpdate",
            Self::CreateOrUpdateIfMatchETag => "createOrUpdateIfMatchETag",
            Self::Delete => "delete",
            Self::DeleteIfMatchETag => "deleteIfMatchETag",
            Self::UpdateTwin => "updateTwin",
            Self::UpdateTwinIfMatchETag => "updateTwinIfMatchETag",
        }
    }
}

/// Letter case does not count; null is the default.
impl<'de> Deserialize<'de> for ImportMode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<Cow<'de, str>>::deserialize(from)? else { return Ok(Self::default()) };
        let known = Self::ALL.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(&text));
        known.ok_or_else(|| D::Error::custom(format!("`{text}` is no import mode")))
    }
}

/// One identity, device or module, of a bulk request or of the file of an import or export job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct BulkEntry {
    /// The device.
    #[serde(deserialize_with = "null_is_default")]
    pub id: String,
    /// The module, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "empty_is_none")]
    pub module_id: Option<String>,
    /// The edition of the identity, for the modes that compare it.
    #[serde(
        rename = "eTag",
        alias = "etag",
        alias = "ETag",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "empty_is_none"
    )]
    pub etag: Option<String>,
    /// What is to become of it.
    pub import_mode: ImportMode,
    /// Whether it may connect; devices only.
    #[serde(deserialize_with = "null_is_default")]
    pub status: DeviceStatus,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// How it proves itself; nothing leaves it to the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// The edition of the twin, for the mode that compares it.
    #[serde(
        rename = "twinETag",
        alias = "twinEtag",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "empty_is_none"
    )]
    pub twin_etag: Option<String>,
    /// The twin's tags: an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::twin::Map>"))]
    pub tags: Option<Value>,
    /// The twin's properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BulkProperties>,
    /// What a device can do beside being one.
    #[serde(deserialize_with = "null_is_default")]
    pub capabilities: Capabilities,
    /// The scope of the gateway it is or belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_scope: Option<String>,
    /// The scopes of the gateways above it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub parent_scopes: Vec<String>,
    /// Who looks after a module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
}

/// The properties of an entry's twin, each an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct BulkProperties {
    /// What the device should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::twin::Map>"))]
    pub desired: Option<Value>,
    /// What it says it is; ignored when written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::twin::Map>"))]
    pub reported: Option<Value>,
}

/// What came of a bulk request. The lists are there even when they are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct BulkResult {
    /// Whether there are no errors.
    pub is_successful: bool,
    /// The entries that were not carried out.
    #[serde(deserialize_with = "null_is_default")]
    pub errors: Vec<BulkError>,
    /// The entries that were carried out in part.
    #[serde(deserialize_with = "null_is_default")]
    pub warnings: Vec<BulkWarning>,
}

/// Why an entry was not carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct BulkError {
    /// The entry's `id`.
    pub device_id: String,
    /// The name of an [`ErrorCode`].
    pub error_code: String,
    /// What is wrong.
    pub error_status: String,
    /// The entry's module, if it has one.
    pub module_id: Option<String>,
    /// The entry's import mode.
    pub operation: Option<ImportMode>,
}

/// What was not carried out of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct BulkWarning {
    /// The entry's `id`.
    pub device_id: String,
    /// A word for it, e.g. [`REGISTERED_WITHOUT_TWIN`].
    pub warning_code: String,
    /// What is wrong.
    pub warning_status: String,
}

/// The device is there, but not with the twin that the entry carries.
pub const REGISTERED_WITHOUT_TWIN: &str = "DeviceRegisteredWithoutTwin";

impl BulkEntry {
    /// The error of this entry.
    pub fn error(&self, code: ErrorCode, message: impl Into<String>) -> BulkError {
        BulkError {
            device_id: self.id.clone(),
            error_code: code.name().to_owned(),
            error_status: message.into(),
            module_id: self.module_id.clone(),
            operation: Some(self.import_mode),
        }
    }
}

/// Which of an identity's two keys are made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum KeyChoice {
    /// The first.
    PrimaryKey,
    /// The second.
    SecondaryKey,
    /// Both.
    Both,
}

/// A request for new keys (protocol reference 3.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRenewal {
    /// Which keys.
    pub policy_key: KeyChoice,
    /// Whose.
    pub devices: Vec<KeyOwner>,
}

/// An identity with keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct KeyOwner {
    /// The device.
    pub id: String,
    /// The module, if it is one.
    #[serde(deserialize_with = "empty_is_none")]
    pub module_id: Option<String>,
}

/// What came of a request for new keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRenewalResult {
    /// Which keys were asked for.
    pub policy_key: KeyChoice,
    /// The keys of those who got new ones.
    pub rotated_keys: Vec<RenewedKeys>,
    /// Those who did not.
    pub errors: Vec<KeyRenewalError>,
}

/// Both keys of an identity, new or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewedKeys {
    /// The device.
    pub id: String,
    /// The module, if it is one.
    pub module_id: Option<String>,
    /// The first key.
    pub primary_key: Option<Secret>,
    /// The second key.
    pub secondary_key: Option<Secret>,
}

/// Why somebody got no new keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRenewalError {
    /// The device.
    pub id: String,
    /// The module, if it is one.
    pub module_id: Option<String>,
    /// The name of an [`ErrorCode`].
    pub error_code: String,
    /// What is wrong.
    pub error_status: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_entry() -> impl Strategy<Value = BulkEntry> {
        let text = || prop::option::of("[a-z*\"]{1,8}");
        let section = || prop::option::of(prop::collection::btree_map("[a-z]{1,4}", any::<i16>(), 0..3));
        let identity = (".{0,12}", text(), text(), 0..ImportMode::ALL.len(), any::<bool>(), text());
        let twin = (text(), section(), section(), text(), prop::collection::vec("[a-z]{1,8}", 0..2));
        (identity, twin).prop_map(|(identity, twin)| {
            let (id, module_id, etag, mode, enabled, managed_by) = identity;
            let (twin_etag, tags, desired, device_scope, parent_scopes) = twin;
            BulkEntry {
                id,
                module_id,
                etag,
                import_mode: ImportMode::ALL[mode],
                status: if enabled { DeviceStatus::Enabled } else { DeviceStatus::Disabled },
                twin_etag,
                tags: tags.map(|tags| json!(tags)),
                properties: desired.map(|desired| BulkProperties { desired: Some(json!(desired)), reported: None }),
                device_scope,
                parent_scopes,
                managed_by,
                ..BulkEntry::default()
            }
        })
    }

    proptest! {
        #[test]
        fn a_bulk_entry_is_read_as_it_was_written(entry in any_entry()) {
            let text = serde_json::to_string(&entry).unwrap();
            prop_assert_eq!(serde_json::from_str::<BulkEntry>(&text).unwrap(), entry);
        }

        #[test]
        fn no_body_makes_the_readers_of_bulk_requests_panic(body in any::<Vec<u8>>(), entry in any_entry(), cut in 0..400_usize) {
            let text = serde_json::to_string(&[entry]).unwrap();
            let cut = &text.as_bytes()[..cut.min(text.len())];
            for body in [&body[..], cut] {
                let _ = serde_json::from_slice::<Vec<BulkEntry>>(body);
                let _ = serde_json::from_slice::<BulkResult>(body);
                let _ = serde_json::from_slice::<KeyRenewal>(body);
            }
        }
    }

    #[test]
    fn every_import_mode_is_read_as_it_is_written_and_in_any_letter_case() {
        for mode in ImportMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), json!(mode.name()));
            for text in [mode.name().to_owned(), mode.name().to_uppercase()] {
                assert_eq!(serde_json::from_value::<ImportMode>(json!(text)).unwrap(), mode);
            }
        }
        assert_eq!(serde_json::from_value::<ImportMode>(Value::Null).unwrap(), ImportMode::CreateOrUpdate);
        assert!(serde_json::from_value::<ImportMode>(json!("replace")).is_err());
    }

    #[test]
    fn bulk_entries_of_the_sdks_are_read() {
        let python = json!({"id": "b1", "importMode": "create", "status": "enabled",
            "authentication": {"symmetricKey": {"primaryKey": "", "secondaryKey": ""}, "type": "sas"}});
        let entry: BulkEntry = serde_json::from_value(python).unwrap();
        assert_eq!((entry.id.as_str(), entry.import_mode), ("b1", ImportMode::Create));
        assert!(entry.authentication.is_some() && entry.etag.is_none());
        let other = json!({"id": "d", "moduleId": null, "etag": "MQ==", "twinETag": "*", "tags": null, "properties":
            {"desired": {"a": 1}, "reported": {}}, "capabilities": null, "parentScopes": null, "unknown": 1});
        let entry: BulkEntry = serde_json::from_value(other).unwrap();
        assert_eq!((entry.etag.as_deref(), entry.twin_etag.as_deref(), &entry.tags), (Some("MQ=="), Some("*"), &None));
        assert_eq!(entry.properties.unwrap().desired, Some(json!({"a": 1})));
    }

    #[test]
    fn a_result_has_its_lists_even_when_they_are_empty() {
        let result = BulkResult { is_successful: true, ..BulkResult::default() };
        let text = json!({"isSuccessful": true, "errors": [], "warnings": []});
        assert_eq!(serde_json::to_value(&result).unwrap(), text);
        let entry = BulkEntry { id: "d".to_owned(), ..BulkEntry::default() };
        let error = json!({"deviceId": "d", "errorCode": "DeviceAlreadyExists", "errorStatus": "x", "moduleId": null,
            "operation": "createOrUpdate"});
        assert_eq!(serde_json::to_value(entry.error(ErrorCode::DeviceAlreadyExists, "x")).unwrap(), error);
    }
}
