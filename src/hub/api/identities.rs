//! `/devices` (protocol reference 3).

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};

use super::{
    super::{failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, serialized},
    input::{Content, Id, Precondition, parameter},
};
use crate::iothub::{DeviceIdentity, ErrorCode};

/// Most identities in a list, and how many there are if nobody says.
const MOST: usize = 1000;

pub(super) async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Id(id): Id) -> Result<Response, Refused> {
    serialized(&api.core.identity(&id).await?)
}

pub(super) async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>, uri: Uri) -> Result<Response, Refused> {
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

pub(super) async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    Precondition(if_match): Precondition,
    content: Content,
) -> Result<Response, Refused> {
    let body: DeviceIdentity = content.parse()?;
    let core = api.core.clone();
    serialized(&api.write(async move { core.put_identity(&id, body, if_match.as_ref()).await }).await?)
}

pub(super) async fn delete<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Refused> {
    let core = api.core.clone();
    api.write(async move { core.delete_identity(&id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
