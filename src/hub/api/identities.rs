//! `/devices` (protocol reference 3).

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
    routing::{delete, get, put},
};

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, serialized},
    input::{Content, Id, Precondition, parameter},
    needs,
    openapi::{self, Operation},
};
use crate::iothub::{DeviceIdentity, ErrorCode};

/// Most identities in a list, and how many there are if nobody says.
const MOST: usize = 1000;

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/devices", "listDevices", "The first identities in the order of their ids")
        .with(&[openapi::query("top", "How many, at most 1000")])
        .answers("[DeviceIdentity]"),
    openapi::get("/devices/{id}", "getDevice", "One identity, keys included").answers("DeviceIdentity"),
    openapi::put("/devices/{id}", "putDevice", "Creates an identity, or with If-Match replaces it")
        .takes("DeviceIdentity")
        .if_match()
        .answers("DeviceIdentity"),
    openapi::delete("/devices/{id}", "deleteDevice", "Deletes an identity with its twin; needs If-Match")
        .if_match()
        .status(204),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let identity = || {
        needs(api, Action::ReadDevices, get(read)).merge(needs(api, Action::WriteDevices, put(write))).merge(needs(
            api,
            Action::DeleteDevices,
            delete(remove),
        ))
    };
    let all = || needs(api, Action::ReadDevices, get(list));
    Router::new()
        .route("/devices", all())
        .route("/devices/", all())
        .route("/devices/{id}", identity())
        // A device may be called `query`.
        .route("/devices/query", identity())
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Id(id): Id) -> Result<Response, Refused> {
    serialized(&api.core.identity(&id).await?)
}

async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>, uri: Uri) -> Result<Response, Refused> {
    let top = match parameter(&uri, "top") {
        None => MOST,
        Some(text) => text.parse().ok().filter(|top| (1..=MOST).contains(top)).ok_or_else(|| {
            Failure::new(
                ErrorCode::DeviceInvalidResultCount,
                format!("top goes from 1 to {MOST}; use a query for more"),
            )
        })?,
    };
    serialized(&api.core.identities(top).await?)
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    Precondition(if_match): Precondition,
    content: Content,
) -> Result<Response, Refused> {
    let body: DeviceIdentity = content.object()?;
    let core = api.core.clone();
    serialized(&api.write(async move { core.put_identity(&id, body, if_match.as_ref()).await }).await?)
}

async fn remove<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Refused> {
    let core = api.core.clone();
    api.write(async move { core.delete_identity(&id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
