//! Devices that register over HTTPS (protocol reference 13.2). They are no devices of the hub yet, so that the core
//! itself finds out who they are.

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{
        HeaderValue, StatusCode, Uri,
        header::{AUTHORIZATION, LOCATION, RETRY_AFTER},
        request::Parts,
    },
    response::Response,
    routing::{get, post, put},
};

use super::{
    super::{
        super::{
            ports::{Links, PeerCertificates, Registrant},
            store::Store,
        },
        Api,
        admit::check_version,
        answer::{json, serialized},
        input::{Content, parameter},
    },
    Declined, name, segment,
};

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>() -> Router<Api<S, L>> {
    Router::new()
        .route("/{scope}/registrations/{id}", post(status::<S, L>))
        .route("/{scope}/registrations/{id}/register", put(register::<S, L>))
        .route("/{scope}/registrations/{id}/operations/{operation}", get(operation::<S, L>))
}

/// Who says that they are to register.
struct Caller(Registrant);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Declined;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Declined> {
        check_version(parameter(&parts.uri, "api-version").as_deref())?;
        let token = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        Ok(Self(Registrant {
            id_scope: segment(&parts.uri, 1)?.into_owned(),
            id: name(&parts.uri, 3)?,
            token: token.map(|token| token.to_owned().into()),
            certificates: parts.extensions.get::<PeerCertificates>().cloned().unwrap_or_default(),
        }))
    }
}

async fn register<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(who): Caller,
    uri: Uri,
    Content(body): Content,
) -> Result<Response, Declined> {
    let (core, scope) = (api.core.clone(), who.id_scope.clone());
    let place = format!("/{scope}/registrations/{}/operations", who.id);
    let answer = api.write(async move { core.register(&who, &body).await }).await?;
    let mut response = json(answer.body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::ACCEPTED);
    let headers = response.headers_mut();
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    let location = answer.operation.map(|id| format!("{place}/{id}?{}", uri.query().unwrap_or_default()));
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        headers.insert(LOCATION, location);
    }
    Ok(response)
}

async fn operation<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(who): Caller,
    uri: Uri,
) -> Result<Response, Declined> {
    let answer = api.core.registered(&who, &segment(&uri, 5)?).await?;
    Ok(json(answer.body))
}

async fn status<S: Store, L: Links>(State(api): State<Api<S, L>>, Caller(who): Caller) -> Result<Response, Declined> {
    Ok(serialized(&api.core.registration_of(&who).await?)?)
}
