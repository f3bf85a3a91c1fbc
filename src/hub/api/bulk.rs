//! Many identities in one request: `POST /devices` and `POST /devices/keys/regenerate` (protocol reference 3.6, 3.8).

use axum::{Router, extract::State, response::Response, routing::post};

use super::{
    super::{auth::Action, ports::Links, store::Store},
    Api,
    answer::{Refused, failed_in_part, serialized},
    input::Content,
    needs,
};
use crate::iothub::{BulkEntry, ErrorCode, KeyRenewal};

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let bulk = || needs(api, Action::WriteDevices, post(write));
    Router::new()
        .route("/devices", bulk())
        .route("/devices/", bulk())
        .route("/devices/keys/regenerate", needs(api, Action::WriteDevices, post(renew_keys)))
}

async fn write<S: Store, L: Links>(State(api): State<Api<S, L>>, content: Content) -> Result<Response, Refused> {
    let entries: Vec<BulkEntry> = content.parse()?;
    let core = api.core.clone();
    let result = api.write(async move { core.bulk(entries).await }).await?;
    if result.is_successful {
        return serialized(&result);
    }
    failed_in_part(&result, ErrorCode::BulkRegistryOperationFailure)
}

async fn renew_keys<S: Store, L: Links>(State(api): State<Api<S, L>>, content: Content) -> Result<Response, Refused> {
    let renewal: KeyRenewal = content.object()?;
    let core = api.core.clone();
    serialized(&api.write(async move { core.renew_keys(renewal).await }).await?)
}
