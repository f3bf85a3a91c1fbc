//! What is done to many devices: configurations and jobs.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    json!({
        "Bytes": { "description": "Bytes of any kind" },
        "CertificateProof": {
            "type": "object",
            "required": ["certificate"],
            "properties": { "certificate": { "type": "string", "description": "PEM, or base64 of DER" } },
        },
        "Configuration": configuration(),
        "ConfigurationContent": content(),
        "ConfigurationErrors": errors(),
        "ConfigurationTrial": trial(),
        "AnyJob": { "anyOf": [
            { "$ref": "#/components/schemas/Job" },
            {
                "type": "object",
                "required": ["type", "status"],
                "properties": { "type": { "const": "unknown" }, "status": { "const": "unknown" } },
            },
        ] },
        "JobRequest": job_request(),
        "JsonPatch": { "type": "array", "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": { "op": { "type": "string" }, "path": { "type": "string" }, "value": {} },
        } },
    })
}

fn content() -> Value {
    let section = json!({ "type": "object", "additionalProperties": true });
    json!({
        "type": "object",
        "properties": { "deviceContent": section, "modulesContent": section, "moduleContent": section },
    })
}

fn errors() -> Value {
    json!({
        "type": "object",
        "properties": {
            "targetConditionError": { "type": "string" },
            "customMetricQueryErrors": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    })
}

fn trial() -> Value {
    json!({
        "type": "object",
        "properties": {
            "targetCondition": { "type": "string" },
            "customMetricQueries": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    })
}

fn configuration() -> Value {
    let time = json!({ "type": "string", "format": "date-time", "readOnly": true });
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let results = json!({ "type": "object", "additionalProperties": { "type": "integer" }, "readOnly": true });
    let metrics = json!({ "type": "object", "properties": { "queries": texts, "results": results } });
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "schemaVersion": { "type": ["string", "null"] },
            "labels": { "type": ["object", "null"], "additionalProperties": { "type": "string" } },
            "content": { "$ref": "#/components/schemas/ConfigurationContent" },
            "targetCondition": { "type": "string" },
            "priority": { "type": "integer" },
            "createdTimeUtc": time,
            "lastUpdatedTimeUtc": time,
            "systemMetrics": { "allOf": [metrics], "readOnly": true },
            "metrics": metrics,
            "etag": { "type": "string", "readOnly": true },
        },
    })
}

fn job_request() -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {
            "jobId": { "type": "string", "maxLength": 64 },
            "type": { "enum": ["scheduleUpdateTwin", "scheduleDeviceMethod"] },
            "queryCondition": { "type": "string", "examples": ["*", "tags.site = 'oslo'"] },
            "updateTwin": { "$ref": "#/components/schemas/TwinPatch" },
            "cloudToDeviceMethod": { "$ref": "#/components/schemas/MethodCall" },
            "startTime": { "type": "string", "format": "date-time", "description": "At most 168 hours ahead" },
            "maxExecutionTimeInSeconds": { "type": "integer", "minimum": 1 },
        },
    })
}
