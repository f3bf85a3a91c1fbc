//! What is listened for: webhooks that say when to look, and whoever reads the metrics.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use tokio::sync::Notify;

use super::{
    hook::{Hook, Proof},
    metrics::Metrics,
};
/// Most bytes of a webhook's body, all of which are signed.
const BODY: usize = 4 << 20;
/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where a push is told.
pub(super) fn webhook(hook: Hook, nudge: Arc<Notify>) -> Router {
    let state = Arc::new((hook, nudge));
    Router::new().route("/webhook", post(pushed)).layer(DefaultBodyLimit::max(BODY)).with_state(state)
}

/// Where the metrics are read.
pub(super) fn metrics(metrics: Arc<Metrics>) -> Router {
    let read = async |State(metrics): State<Arc<Metrics>>| ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.render());
    Router::new().route("/metrics", get(read)).with_state(metrics)
}

/// It says when, never what: of the body, only the signature counts.
async fn pushed(State(state): State<Arc<(Hook, Arc<Notify>)>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (hook, nudge) = &*state;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let proof = Proof {
        signature: header("x-hub-signature-256"),
        token: header("x-gitlab-token"),
        authorization: header("authorization"),
    };
    if !hook.is_proven(proof, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    // One that still waits stands for this one too.
    nudge.notify_one();
    StatusCode::ACCEPTED
}
