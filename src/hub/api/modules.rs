//! `/devices/{id}/modules` (protocol reference 3.3).

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{delete, get, put},
};

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, serialized},
    input::{Content, Id, Link, Precondition},
    needs,
    openapi::{self, Operation},
};
use crate::iothub::{ErrorCode, ModuleIdentity};

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/devices/{id}/modules", "listModules", "All modules of a device").answers("[ModuleIdentity]"),
    openapi::get("/devices/{id}/modules/{module}", "getModule", "One module, keys included").answers("ModuleIdentity"),
    openapi::put("/devices/{id}/modules/{module}", "putModule", "Creates a module, or with If-Match replaces it")
        .takes("ModuleIdentity")
        .if_match()
        .answers("ModuleIdentity"),
    openapi::delete("/devices/{id}/modules/{module}", "deleteModule", "Deletes a module with its twin")
        .if_match()
        .status(204),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let module = needs(api, Action::ReadDevices, get(read))
        .merge(needs(api, Action::WriteDevices, put(write)))
        .merge(needs(api, Action::DeleteDevices, delete(remove)));
    let all = || needs(api, Action::ReadDevices, get(list));
    Router::new()
        .route("/devices/{id}/modules", all())
        .route("/devices/{id}/modules/", all())
        .route("/devices/{id}/modules/{module}", module)
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Link(link): Link) -> Result<Response, Refused> {
    serialized(&api.core.module(&link).await?)
}

async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>, Id(id): Id) -> Result<Response, Refused> {
    serialized(&api.core.modules(&id).await?)
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Link(link): Link,
    Precondition(if_match): Precondition,
    content: Content,
) -> Result<Response, Refused> {
    let body: ModuleIdentity = content.object()?;
    let core = api.core.clone();
    let write = async move { core.put_module(&link, body, if_match.as_ref()).await };
    serialized(&api.write(write).await.map_err(refused)?)
}

async fn remove<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Link(link): Link,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Refused> {
    let core = api.core.clone();
    api.write(async move { core.delete_module(&link, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// That a module is there already has an envelope of its own (protocol reference 2.4).
fn refused(failure: Failure) -> Refused {
    if failure.code == ErrorCode::ModuleAlreadyExistsOnDevice { Refused::flat(failure) } else { failure.into() }
}
