//! MQTT over WebSocket (protocol reference 1.1): the handshake. What comes after it is not HTTP, and for whoever
//! takes the connection over.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
        },
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use hyper::upgrade::{OnUpgrade, Upgraded};

use super::{
    super::{failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, no_route},
    openapi::{self, Operation},
};
use crate::{iothub::ErrorCode, websocket};

/// The protocol inside, and the version of the one around it.
const MQTT: HeaderValue = HeaderValue::from_static("mqtt");
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Where a connection leaves what becomes of it after its last answer. Every request of a connection that can be
/// taken over carries it as an extension.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<Mutex<Option<OnUpgrade>>>);

impl Switch {
    fn set(&self, upgrade: OnUpgrade) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgrade);
    }

    /// The connection without its HTTP, if a handshake came about.
    pub(super) async fn upgraded(&self) -> Option<Upgraded> {
        let upgrade = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        upgrade?.await.ok()
    }
}

pub(super) const OPERATIONS: &[Operation] = &[openapi::get(
    "/$iothub/websocket",
    "openWebSocket",
    "MQTT over WebSocket (HTTP/1.1); the device proves itself in MQTT",
)
.status(101)
.open()
.unversioned()];

/// This file's routes. Any query is taken: some SDKs say in it whether they show a certificate.
pub(super) fn routes<S: Store, L: Links>() -> Router<Api<S, L>> {
    Router::new().route("/$iothub/websocket", get(shake))
}

async fn shake(mut request: Request) -> Result<Response, Refused> {
    let Some(switch) = request.extensions_mut().remove::<Switch>() else {
        return Err(no_route(request.uri().clone()).await);
    };
    let headers = request.headers();
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(refused("only WebSocket is spoken here: Connection: Upgrade, Upgrade: websocket"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Ok((StatusCode::UPGRADE_REQUIRED, [(SEC_WEBSOCKET_VERSION, VERSION)]).into_response());
    }
    if !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, "mqtt") {
        return Err(refused("the only Sec-WebSocket-Protocol here is mqtt"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()).and_then(websocket::accept);
    let key = key.and_then(|accept| HeaderValue::try_from(accept).ok());
    let accept = key.ok_or_else(|| refused("Sec-WebSocket-Key is no base64 of 16 bytes"))?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    switch.set(upgrade.ok_or_else(|| refused("this connection is of HTTP/2; WebSocket takes one of HTTP/1.1"))?);
    let headers = [
        (UPGRADE, HeaderValue::from_static("websocket")),
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (SEC_WEBSOCKET_ACCEPT, accept),
        (SEC_WEBSOCKET_PROTOCOL, MQTT),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn refused(message: &str) -> Refused {
    Failure::new(ErrorCode::InvalidOperation, message).into()
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}
