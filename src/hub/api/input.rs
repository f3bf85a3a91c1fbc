//! Requests, taken apart.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Uri, header::IF_MATCH, request::Parts},
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{super::failure::Failure, answer::Refused};
use crate::{
    iothub::{ETag, ErrorCode, IfMatch},
    twin::DeviceId,
};

/// Most bytes of a body.
const LONGEST: usize = 1024 * 1024;
/// How long a client may take to send one.
const PATIENCE: Duration = Duration::from_mins(1);

/// The device that the second segment of the path names, decoded once.
pub(super) struct Id(pub(super) DeviceId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        Ok(device(&parts.uri).map(Self)?)
    }
}

fn device(uri: &Uri) -> Result<DeviceId, Failure> {
    DeviceId::new(&segment(uri)?).map_err(|error| Failure::invalid(error.to_string()))
}

/// The second segment of the path, decoded once.
pub(super) fn segment(uri: &Uri) -> Result<String, Failure> {
    let segment = uri.path().split('/').nth(2).unwrap_or_default();
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Cow::into_owned).map_err(|_| Failure::invalid("the id in the path is no UTF-8"))
}

/// `If-Match`, if there is one. One that cannot be read matches nothing.
pub(super) struct Precondition(pub(super) Option<IfMatch>);

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let header = parts.headers.get(IF_MATCH);
        let read = |text: Result<&str, _>| text.map_or_else(|_| IfMatch::Edition(ETag::default()), IfMatch::parse);
        Ok(Self(header.map(|value| read(value.to_str()))))
    }
}

/// The whole body, if it is not too long and comes in time.
pub(super) struct Content(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Content {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let read = timeout(PATIENCE, to_bytes(request.into_body(), LONGEST)).await;
        let read = read.map_err(|_| Failure::new(ErrorCode::RequestTimedOut, "the body did not arrive in time"))?;
        let bytes = read.map_err(|_| {
            let message = format!("the body has more than {LONGEST} bytes, or broke off");
            Failure::new(ErrorCode::MessageTooLarge, message)
        })?;
        Ok(Self(bytes))
    }
}

impl Content {
    /// The body as JSON of some form.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0).map_err(|error| Failure::invalid(format!("the body cannot be read: {error}")))
    }
}

/// A parameter of the query string, decoded.
pub(super) fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<Cow<'u, str>> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(percent_decode_str(value).decode_utf8_lossy())
}

/// A header as text; nothing for one that is none.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_decoded_once() {
        let id = |path: &str| device(&path.parse().unwrap()).map(|id| id.to_string());
        assert_eq!(id("/devices/d%3A1%23x"), Ok("d:1#x".to_owned()));
        assert_eq!(id("/twins/d%2541/methods"), Ok("d%41".to_owned()));
        for bad in ["/devices/invalid%2Fname", "/devices/%FF", "/devices/a%20b"] {
            assert_eq!(id(bad).unwrap_err().code, ErrorCode::ArgumentInvalid, "{bad}");
        }
    }

    #[test]
    fn parameters_are_found_in_any_order() {
        let uri: Uri = "/devices?top=5&api-version=2021-04-12&empty".parse().unwrap();
        assert_eq!(parameter(&uri, "api-version").as_deref(), Some("2021-04-12"));
        assert_eq!((parameter(&uri, "empty").as_deref(), parameter(&uri, "none")), (Some(""), None));
    }
}
