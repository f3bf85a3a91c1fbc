//! Many identities in one request: `POST /devices` and `POST /devices/keys/regenerate` (protocol reference 3.6, 3.8).

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::post};

use super::{
    super::{auth::Action, ports::Links, store::Store},
    Api,
    admit::permits,
    answer::{Refused, failed_in_part, serialized},
    input::Content,
    needs,
    openapi::{self, Operation},
};
use crate::iothub::{BulkEntry, ErrorCode, ImportMode, KeyRenewal};

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::post("/devices", "bulkDevices", "Writes up to 100 identities; 400 with the same body if some failed")
        .takes("[BulkEntry]")
        .answers("BulkResult"),
    openapi::post("/devices/keys/regenerate", "renewKeys", "Gives devices and modules new keys")
        .takes("KeyRenewal")
        .answers("KeyRenewalResult"),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let bulk = || needs(api, Action::WriteDevices, post(write));
    Router::new()
        .route("/devices", bulk())
        .route("/devices/", bulk())
        .route("/devices/keys/regenerate", needs(api, Action::WriteDevices, post(renew_keys)))
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    headers: HeaderMap,
    content: Content,
) -> Result<Response, Refused> {
    let entries: Vec<BulkEntry> = content.parse()?;
    for action in actions(&entries) {
        permits(&api, &headers, action).await?;
    }
    let core = api.core.clone();
    let result = api.write(async move { core.bulk(entries).await }).await?;
    if result.is_successful {
        return serialized(&result);
    }
    failed_in_part(&result, ErrorCode::BulkRegistryOperationFailure)
}

/// What entries take besides writing identities: roles may permit one and not the other (protocol reference 1.6).
fn actions(entries: &[BulkEntry]) -> Vec<Action> {
    let deletes = |mode| matches!(mode, ImportMode::Delete | ImportMode::DeleteIfMatchETag);
    // With a new identity its first twin is part of what is made.
    let writes_twin = |entry: &BulkEntry| match entry.import_mode {
        ImportMode::UpdateTwin | ImportMode::UpdateTwinIfMatchETag => true,
        ImportMode::Create => false,
        mode => !deletes(mode) && (entry.tags.is_some() || entry.properties.is_some()),
    };
    let wanted = [
        (entries.iter().any(|entry| deletes(entry.import_mode)), Action::DeleteDevices),
        (entries.iter().any(writes_twin), Action::ImportTwins),
    ];
    wanted.into_iter().filter_map(|(is_wanted, action)| is_wanted.then_some(action)).collect()
}

async fn renew_keys<S: Store, L: Links>(State(api): State<Api<S, L>>, content: Content) -> Result<Response, Refused> {
    let renewal: KeyRenewal = content.object()?;
    let core = api.core.clone();
    serialized(&api.write(async move { core.renew_keys(renewal).await }).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn deletions_and_twins_are_permitted_apart_from_identities() {
        let of = |entry: Value| actions(&[serde_json::from_value(entry).unwrap()]);
        for mode in ["create", "update", "createOrUpdate", "updateIfMatchETag"] {
            assert_eq!(of(json!({"id": "d1", "importMode": mode})), [], "{mode}");
        }
        assert_eq!(of(json!({"id": "d1", "importMode": "create", "tags": {}})), []);
        assert_eq!(of(json!({"id": "d1", "importMode": "delete", "tags": {}})), [Action::DeleteDevices]);
        assert_eq!(of(json!({"id": "d1", "importMode": "deleteIfMatchETag"})), [Action::DeleteDevices]);
        assert_eq!(of(json!({"id": "d1", "importMode": "updateTwin"})), [Action::ImportTwins]);
        assert_eq!(of(json!({"id": "d1", "properties": {"desired": {}}})), [Action::ImportTwins]);
    }
}
