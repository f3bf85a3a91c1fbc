//! Bodies that operations name. Members that are unknown are ignored in requests; answers may get more.
//!
//! * `derived` has those that are types; the others are written down: those of twins here, in `operations` what is done
//!   to many devices, in `messages` what is sent to one, in `provisioning` what devices say that register.

mod derived;
mod messages;
mod operations;
mod provisioning;

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// All schemas by name, in the order of the alphabet.
pub(super) fn all() -> Value {
    let mut derived = derived::all();
    if let Some(members) = derived.get_mut("Twin").and_then(|twin| twin["properties"].as_object_mut()) {
        members.extend(sections());
    }
    let written = [common(), operations::all(), messages::all(), provisioning::all()];
    let schemas = written.iter().filter_map(Value::as_object).flatten().chain(&derived);
    json!(schemas.collect::<BTreeMap<_, _>>())
}

fn common() -> Value {
    json!({
        "Any": { "description": "Any JSON value" },
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
        "TwinPatch": twin_patch(),
    })
}

/// What a twin has besides its head, which is copied as it is stored.
fn sections() -> [(String, Value); 3] {
    let time = json!({ "type": "string", "format": "date-time" });
    let desired = section(&json!({
        "$lastUpdated": time,
        "$lastUpdatedVersion": { "type": "integer" },
        "$lastUpdatedBy": { "type": "string", "description": "The configuration that wrote it" },
        "$lastUpdatedByDigest": { "type": "string" },
    }));
    let reported = section(&json!({ "$lastUpdated": time }));
    let applied =
        json!({ "type": "object", "properties": { "status": { "type": "string", "examples": ["Applied"] } } });
    [
        ("tags", json!({ "type": "object", "description": "For the service alone: devices never see them" })),
        (
            "properties",
            json!({
                "type": "object",
                "required": ["desired", "reported"],
                "properties": { "desired": desired, "reported": reported },
            }),
        ),
        (
            "configurations",
            json!({
                "type": "object",
                "description": "Those that have written to the twin, by id",
                "additionalProperties": applied,
            }),
        ),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
}

/// A section with what stands beside each of its values.
fn section(metadata: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["$metadata", "$version"],
        "properties": {
            "$metadata": {
                "type": "object",
                "description": "Of the section; the same again for every value in it, under its name",
                "properties": metadata,
                "additionalProperties": { "type": "object" },
            },
            "$version": { "type": "integer", "minimum": 1 },
        },
        "additionalProperties": true,
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
