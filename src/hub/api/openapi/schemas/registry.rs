//! Identities: modules, many at once, keys, certificates.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    json!({
        "BulkEntry": bulk_entry(),
        "BulkResult": {
            "type": "object",
            "properties": {
                "isSuccessful": { "type": "boolean" },
                "errors": { "type": "array", "items": { "type": "object", "properties": {
                    "deviceId": { "type": "string" },
                    "moduleId": { "type": ["string", "null"] },
                    "errorCode": { "type": "string" },
                    "errorStatus": { "type": "string" },
                    "operation": { "type": ["string", "null"] },
                } } },
                "warnings": { "type": "array", "items": { "type": "object" } },
            },
        },
        "Certificate": certificate(),
        "CertificateList": {
            "type": "object",
            "properties": { "value": { "type": "array", "items": { "$ref": "#/components/schemas/Certificate" } } },
        },
        "CertificateProof": {
            "type": "object",
            "required": ["certificate"],
            "properties": { "certificate": { "type": "string" } },
        },
        "KeyRenewal": {
            "type": "object",
            "required": ["policyKey", "devices"],
            "properties": {
                "policyKey": { "enum": ["primaryKey", "secondaryKey", "both"] },
                "devices": { "type": "array", "items": { "type": "object", "properties": {
                    "id": { "type": "string" }, "moduleId": { "type": ["string", "null"] },
                } } },
            },
        },
        "KeyRenewalResult": {
            "type": "object",
            "properties": {
                "policyKey": { "type": "string" },
                "rotatedKeys": { "type": "array", "items": { "type": "object" } },
                "errors": { "type": "array", "items": { "type": "object" } },
            },
        },
        "Module": module(),
    })
}

fn bulk_entry() -> Value {
    let text = json!({ "type": "string" });
    let object = json!({ "type": "object" });
    json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": text,
            "moduleId": text,
            "eTag": text,
            "importMode": { "enum": [
                "create", "update", "updateIfMatchETag", "createOrUpdate", "createOrUpdateIfMatchETag", "delete",
                "deleteIfMatchETag", "updateTwin", "updateTwinIfMatchETag",
            ], "default": "createOrUpdate" },
            "status": { "enum": ["enabled", "disabled"] },
            "statusReason": text,
            "authentication": object,
            "twinETag": text,
            "tags": object,
            "properties": { "type": "object", "properties": { "desired": object } },
            "capabilities": object,
            "deviceScope": text,
            "parentScopes": { "type": "array", "items": text },
            "managedBy": text,
        },
    })
}

fn certificate() -> Value {
    let told = json!({ "type": "string", "readOnly": true });
    json!({
        "type": "object",
        "properties": {
            "name": told,
            "etag": told,
            "properties": { "type": "object", "properties": {
                "certificate": { "type": "string" },
                "isVerified": { "type": "boolean" },
                "subject": told,
                "expiry": told,
                "thumbprint": told,
                "created": told,
                "updated": told,
                "verificationCode": told,
            } },
        },
    })
}

fn module() -> Value {
    let text = json!({ "type": "string" });
    let told = json!({ "type": "string", "readOnly": true });
    json!({
        "type": "object",
        "properties": {
            "moduleId": text,
            "managedBy": { "type": ["string", "null"] },
            "deviceId": text,
            "generationId": told,
            "etag": told,
            "connectionState": { "enum": ["Connected", "Disconnected"], "readOnly": true },
            "connectionStateUpdatedTime": told,
            "lastActivityTime": told,
            "cloudToDeviceMessageCount": { "type": "integer", "readOnly": true },
            "authentication": { "type": "object" },
        },
    })
}
