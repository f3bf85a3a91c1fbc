//! What is done to many devices: configurations, jobs, messages.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    json!({
        "Bytes": { "description": "Bytes of any kind" },
        "Configuration": configuration(),
        "ConfigurationContent": content(),
        "ConfigurationErrors": {
            "type": "object",
            "properties": {
                "targetConditionError": { "type": "string" },
                "customMetricQueryErrors": { "type": "object", "additionalProperties": { "type": "string" } },
            },
        },
        "ConfigurationTrial": {
            "type": "object",
            "properties": {
                "targetCondition": { "type": "string" },
                "customMetricQueries": { "type": "object", "additionalProperties": { "type": "string" } },
            },
        },
        "Job": job(),
        "JsonPatch": { "type": "array", "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": { "op": { "type": "string" }, "path": { "type": "string" }, "value": {} },
        } },
        "PurgedMessages": {
            "type": "object",
            "properties": {
                "totalMessagesPurged": { "type": "integer" },
                "deviceId": { "type": "string" },
                "moduleId": { "type": "null" },
            },
        },
        "SentMessage": {
            "type": "object",
            "properties": {
                "messageId": { "type": "string" },
                "sequenceNumber": { "type": "integer" },
                "expiryTimeUtc": { "type": "string", "format": "date-time" },
            },
        },
    })
}

fn content() -> Value {
    let section = json!({ "type": "object", "additionalProperties": true });
    json!({
        "type": "object",
        "properties": { "deviceContent": section, "modulesContent": section, "moduleContent": section },
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
            "labels": { "type": ["object", "null"] },
            "content": { "$ref": "#/components/schemas/ConfigurationContent" },
            "targetCondition": { "type": "string" },
            "priority": { "type": "integer" },
            "createdTimeUtc": time,
            "lastUpdatedTimeUtc": time,
            "systemMetrics": { "type": "object", "readOnly": true },
            "metrics": metrics,
            "etag": { "type": "string", "readOnly": true },
        },
    })
}

fn job() -> Value {
    let told = json!({ "type": ["string", "null"], "readOnly": true });
    json!({
        "type": "object",
        "properties": {
            "jobId": { "type": "string" },
            "type": { "type": "string", "examples": ["scheduleUpdateTwin", "scheduleDeviceMethod"] },
            "queryCondition": { "type": "string" },
            "updateTwin": { "type": ["object", "null"] },
            "cloudToDeviceMethod": { "type": ["object", "null"] },
            "startTime": { "type": "string", "format": "date-time" },
            "maxExecutionTimeInSeconds": { "type": "integer" },
            "createdTime": told,
            "endTime": told,
            "status": { "type": "string", "readOnly": true },
            "failureReason": told,
            "statusMessage": told,
            "deviceJobStatistics": { "type": "object", "readOnly": true },
        },
    })
}
