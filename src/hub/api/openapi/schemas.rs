//! Bodies that operations name. Members that are unknown are ignored in requests; answers may get more.

use serde_json::{Value, json};

/// All schemas by name, in the order of the alphabet.
pub(super) fn all() -> Value {
    json!({
        "Any": { "description": "Any JSON value" },
        "Device": device(),
        "DeviceStatistics": {
            "type": "object",
            "properties": {
                "totalDeviceCount": { "type": "integer" },
                "enabledDeviceCount": { "type": "integer" },
                "disabledDeviceCount": { "type": "integer" },
            },
        },
        "Error": {
            "type": "object",
            "properties": {
                "Message": { "type": "string", "description": "ErrorCode:<name>;<text>, or JSON as text for methods" },
                "ExceptionMessage": { "type": "string", "description": "Tracking id and time" },
            },
        },
        "MethodCall": {
            "type": "object",
            "required": ["methodName"],
            "properties": {
                "methodName": { "type": "string" },
                "payload": {},
                "responseTimeoutInSeconds": { "type": "integer", "minimum": 5, "maximum": 300, "default": 30 },
                "connectTimeoutInSeconds": { "type": "integer", "minimum": 0, "maximum": 300, "default": 0 },
            },
        },
        "MethodAnswer": {
            "type": "object",
            "properties": { "status": { "type": "integer" }, "payload": {} },
        },
        "Query": {
            "type": "object",
            "required": ["query"],
            "properties": { "query": { "type": "string", "examples": ["SELECT * FROM devices"] } },
        },
        "ServiceStatistics": {
            "type": "object",
            "properties": { "connectedDeviceCount": { "type": "integer" } },
        },
        "Status": { "type": "object", "properties": { "status": { "type": "string" } } },
        "Text": { "type": "string" },
        "Twin": twin(),
        "TwinPatch": twin_patch(),
    })
}

fn device() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time", "readOnly": true });
    let pair = |first: &str, second: &str| json!({ "type": "object", "properties": { first: text, second: text } });
    json!({
        "type": "object",
        "properties": {
            "deviceId": text,
            "generationId": { "type": "string", "readOnly": true },
            "etag": { "type": "string", "readOnly": true },
            "status": { "enum": ["enabled", "disabled"] },
            "statusReason": text,
            "statusUpdatedTime": time,
            "connectionState": { "enum": ["Connected", "Disconnected"], "readOnly": true },
            "connectionStateUpdatedTime": time,
            "lastActivityTime": time,
            "cloudToDeviceMessageCount": { "type": "integer", "readOnly": true },
            "authentication": {
                "type": "object",
                "properties": {
                    "type": { "enum": ["sas", "selfSigned", "certificateAuthority", "none"] },
                    "symmetricKey": pair("primaryKey", "secondaryKey"),
                    "x509Thumbprint": pair("primaryThumbprint", "secondaryThumbprint"),
                },
            },
            "capabilities": { "type": "object", "properties": { "iotEdge": { "type": "boolean" } } },
            "deviceScope": text,
            "parentScopes": { "type": "array", "items": text },
        },
    })
}

fn twin() -> Value {
    let section = json!({ "type": "object", "additionalProperties": true });
    json!({
        "type": "object",
        "properties": {
            "deviceId": { "type": "string" },
            "moduleId": { "type": "string" },
            "etag": { "type": "string" },
            "deviceEtag": { "type": "string" },
            "status": { "enum": ["enabled", "disabled"] },
            "connectionState": { "enum": ["Connected", "Disconnected"] },
            "lastActivityTime": { "type": "string", "format": "date-time" },
            "modelId": { "type": "string" },
            "version": { "type": "integer" },
            "tags": section,
            "properties": { "type": "object", "properties": { "desired": section, "reported": section } },
        },
    })
}

fn twin_patch() -> Value {
    let section = json!({ "type": ["object", "null"], "additionalProperties": true });
    json!({
        "type": "object",
        "properties": {
            "tags": section,
            "properties": { "type": "object", "properties": { "desired": section } },
        },
    })
}
