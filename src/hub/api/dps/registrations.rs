//! `/registrations`: what came of registrations, for operators (protocol reference 13.3).

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{delete, get, post},
};

use super::{
    super::{
        super::{auth::Action, ports::Links, store::Store},
        Api,
        answer::serialized,
        input::{Precondition, header},
        queries::{CONTINUATION, PAGE_SIZE, page_size},
    },
    Declined, Name, needs, page,
};

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let one =
        needs(api, Action::ReadEnrollments, get(read)).merge(needs(api, Action::WriteEnrollments, delete(remove)));
    Router::new()
        .route("/registrations/{id}", one)
        .route("/registrations/{id}/query", needs(api, Action::ReadEnrollments, post(query)))
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Name(id): Name) -> Result<Response, Declined> {
    Ok(serialized(&api.core.registration(&id).await?)?)
}

async fn remove<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Name(id): Name,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Declined> {
    let core = api.core.clone();
    api.write(async move { core.delete_registration(&id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Those of a group.
async fn query<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Name(group): Name,
    headers: HeaderMap,
) -> Result<Response, Declined> {
    let size = page_size(header(&headers, PAGE_SIZE))?;
    let token = header(&headers, CONTINUATION.as_str()).filter(|token| !token.is_empty());
    Ok(page(api.core.registrations(&group, size, token).await?, "deviceRegistration"))
}
