//! Answers, errors included (protocol reference 2.1, 2.4).

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, StatusCode, Uri,
        header::{ALLOW, CONTENT_TYPE, ETAG, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};

use super::{
    super::{failure::Failure, time},
    observe::request_id,
};
use crate::iothub::{ETag, Envelope, ErrorAnswer, ErrorCode};

/// SDKs parse a body only if it says this.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const ERROR_CODE: HeaderName = HeaderName::from_static("iothub-errorcode");
/// When whoever met a hub that cannot serve now may come again, in seconds: by then it has tried to by itself.
const SOON: &str = "2";

/// 200 with JSON text.
pub(super) fn json(text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 200 with JSON text and its etag in quotes.
pub(super) fn json_with_etag(text: String, etag: &ETag) -> Response {
    let mut response = json(text);
    if let Ok(etag) = HeaderValue::try_from(etag.to_string()) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// 200 with whatever serialises.
pub(super) fn serialized(value: &impl serde::Serialize) -> Result<Response, Refused> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(ErrorCode::ServerError, format!("the answer cannot be written: {error}")))?;
    Ok(json(text))
}

/// The same with the status of an error, because a part of it failed: the answer says which.
pub(super) fn failed_in_part(value: &impl serde::Serialize, code: ErrorCode) -> Result<Response, Refused> {
    let mut response = serialized(value)?;
    *response.status_mut() = status(code);
    response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code.name()));
    Ok(response)
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A request that failed, with the envelope of its route.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Failure, pub(super) Envelope);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure, Envelope::Named)
    }
}

impl Refused {
    /// In the flat envelope, which module conflicts have.
    pub(super) const fn flat(failure: Failure) -> Self {
        Self(failure, Envelope::Flat)
    }

    /// In the envelope of direct methods.
    pub(super) const fn nested(failure: Failure) -> Self {
        Self(failure, Envelope::Nested)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(Failure { code, message, info }, envelope) = self;
        let id = request_id();
        tracing::debug!(code = code.name(), message, "a request failed");
        let answer = ErrorAnswer { code, message, tracking_id: id, timestamp_utc: time::text(time::now()), info };
        let mut response = json(answer.body(envelope));
        *response.status_mut() = status(code);
        response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code.name()));
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(SOON));
        }
        response
    }
}

/// Nothing is served there.
pub(super) async fn no_route(uri: Uri) -> Refused {
    Failure::new(ErrorCode::GenericNotFound, format!("this hub serves nothing at {}", uri.path())).into()
}

/// Something is served there, but not so.
pub(super) async fn no_method(uri: Uri) -> Response {
    let message = format!("{} is not served with this method", uri.path());
    let mut response = Refused::from(Failure::new(ErrorCode::GenericMethodNotAllowed, message)).into_response();
    // The router adds the true one.
    response.headers_mut().remove(ALLOW);
    response
}
