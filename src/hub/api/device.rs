//! What devices do over HTTPS (protocol reference 12): send telemetry, fetch messages. No twins and no methods.
//!
//! A device proves itself with its own token or certificate, and touches nothing but itself; the permissions of the
//! service API count nothing here.

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, Uri, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};

use super::{
    super::{
        core::Settlement,
        failure::Failure,
        ports::{DeviceService as _, LinkId, Links, PeerCertificates, Refusal},
        store::Store,
    },
    Api,
    admit::check_version,
    answer::Refused,
    input::{Content, Id, Segment, parameter},
    message_headers,
    openapi::{self, Operation},
};
use crate::{
    iothub::{ETag, ErrorCode},
    twin::DeviceId,
};

/// Most bytes of telemetry in one message.
const TELEMETRY: usize = 256 * 1024;

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::post(
        "/devices/{id}/messages/events",
        "sendTelemetry",
        "Takes telemetry of up to 256 KiB; headers are its properties",
    )
    .by_device()
    .takes("Bytes")
    .status(204),
    openapi::get(
        "/devices/{id}/messages/deviceBound",
        "receiveMessage",
        "Holds the next message for the device; 204 if there is none",
    )
    .or_nothing()
    .by_device()
    .answers("Bytes")
    .content("application/octet-stream")
    .etag(),
    openapi::delete(
        "/devices/{id}/messages/deviceBound/{token}",
        "completeMessage",
        "Completes a message, or rejects it",
    )
    .by_device()
    .with(&[openapi::query("reject", "Its presence rejects the message")])
    .status(204),
    openapi::post(
        "/devices/{id}/messages/deviceBound/{token}/abandon",
        "abandonMessage",
        "Puts a message back into the queue",
    )
    .by_device()
    .status(204),
    openapi::post("/devices/{id}/files", "startUpload", "Always refused: this hub has no storage for files")
        .by_device()
        .refused(),
    openapi::post(
        "/devices/{id}/files/notifications",
        "finishUpload",
        "Always refused: this hub has no storage for files",
    )
    .by_device()
    .refused(),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>() -> Router<Api<S, L>> {
    let mut routes = Router::new()
        .route("/devices/{id}/messages/events", post(telemetry))
        .route("/devices/{id}/files", post(no_files))
        .route("/devices/{id}/files/notifications", post(no_files));
    // SDKs write it in either way.
    for bound in ["deviceBound", "devicebound"] {
        let path = format!("/devices/{{id}}/messages/{bound}");
        routes = routes
            .route(&path, get(receive))
            .route(&format!("{path}/{{token}}"), delete(complete))
            .route(&format!("{path}/{{token}}/abandon"), post(abandon));
    }
    routes
}

/// The device that the path names, and that has proved to be the one that asks.
struct Caller(DeviceId);

impl<S: Store, L: Links> FromRequestParts<Api<S, L>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api<S, L>) -> Result<Self, Refused> {
        check_version(parameter(&parts.uri, "api-version").as_deref())?;
        let Id(device) = Id::from_request_parts(parts, api).await?;
        let token = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = parts.extensions.get::<PeerCertificates>().cloned().unwrap_or_default();
        let link = LinkId { device, module: None };
        match api.core.admit_request(&link, token, &shown.0).await {
            Ok(()) => Ok(Self(link.device)),
            Err(refusal) => {
                if refusal == Refusal::NotAuthorized {
                    api.failed(parts.extensions.get());
                }
                Err(refused(refusal).into())
            }
        }
    }
}

/// The device learns no more than that it may not.
fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::NotAuthorized => {
            let message = "Unauthorized: no valid token or certificate of this device; check key, name and clock";
            Failure::new(ErrorCode::IotHubUnauthorized, message)
        }
        Refusal::Unavailable => {
            Failure::new(ErrorCode::ServiceUnavailable, "the hub cannot tell now who this is; try again later")
        }
    }
}

async fn telemetry<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(device): Caller,
    headers: HeaderMap,
    Content(payload): Content,
) -> Result<StatusCode, Refused> {
    if payload.len() > TELEMETRY {
        let message = format!("a message of a device has at most {TELEMETRY} bytes");
        return Err(Failure::new(ErrorCode::MessageTooLarge, message).into());
    }
    let properties = message_headers::properties(&headers).to_string();
    let link = LinkId { device, module: None };
    let taken = api.core.telemetry(&link, &properties, payload).await;
    taken.map_err(|fault| {
        let code = ErrorCode::from_number(fault.code.into()).unwrap_or(ErrorCode::ServerError);
        Failure::new(code, fault.message)
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn receive<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(device): Caller,
) -> Result<Response, Refused> {
    let (core, id) = (api.core.clone(), device.clone());
    let message = api.write(async move { core.receive_message(&id).await }).await?;
    let Some(message) = message else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    Ok(message_headers::answer(message, Some(&format!("/devices/{device}/messages/devicebound"))))
}

async fn complete<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(device): Caller,
    uri: Uri,
    Segment(token): Segment<5>,
) -> Result<StatusCode, Refused> {
    let rejects = parameter(&uri, "reject").is_some();
    settle(&api, device, &token, if rejects { Settlement::Reject } else { Settlement::Complete }).await
}

async fn abandon<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Caller(device): Caller,
    Segment(token): Segment<5>,
) -> Result<StatusCode, Refused> {
    settle(&api, device, &token, Settlement::Abandon).await
}

async fn settle<S: Store, L: Links>(
    api: &Api<S, L>,
    device: DeviceId,
    token: &str,
    how: Settlement,
) -> Result<StatusCode, Refused> {
    let (core, token) = (api.core.clone(), ETag::parse(token));
    api.write(async move { core.settle_message(&device, token.as_str(), how).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// There is no storage account behind this hub.
async fn no_files(_: Caller) -> Refused {
    let message = "this hub has no storage for files of devices; send them elsewhere";
    Failure::new(ErrorCode::OperationNotAvailableInCurrentTier, message).into()
}
