//! `/jobs`: import and export of identities through blob storage, which a hub of one's own has not (protocol reference
//! 9.2). Tools that list all jobs ask here too, and get none.

use axum::{
    Router,
    http::Uri,
    response::Response,
    routing::{delete, get, post},
};

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json},
    needs,
};
use crate::iothub::ErrorCode;

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let needs = |routes| needs(api, Action::WriteTransfers, routes);
    Router::new()
        .route("/jobs", needs(get(list)))
        .route("/jobs/create", needs(post(create)))
        .route("/jobs/{id}", needs(get(find).merge(delete(find))))
}

async fn list() -> Response {
    json("[]")
}

async fn create() -> Refused {
    let message = "this hub has no blob storage to import from or export to; use the bulk requests and queries";
    Failure::new(ErrorCode::OperationNotAvailableInCurrentTier, message).into()
}

async fn find(uri: Uri) -> Refused {
    Failure::new(ErrorCode::JobNotFound, format!("there is no import or export at {}", uri.path())).into()
}
