//! The description of the REST API (`OpenAPI` 3.1): `GET /openapi.json`, and `docs/openapi.json`.
//!
//! * Each file of handlers has a constant `OPERATIONS` beside its routes, a line or a few for each; [`ALL`] puts them
//!   together. `operation` is how they are written down, `schemas` are the bodies that they name.
//! * [`document`] makes the document of it.
//!
//! A test goes through the router and holds the two to each other.

mod operation;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::{Router, response::Response, routing};
use serde_json::{Map, Value, json};

pub(super) use self::operation::{Operation, Parameter, delete, get, header, patch, post, put, query};
use super::{
    super::{ports::Links, store::Store},
    Api, answer, bulk, certificates, configurations, device, digital, dps, identities, jobs, messages, metrics,
    modules, queries, statistics, transfers, twins, websocket,
};

/// All operations of the API.
const ALL: &[&[Operation]] = &[
    identities::OPERATIONS,
    twins::OPERATIONS,
    queries::OPERATIONS,
    statistics::OPERATIONS,
    metrics::OPERATIONS,
    modules::OPERATIONS,
    bulk::OPERATIONS,
    configurations::OPERATIONS,
    jobs::OPERATIONS,
    transfers::OPERATIONS,
    digital::OPERATIONS,
    messages::OPERATIONS,
    device::OPERATIONS,
    websocket::OPERATIONS,
    certificates::OPERATIONS,
    dps::ENROLLMENT_OPERATIONS,
    dps::REGISTRATION_OPERATIONS,
    dps::DEVICE_OPERATIONS,
    OPERATIONS,
];

/// Routes that are another way to write others: the path, and the one that is described.
#[cfg(test)]
const ALIASES: &[(&str, &str)] = &[
    ("/devices/", "/devices"),
    ("/devices/query", "/devices/{id}"),
    ("/devices/{id}/modules/", "/devices/{id}/modules"),
    ("/devices/{id}/messages/devicebound", "/devices/{id}/messages/deviceBound"),
    ("/devices/{id}/messages/devicebound/{token}", "/devices/{id}/messages/deviceBound/{token}"),
    ("/devices/{id}/messages/devicebound/{token}/abandon", "/devices/{id}/messages/deviceBound/{token}/abandon"),
    ("/configurations/", "/configurations"),
    ("/enrollments/", "/enrollments"),
    ("/enrollmentgroups/{id}/attestationmechanism", "/enrollmentGroups/{id}/attestationmechanism"),
    ("/enrollments/query", "/enrollments/{id}"),
    ("/enrollmentGroups/query", "/enrollmentGroups/{id}"),
];

const OPERATIONS: &[Operation] =
    &[get("/openapi.json", "getOpenApi", "This document").answers("Any").open().unversioned()];

static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

/// The description of the hub's REST API, an `OpenAPI` document as JSON text.
pub fn text() -> &'static str {
    &TEXT
}

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>() -> Router<Api<S, L>> {
    Router::new().route("/openapi.json", routing::get(show))
}

async fn show() -> Response {
    answer::json(text())
}

fn document() -> Value {
    let mut paths = Map::new();
    for operation in ALL.iter().copied().flatten() {
        let path = paths.entry(operation.path()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_ascii_lowercase(), operation.described());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "twinops hub",
            "description": "The service API of Azure IoT Hub, as the twinops hub serves it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{
            "url": "https://{host}", "variables": { "host": { "default": "localhost:8443" } },
        }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": security_schemes(),
            "responses": { "Error": failed("Error"), "ProvisioningError": failed("ProvisioningError") },
            "schemas": schemas::all(),
        },
    })
}

fn security_schemes() -> Value {
    let token =
        |about: &str| json!({ "type": "apiKey", "in": "header", "name": "Authorization", "description": about });
    json!({
        "token": token("SharedAccessSignature sr=…&sig=…&se=…&skn=…; `twinops hub sas-token` prints one"),
        "deviceToken": token("SharedAccessSignature of the device itself"),
        "deviceCertificate": { "type": "mutualTLS", "description": "The certificate of the device itself" },
    })
}

fn failed(schema: &str) -> Value {
    let header = |about: &str| json!({ "schema": { "type": "string" }, "description": about });
    json!({
        "description": "It failed",
        "headers": {
            "iothub-errorcode": header("The name of the error"),
            "x-ms-request-id": header("To find it in the log"),
        },
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
    })
}
