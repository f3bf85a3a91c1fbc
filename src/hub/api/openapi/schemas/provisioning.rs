//! Bodies of the provisioning service.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    let state = json!({ "$ref": "#/components/schemas/Registration" });
    json!({
        "Attestation": {
            "type": "object",
            "properties": {
                "type": { "enum": ["symmetricKey", "x509", "tpm", "none"] },
                "symmetricKey": { "type": "object" },
                "x509": { "type": "object" },
            },
        },
        "BulkEnrollment": {
            "type": "object",
            "required": ["mode", "enrollments"],
            "properties": {
                "mode": { "enum": ["create", "update", "updateIfMatchETag", "delete"] },
                "enrollments": { "type": "array", "items": { "$ref": "#/components/schemas/Enrollment" } },
            },
        },
        "BulkEnrollmentResult": {
            "type": "object",
            "properties": {
                "isSuccessful": { "type": "boolean" },
                "errors": { "type": "array", "items": { "type": "object", "properties": {
                    "registrationId": { "type": "string" },
                    "errorCode": { "type": "integer" },
                    "errorStatus": { "type": "string" },
                } } },
            },
        },
        "Enrollment": enrollment(),
        "ProvisioningError": {
            "type": "object",
            "properties": {
                "errorCode": { "type": "integer" },
                "message": { "type": "string" },
                "trackingId": { "type": "string" },
                "timestampUtc": { "type": "string" },
            },
        },
        "Registration": registration(),
        "RegistrationOperation": {
            "type": "object",
            "properties": {
                "operationId": { "type": "string" },
                "status": { "type": "string" },
                "registrationState": state,
            },
        },
        "RegistrationRequest": {
            "type": "object",
            "properties": { "registrationId": { "type": "string" }, "payload": {} },
        },
    })
}

fn enrollment() -> Value {
    let text = json!({ "type": "string" });
    let told = json!({ "type": "string", "readOnly": true });
    json!({
        "type": "object",
        "required": ["attestation"],
        "properties": {
            "registrationId": text,
            "enrollmentGroupId": text,
            "deviceId": text,
            "attestation": { "$ref": "#/components/schemas/Attestation" },
            "capabilities": { "type": "object" },
            "iotHubHostName": text,
            "initialTwin": { "type": "object" },
            "etag": told,
            "provisioningStatus": { "enum": ["enabled", "disabled"] },
            "reprovisionPolicy": { "type": "object", "properties": {
                "updateHubAssignment": { "type": "boolean" }, "migrateDeviceData": { "type": "boolean" },
            } },
            "allocationPolicy": { "enum": ["hashed", "geoLatency", "static"] },
            "iotHubs": { "type": "array", "items": text },
            "optionalDeviceInformation": {},
            "createdDateTimeUtc": told,
            "lastUpdatedDateTimeUtc": told,
        },
    })
}

fn registration() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "registrationId": text,
            "createdDateTimeUtc": text,
            "assignedHub": text,
            "deviceId": text,
            "status": { "enum": ["assigned", "disabled"] },
            "substatus": { "enum": ["initialAssignment", "deviceDataMigrated", "deviceDataReset"] },
            "lastUpdatedDateTimeUtc": text,
            "etag": text,
        },
    })
}
