//! Listening: webhooks that say when to look, and the metrics.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::Notify};

use super::{
    hook::{Hook, Proof},
    metrics::Metrics,
};
use crate::{
    hub::web::{self, Tls},
    task::Group,
};

/// Most bytes of a webhook's body, all of which are signed.
const BODY: usize = 4 << 20;
/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}")]
pub(super) struct ListenError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

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

/// Serves until the group ends; where.
pub(super) async fn serve(
    address: SocketAddr,
    routes: Router,
    tls: Option<Tls>,
    group: &mut Group,
) -> Result<SocketAddr, ListenError> {
    let failed = |cause| ListenError { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let stop = group.stop().clone();
    group.spawn("listen", async move {
        web::serve(listener, routes, tls, stop).await;
    });
    Ok(bound)
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
