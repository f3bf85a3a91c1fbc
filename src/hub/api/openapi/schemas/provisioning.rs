//! Bodies of devices that register, and errors of the provisioning service.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    let state = json!({ "$ref": "#/components/schemas/Registration" });
    json!({
        "ProvisioningError": {
            "type": "object",
            "properties": {
                "errorCode": { "type": "integer" },
                "message": { "type": "string" },
                "trackingId": { "type": "string" },
                "timestampUtc": { "type": "string" },
            },
        },
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
