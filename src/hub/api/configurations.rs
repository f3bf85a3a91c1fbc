//! `/configurations`, and a content that is applied once (protocol reference 8.2).

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
    routing::{delete, get, post, put},
};
use percent_encoding::percent_decode_str;

use super::{
    super::{auth::Action, core::ConfigurationTrial, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json_with_etag, serialized},
    input::{Content, Id, Precondition},
    needs,
};

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

/// The configuration that the second segment of the path names, decoded once.
struct Name(String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let segment = parts.uri.path().split('/').nth(2).unwrap_or_default();
        let text = percent_decode_str(segment).decode_utf8();
        let text = text.map_err(|_| Failure::invalid("the configuration's id in the path is no UTF-8"))?;
        Ok(Self(text.into_owned()))
    }
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Name(id): Name) -> Result<Response, Refused> {
    let (view, etag) = api.core.configuration(&id).await?;
    Ok(json_with_etag(view.to_string(), &etag))
}

/// All of them, whatever `top` says.
async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    serialized(&api.core.all_configurations().await?)
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Name(id): Name,
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
    Name(id): Name,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Refused> {
    let core = api.core.clone();
    api.write(async move { core.delete_configuration(&id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(content: Content) -> Result<Response, Refused> {
    let trial: ConfigurationTrial = content.parse()?;
    serialized(&trial.errors())
}

async fn apply<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    content: Content,
) -> Result<StatusCode, Refused> {
    let content = content.parse()?;
    let core = api.core.clone();
    api.write(async move { core.apply_configuration(&id, content).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
