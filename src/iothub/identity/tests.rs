//! Bodies that real clients send, and the one that the service answers.

use serde_json::json;

use super::*;

fn read(body: Value) -> DeviceIdentity {
    serde_json::from_value(body).unwrap()
}

#[test]
fn every_sdk_has_its_own_way_to_leave_the_keys_to_the_hub() {
    for symmetric_key in
        [json!({ "primaryKey": "", "secondaryKey": "" }), json!({}), json!(null), json!({ "primaryKey": null })]
    {
        let body = json!({ "deviceId": "d1", "authentication": { "symmetricKey": symmetric_key, "type": "sas" } });
        assert_eq!(read(body).authentication.unwrap().symmetric_key.keys(), Ok(None));
    }
    assert_eq!(read(json!({ "deviceId": "d1" })).authentication, None);
}

#[test]
fn an_identity_sent_back_by_node_with_nulls_reads() {
    let identity = read(json!({
        "deviceId": "n1", "generationId": "1795", "etag": "YTIz", "connectionState": "Connected", "status": "disabled",
        "statusReason": null, "connectionStateUpdatedTime": null, "lastActivityTime": "0001-01-01T00:00:00",
        "cloudToDeviceMessageCount": "3", "capabilities": null, "parentScopes": null, "deviceScope": null, "unknown": 1,
        "authentication": { "type": "selfSigned", "symmetricKey": null,
                            "x509Thumbprint": { "PrimaryThumbprint": "AB", "secondaryThumbprint": null } }
    }));
    assert_eq!((identity.status, identity.connection_state), (DeviceStatus::Disabled, ConnectionState::Connected));
    assert_eq!((identity.cloud_to_device_message_count, identity.connection_state_updated_time.as_str()), (3, NEVER));
    let authentication = identity.authentication.unwrap();
    assert_eq!(authentication.kind, AuthenticationType::SelfSigned);
    assert_eq!(authentication.x509_thumbprint.primary_thumbprint.as_deref(), Some("AB"));
}

#[test]
fn an_identity_is_written_as_the_service_writes_it() {
    let keys = (Key::from_bytes(&[1; 32]).unwrap(), Key::from_bytes(&[2; 32]).unwrap());
    let identity = DeviceIdentity {
        device_id: "d1".to_owned(),
        etag: ETag::of_identity(524_754),
        authentication: Some(Authentication {
            symmetric_key: SymmetricKey::new(&keys.0, &keys.1),
            ..Authentication::default()
        }),
        ..DeviceIdentity::default()
    };
    let written = serde_json::to_value(&identity).unwrap();
    assert_eq!(
        written,
        json!({
            "deviceId": "d1", "generationId": "", "etag": "NTI0NzU0", "connectionState": "Disconnected",
            "status": "enabled", "statusReason": null, "connectionStateUpdatedTime": NEVER, "statusUpdatedTime": NEVER,
            "lastActivityTime": NEVER, "cloudToDeviceMessageCount": 0,
            "authentication": {
                "symmetricKey": { "primaryKey": keys.0.reveal(), "secondaryKey": keys.1.reveal() },
                "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null }, "type": "sas" },
            "capabilities": { "iotEdge": false }
        })
    );
    assert_eq!(read(written), identity);
    assert!(!format!("{identity:?}").contains(keys.0.reveal()));
}

#[test]
fn one_key_or_a_short_key_is_refused() {
    let keys = |body: Value| serde_json::from_value::<SymmetricKey>(body).unwrap().keys();
    assert_eq!(keys(json!({ "primaryKey": "AAAA", "secondaryKey": "" })), Err(KeyError::OnlyOne));
    assert_eq!(keys(json!({ "primaryKey": "AAAA", "secondaryKey": "AAAA" })), Err(KeyError::Length(3)));
}

#[test]
fn a_module_body_of_the_cli_reads() {
    let body = json!({ "moduleId": "m1", "managedBy": "", "deviceId": "d1",
                       "authentication": { "symmetricKey": {}, "type": "sas" } });
    let module: ModuleIdentity = serde_json::from_value(body).unwrap();
    assert_eq!((module.module_id.as_str(), module.device_id.as_str()), ("m1", "d1"));
    assert!(serde_json::from_value::<ModuleIdentity>(json!({ "cloudToDeviceMessageCount": "many" })).is_err());
}
