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

use super::{
    super::{failure::Failure, ports::LinkId},
    answer::Refused,
};
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

/// The device that the second segment of the path names, or its module where `modules` and a name follow.
pub(super) struct Link(pub(super) LinkId);

impl<S: Send + Sync> FromRequestParts<S> for Link {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        Ok(link(&parts.uri).map(Self)?)
    }
}

/// A segment of the path, counted from 1, decoded once: ids that have rules of their own, and tokens.
pub(super) struct Segment<const AT: usize>(pub(super) String);

impl<S: Send + Sync, const AT: usize> FromRequestParts<S> for Segment<AT> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        Ok(segment(&parts.uri, AT).map(|text| Self(text.into_owned()))?)
    }
}

fn device(uri: &Uri) -> Result<DeviceId, Failure> {
    let text = segment(uri, 2)?;
    DeviceId::new(&text).map_err(|error| Failure::invalid(error.to_string()))
}

fn link(uri: &Uri) -> Result<LinkId, Failure> {
    let device = device(uri)?;
    if segment(uri, 3)? != "modules" {
        return Ok(LinkId { device, module: None });
    }
    // A module's name follows the rules for a device's.
    let module = DeviceId::new(&segment(uri, 4)?);
    let module = module.map_err(|error| Failure::invalid(format!("a module is named like a device: {error}")))?;
    Ok(LinkId { device, module: Some(module.as_str().into()) })
}

/// One segment of the path, counted from 1, decoded once.
pub(super) fn segment(uri: &Uri, at: usize) -> Result<Cow<'_, str>, Failure> {
    let segment = uri.path().split('/').nth(at).unwrap_or_default();
    let text = percent_decode_str(segment).decode_utf8();
    text.map_err(|_| Failure::invalid("an id in the path is no UTF-8"))
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
    /// The body as a JSON object. A list is none, although it could be read as one without any members.
    pub(super) fn object<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if self.0.trim_ascii_start().first() == Some(&b'{') {
            return self.parse();
        }
        Err(Failure::invalid("the body is no JSON object"))
    }

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
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_ids_are_escaped_in_a_path_are_found_and_no_path_panics(
            device in "[-a-zA-Z0-9:.+%_#*?!(),=@;$']{1,20}",
            module in "[-a-zA-Z0-9:.+%_#*?!(),=@;$']{1,20}",
            junk in "[-a-zA-Z0-9%$/.]{0,40}",
        ) {
            let escape = |id: &str| utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
            let path = format!("/devices/{}/modules/{}", escape(&device), escape(&module));
            let found = link(&path.parse().unwrap()).unwrap();
            prop_assert_eq!((found.device.as_str(), found.module.as_deref()), (&*device, Some(&*module)));
            if let Ok(uri) = format!("/{junk}").parse() {
                let _ = link(&uri);
            }
        }
    }

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
    fn a_module_is_found_behind_its_device() {
        let link = |path: &str| link(&path.parse().unwrap()).map(|link| link.to_string());
        assert_eq!(link("/twins/d1/modules/%24edgeAgent/methods"), Ok("d1/$edgeAgent".to_owned()));
        assert_eq!(link("/twins/modules/modules/modules"), Ok("modules/modules".to_owned()));
        assert_eq!(link("/twins/modules/methods"), Ok("modules".to_owned()));
        for bad in ["/devices/d1/modules/a%2Fb", "/devices/d1/modules/", "/devices/d1/modules/%FF"] {
            assert_eq!(link(bad).unwrap_err().code, ErrorCode::ArgumentInvalid, "{bad}");
        }
    }

    #[test]
    fn parameters_are_found_in_any_order() {
        let uri: Uri = "/devices?top=5&api-version=2021-04-12&empty".parse().unwrap();
        assert_eq!(parameter(&uri, "api-version").as_deref(), Some("2021-04-12"));
        assert_eq!((parameter(&uri, "empty").as_deref(), parameter(&uri, "none")), (Some(""), None));
    }
}
