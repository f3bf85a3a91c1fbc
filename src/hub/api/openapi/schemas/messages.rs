//! Messages to devices, and what became of them.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    json!({
        "Feedback": {
            "type": "object",
            "required": ["originalMessageId", "statusCode"],
            "properties": {
                "originalMessageId": { "type": "string" },
                "enqueuedTimeUtc": { "type": "string", "format": "date-time" },
                "statusCode": { "enum": ["Success", "Expired", "DeliveryCountExceeded", "Rejected", "Purged"] },
                "description": { "type": "string" },
                "deviceId": { "type": "string" },
                "deviceGenerationId": { "type": "string" },
            },
        },
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
