//! Messages as HTTP has them: a body, and headers for properties (protocol reference 12).

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{CONTENT_TYPE, ETAG},
    },
    response::Response,
};

use super::{
    super::{
        core::{Ack, Received},
        failure::Failure,
        time,
    },
    input::header,
};
use crate::iothub::{ETag, Properties};

/// In front of a sender's own properties.
const OWN: &str = "iothub-app-";
/// The system's properties: their headers, and their names in topics (protocol reference 11.3).
const SYSTEM: &[(&str, &str)] = &[
    ("iothub-messageid", "$.mid"),
    ("iothub-correlationid", "$.cid"),
    ("iothub-userid", "$.uid"),
    ("iothub-to", "$.to"),
    ("iothub-contenttype", "$.ct"),
    ("iothub-contentencoding", "$.ce"),
    ("iothub-creationtimeutc", "$.ctime"),
];
/// What a message is if it does not say.
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The properties that a request's headers make.
pub(super) fn properties(headers: &HeaderMap) -> Properties {
    let mut properties = Properties::default();
    for (name, key) in SYSTEM {
        if let Some(value) = header(headers, name) {
            properties.push(*key, Some(value));
        }
    }
    for (name, value) in headers {
        if let (Some(name), Ok(value)) = (name.as_str().strip_prefix(OWN), value.to_str()) {
            properties.push(name, Some(value));
        }
    }
    properties
}

/// What the sender of a message wants to hear of its end.
pub(super) fn ack(headers: &HeaderMap) -> Result<Ack, Failure> {
    header(headers, "iothub-ack").map_or(Ok(Ack::None), |text| {
        Ack::parse(text).ok_or_else(|| Failure::invalid("iothub-ack is one of none, positive, negative and full"))
    })
}

/// When a message ends, if its sender says.
pub(super) fn expiry(headers: &HeaderMap) -> Result<Option<jiff::Timestamp>, Failure> {
    let read = |text: &str| {
        text.trim().parse().map_err(|_| Failure::invalid("iothub-expiry is a time such as 2026-11-23T10:00:00Z"))
    };
    header(headers, "iothub-expiry").map(read).transpose()
}

/// 200 with a message that is held for whoever asked. A property that no header can carry is left out.
pub(super) fn answer(message: Received, to: Option<&str>) -> Response {
    let Received { properties, payload, sequence, enqueued, expires, deliveries, ack, token } = message;
    let mut response = Response::new(Body::from(payload));
    let headers = response.headers_mut();
    let mut set = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    };
    for (key, value) in properties.iter() {
        let name = SYSTEM.iter().find(|(_, system)| *system == key).map(|(name, _)| *name);
        let value = value.unwrap_or_default();
        match name {
            Some(name) => set(name, value),
            None => set(&format!("{OWN}{key}"), value),
        }
    }
    if let Some(to) = to {
        set("iothub-to", to);
    }
    set("iothub-sequencenumber", &sequence.to_string());
    set("iothub-enqueuedtime", &time::text(enqueued));
    set("iothub-expiry", &time::text(expires));
    set("iothub-deliverycount", &deliveries.to_string());
    set("iothub-ack", ack.name());
    set(ETAG.as_str(), &ETag::new(token).to_string());
    let kind = properties.get("$.ct").and_then(|kind| HeaderValue::try_from(kind).ok());
    headers.insert(CONTENT_TYPE, kind.unwrap_or(BYTES));
    response
}
