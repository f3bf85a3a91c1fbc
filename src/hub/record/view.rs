//! What the service and the device see of a record.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Corrupt, Record};
use crate::iothub::{
    AuthenticationType, Capabilities, ConnectionState, DeviceIdentity, DeviceStatus, ETag, NEVER, X509Thumbprint,
};

/// Whether a device is connected, and when it was last heard of (ISO 8601).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) connected: bool,
    pub(crate) last_activity: Option<Box<str>>,
    pub(crate) state_changed: Option<Box<str>>,
    /// How many messages wait for it.
    pub(crate) messages: u32,
}

/// A twin without its sections (protocol reference 5.1).
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Twin")]
pub(crate) struct Head<'a> {
    device_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    etag: ETag,
    device_etag: ETag,
    status: DeviceStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    status_update_time: String,
    connection_state: ConnectionState,
    last_activity_time: &'a str,
    cloud_to_device_message_count: u32,
    authentication_type: AuthenticationType,
    x509_thumbprint: X509Thumbprint,
    model_id: &'a str,
    version: u64,
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_scope: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parent_scopes: Vec<String>,
}

/// The top-level members of a record's twin.
pub(crate) fn head<'a>(record: &'a Record, presence: &'a Presence) -> Result<Head<'a>, Corrupt> {
    let identity: DeviceIdentity = record.identity()?;
    let authentication = identity.authentication.unwrap_or_default();
    Ok(Head {
        device_id: record.link.device.as_str(),
        module_id: record.link.module.as_deref(),
        etag: record.etag(),
        device_etag: identity.etag,
        status: identity.status,
        status_reason: identity.status_reason,
        status_update_time: identity.status_updated_time,
        connection_state: presence.state(),
        last_activity_time: presence.last_activity.as_deref().unwrap_or(NEVER),
        cloud_to_device_message_count: presence.messages,
        authentication_type: authentication.kind,
        x509_thumbprint: authentication.x509_thumbprint,
        model_id: &record.model_id,
        version: record.version,
        capabilities: identity.capabilities,
        device_scope: identity.device_scope,
        parent_scopes: identity.parent_scopes,
    })
}

impl Presence {
    /// In the protocol's words.
    pub(crate) fn state(&self) -> ConnectionState {
        if self.connected { ConnectionState::Connected } else { ConnectionState::Disconnected }
    }
}

/// The whole twin as JSON text; its sections are copied as they are stored.
pub(crate) fn twin_view(record: &Record, presence: &Presence) -> Result<String, Corrupt> {
    let mut out = serde_json::to_string(&head(record, presence)?).map_err(Corrupt)?;
    out.truncate(out.len() - 1);
    let sections = [&record.desired, &record.reported].map(|half| half.values.len() + half.metadata.len());
    out.reserve(sections.iter().sum::<usize>() + record.tags.as_ref().map_or(0, |tags| tags.len()) + 128);
    if let Some(tags) = &record.tags {
        out.push_str(",\"tags\":");
        out.push_str(tags);
    }
    out.push_str(",\"properties\":{\"desired\":");
    record.desired.write(&mut out, true);
    out.push_str(",\"reported\":");
    record.reported.write(&mut out, true);
    out.push('}');
    if let Some(configurations) = &record.configurations {
        out.push_str(",\"configurations\":");
        out.push_str(configurations);
    }
    out.push('}');
    Ok(out)
}

/// What the device sees (protocol reference 5.4).
pub(crate) fn device_view(record: &Record) -> Bytes {
    let mut out = String::with_capacity(record.desired.values.len() + record.reported.values.len() + 64);
    out.push_str("{\"desired\":");
    record.desired.write(&mut out, false);
    out.push_str(",\"reported\":");
    record.reported.write(&mut out, false);
    out.push('}');
    out.into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Mode, TwinWrite, laws::record};
    use super::*;

    #[test]
    fn a_fresh_twin_has_the_shape_of_the_protocol() {
        let text = twin_view(&record(), &Presence::default()).unwrap();
        let twin: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&twin["version"], &twin["etag"]), (&json!(2), &json!("AAAAAAAAAAE=")));
        assert_eq!(twin["properties"]["desired"], json!({"$metadata": {"$lastUpdated": "T0"}, "$version": 1}));
        assert_eq!(twin["lastActivityTime"], json!("0001-01-01T00:00:00Z"));
        assert_eq!((&twin["connectionState"], twin.get("tags")), (&json!("Disconnected"), None));
        assert_eq!(twin.get("authentication"), None, "keys are no part of a twin");
    }

    #[test]
    fn a_device_sees_no_tags_and_no_metadata() {
        let mut twin = record();
        let body = br#"{"tags": {"a": 1}, "properties": {"desired": {"fw": {"c": "b"}}}}"#;
        TwinWrite::parse(body, Mode::Merge).unwrap().apply(&mut twin, "T").unwrap();
        let view: Value = serde_json::from_slice(&device_view(&twin)).unwrap();
        assert_eq!(view, json!({"desired": {"fw": {"c": "b"}, "$version": 2}, "reported": {"$version": 1}}));
    }
}
