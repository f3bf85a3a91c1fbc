//! Counts (protocol reference 3.7), and whether the hub lives.

use axum::{extract::State, response::Response};
use serde_json::json;

use super::{
    super::{failure::Failure, ports::Links, store::Store},
    Api,
    answer::{self, Refused},
};
use crate::iothub::ErrorCode;

pub(super) async fn devices<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    let counts = api.core.counts().await?;
    let body = json!({
        "totalDeviceCount": counts.enabled + counts.disabled,
        "enabledDeviceCount": counts.enabled, "disabledDeviceCount": counts.disabled,
    });
    Ok(answer::json(body.to_string()))
}

pub(super) async fn service<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Response {
    answer::json(json!({ "connectedDeviceCount": api.core.connected() }).to_string())
}

/// The process lives. Needs no credentials and tells nothing else.
pub(super) async fn alive() -> Response {
    answer::json(json!({ "status": "alive" }).to_string())
}

/// Requests can be answered.
pub(super) async fn ready<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    if api.core.is_ready().await {
        return Ok(answer::json(json!({ "status": "ready" }).to_string()));
    }
    Err(Failure::new(ErrorCode::ServiceUnavailable, "the store does not answer").into())
}
