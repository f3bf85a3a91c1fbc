//! The pages, one a file.

mod change;
mod device;
mod devices;
mod drift;
mod facets;
mod fleet;
mod method;
mod query;
mod rollouts;
mod values;

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tower_http::compression::CompressionLayer;

use super::{Portal, accounts, assets, error::PageError, gate, live};

impl Portal {
    /// All pages.
    pub fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/", get(fleet::show))
            .route("/history.json", get(fleet::history))
            .route("/devices", get(devices::show))
            .route("/devices/{id}", get(device::show))
            .route("/devices/{id}/methods", post(method::call))
            .route("/drift", get(drift::show))
            .route("/rollouts", get(rollouts::show))
            .merge(change::routes())
            .route("/live", get(live::live))
            .route("/enter/{word}", get(gate::enter))
            .route("/sign-in", get(accounts::leave))
            .route("/callback", get(accounts::arrive))
            .route("/sign-out", post(gate::leave))
            .route("/assets/{name}", get(assets::serve))
            .route("/healthz", get(|| async { ([(header::CONTENT_TYPE, "text/plain")], "ok\n") }))
            .fallback(|| async { PageError::NoPage })
            .layer(CompressionLayer::new())
            .layer(from_fn_with_state(Arc::clone(&self), gate::headers))
            .with_state(self)
    }
}
