//! `/twins` and direct methods, of devices and of modules (protocol reference 4, 7).

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, patch, post},
};

use super::{
    super::{auth::Action, core::MethodCall, ports::Links, record::Mode, store::Store},
    Api,
    answer::{Refused, json, json_with_etag},
    input::{Content, Link, Precondition},
    needs,
    openapi::{self, Operation},
};

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/twins/{id}", "getTwin", "The whole twin").answers("Twin").etag(),
    openapi::patch("/twins/{id}", "updateTwin", "Merges into tags and desired properties")
        .takes("TwinPatch")
        .if_match()
        .answers("Twin")
        .etag(),
    openapi::put("/twins/{id}", "replaceTwin", "Replaces tags and desired properties")
        .takes("TwinPatch")
        .if_match()
        .answers("Twin")
        .etag(),
    openapi::post("/twins/{id}/methods", "invokeDeviceMethod", "Calls a method of the device and waits for its answer")
        .takes("MethodCall")
        .answers("MethodAnswer"),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let twin =
        || needs(api, Action::ReadTwins, get(read)).merge(needs(api, Action::WriteTwins, patch(merge).put(replace)));
    let methods = || needs(api, Action::Invoke, post(call));
    Router::new()
        .route("/twins/{id}", twin())
        .route("/twins/{id}/methods", methods())
        .route("/twins/{id}/modules/{module}", twin())
        .route("/twins/{id}/modules/{module}/methods", methods())
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Link(link): Link) -> Result<Response, Refused> {
    let (text, etag) = api.core.twin(&link).await?;
    Ok(json_with_etag(text, &etag))
}

async fn merge<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    link: Link,
    precondition: Precondition,
    content: Content,
) -> Result<Response, Refused> {
    write(api, link, precondition, content, Mode::Merge).await
}

async fn replace<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    link: Link,
    precondition: Precondition,
    content: Content,
) -> Result<Response, Refused> {
    write(api, link, precondition, content, Mode::Replace).await
}

async fn write<S: Store, L: Links>(
    api: Api<S, L>,
    Link(link): Link,
    Precondition(if_match): Precondition,
    Content(body): Content,
    mode: Mode,
) -> Result<Response, Refused> {
    let core = api.core.clone();
    let write = async move { core.write_twin(&link, &body, mode, if_match.as_ref()).await };
    let (text, etag) = api.write(write).await?;
    Ok(json_with_etag(text, &etag))
}

/// A client that hangs up gives the call up.
async fn call<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Link(link): Link,
    Content(body): Content,
) -> Result<Response, Refused> {
    let call = MethodCall::parse(&body).map_err(Refused::nested)?;
    api.core.call(&link, call).await.map(json).map_err(Refused::nested)
}
