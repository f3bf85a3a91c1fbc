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

pub(super) use self::operation::{Operation, delete, get, header, patch, post, put, query};
use super::{
    super::{ports::Links, store::Store},
    Api, answer, identities, metrics, queries, statistics, twins,
};

/// All operations of the API.
const ALL: &[&[Operation]] = &[
    identities::OPERATIONS,
    twins::OPERATIONS,
    queries::OPERATIONS,
    statistics::OPERATIONS,
    metrics::OPERATIONS,
    OPERATIONS,
];

/// Routes that are another way to write others: the path, and the one that is described.
#[cfg(test)]
const ALIASES: &[(&str, &str)] = &[("/devices/", "/devices"), ("/devices/query", "/devices/{id}")];

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
            "securitySchemes": { "token": {
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "SharedAccessSignature sr=…&sig=…&se=…&skn=…; `twinops hub sas-token` prints one",
            } },
            "responses": { "Error": {
                "description": "It failed",
                "headers": {
                    "iothub-errorcode": { "schema": { "type": "string" }, "description": "The name of the error" },
                    "x-ms-request-id": { "schema": { "type": "string" }, "description": "To find it in the log" },
                },
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            } },
            "schemas": schemas::all(),
        },
    })
}
