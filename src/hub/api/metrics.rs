//! `GET /metrics`: for Prometheus.

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
    routing::get,
};

use super::{
    super::{auth::Action, ports::Links, store::Store},
    Api, answer, needs,
    openapi::{self, Operation},
};

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

pub(super) const OPERATIONS: &[Operation] =
    &[openapi::get("/metrics", "getMetrics", "Counts of the hub (OpenMetrics)")
        .answers("Text")
        .content("application/openmetrics-text")
        .unversioned()];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    Router::new().route("/metrics", needs(api, Action::ReadServiceStatistics, get(metrics)))
}

/// The same for an address of its own, where nobody is asked for credentials.
pub(crate) fn open_router<S: Store, L: Links>(api: &Api<S, L>) -> Router {
    Router::new().route("/metrics", get(metrics)).fallback(answer::no_route).with_state(api.clone())
}

async fn metrics<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Response {
    let meter = api.core.meter();
    meter.links(api.core.connected());
    let mut response = Response::new(meter.text().into());
    response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    response
}
