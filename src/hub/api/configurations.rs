//! `/configurations`, and a content that is applied once (protocol reference 8.2).

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{delete, get, post, put},
};

use super::{
    super::{auth::Action, core::ConfigurationTrial, ports::Links, store::Store},
    Api,
    answer::{Refused, json_with_etag, serialized},
    input::{Content, Id, Precondition, Segment},
    needs,
    openapi::{self, Operation},
};

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/configurations", "listConfigurations", "All configurations").answers("[Configuration]"),
    openapi::post(
        "/configurations/testQueries",
        "testConfigurationQueries",
        "Says what is wrong with a condition and queries",
    )
    .takes("ConfigurationTrial")
    .answers("ConfigurationErrors"),
    openapi::get("/configurations/{id}", "getConfiguration", "One configuration").answers("Configuration").etag(),
    openapi::put("/configurations/{id}", "putConfiguration", "Creates a configuration, or with If-Match replaces it")
        .takes("Configuration")
        .if_match()
        .answers("Configuration")
        .etag(),
    openapi::delete("/configurations/{id}", "deleteConfiguration", "Deletes a configuration").if_match().status(204),
    openapi::post(
        "/devices/{id}/applyConfigurationContent",
        "applyConfigurationContent",
        "Applies a content once to an edge device",
    )
    .takes("ConfigurationContent")
    .status(204),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let one = needs(api, Action::ReadConfigurations, get(read))
        .merge(needs(api, Action::WriteConfigurations, put(write)))
        .merge(needs(api, Action::DeleteConfigurations, delete(remove)));
    let all = || needs(api, Action::ReadConfigurations, get(list));
    Router::new()
        .route("/configurations", all())
        .route("/configurations/", all())
        .route("/configurations/testQueries", needs(api, Action::TestConfigurations, post(test)))
        .route("/configurations/{id}", one)
        .route("/devices/{id}/applyConfigurationContent", needs(api, Action::ApplyConfigurations, post(apply)))
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Segment(id): Segment<2>) -> Result<Response, Refused> {
    let (view, etag) = api.core.configuration(&id).await?;
    Ok(json_with_etag(view.to_string(), &etag))
}

/// All of them, whatever `top` says.
async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    serialized(&api.core.all_configurations().await?)
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(id): Segment<2>,
    Precondition(if_match): Precondition,
    Content(body): Content,
) -> Result<Response, Refused> {
    let core = api.core.clone();
    let write = async move { core.put_configuration(&id, &body, if_match.as_ref()).await };
    let (view, etag) = api.write(write).await?;
    Ok(json_with_etag(view.to_string(), &etag))
}

async fn remove<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(id): Segment<2>,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Refused> {
    let core = api.core.clone();
    api.write(async move { core.delete_configuration(&id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(content: Content) -> Result<Response, Refused> {
    let trial: ConfigurationTrial = content.object()?;
    serialized(&trial.errors())
}

async fn apply<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    content: Content,
) -> Result<StatusCode, Refused> {
    let content = content.object()?;
    let core = api.core.clone();
    api.write(async move { core.apply_configuration(&id, content).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
