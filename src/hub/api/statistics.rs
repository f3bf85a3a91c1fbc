//! Counts (protocol reference 3.7), and whether the hub lives.

use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::json;

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{self, Refused},
    needs,
    openapi::{self, Operation},
};
use crate::iothub::ErrorCode;

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/statistics/devices", "getDeviceStatistics", "How many devices there are")
        .answers("DeviceStatistics"),
    openapi::get("/statistics/service", "getServiceStatistics", "How many are connected").answers("ServiceStatistics"),
    openapi::get("/healthz", "isAlive", "The process lives").answers("Status").open().unversioned(),
    openapi::get("/readyz", "isReady", "Requests can be answered").answers("Status").open().unversioned(),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    Router::new()
        .route("/statistics/devices", needs(api, Action::ReadDeviceStatistics, get(devices)))
        .route("/statistics/service", needs(api, Action::ReadServiceStatistics, get(service)))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
}

async fn devices<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    let counts = api.core.counts().await?;
    let body = json!({
        "totalDeviceCount": counts.enabled + counts.disabled,
        "enabledDeviceCount": counts.enabled, "disabledDeviceCount": counts.disabled,
    });
    Ok(answer::json(body.to_string()))
}

async fn service<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Response {
    answer::json(json!({ "connectedDeviceCount": api.core.connected() }).to_string())
}

/// The process lives. Needs no credentials and tells nothing else.
async fn alive() -> Response {
    answer::json(json!({ "status": "alive" }).to_string())
}

/// Requests can be answered.
async fn ready<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    if api.core.is_ready().await {
        return Ok(answer::json(json!({ "status": "ready" }).to_string()));
    }
    Err(Failure::new(ErrorCode::ServiceUnavailable, "the hub is closing, or its store does not answer").into())
}
