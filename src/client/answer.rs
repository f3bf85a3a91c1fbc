//! From an answer to what it means.

use bytes::Bytes;

use super::http::Reply;
use crate::{
    iothub::{ErrorCode, HubFault},
    reconcile::ports::HubError,
};

/// The body of a success; everything else is an error (protocol reference 2.4).
pub(super) fn success(reply: Reply) -> Result<Reply, HubError> {
    if (200..300).contains(&reply.status) { Ok(reply) } else { Err(failure(&reply)) }
}

pub(super) fn body(reply: Reply) -> Result<Bytes, HubError> {
    success(reply).map(|reply| reply.body)
}

fn failure(reply: &Reply) -> HubError {
    let fault = HubFault::parse(reply.status, reply.error_code.as_deref(), &reply.body);
    tracing::debug!(%fault, "the hub refuses");
    match (fault.status, fault.code) {
        (429, _) => HubError::Throttled { retry_after: reply.retry_after },
        // The device's doing, or the caller's: another try is the caller's to decide.
        (
            _,
            Some(
                ErrorCode::DeviceNotOnline
                | ErrorCode::GatewayTimeout
                | ErrorCode::InvalidResponseWhileProxying
                | ErrorCode::DeviceDisabled
                | ErrorCode::DeviceMaximumQueueDepthExceeded,
            ),
        ) => refused(fault),
        (401 | 403, _) => HubError::Unauthorized { message: words(fault) },
        // A 404 without a code comes from something that is no hub.
        (404, Some(ErrorCode::DeviceNotFound | ErrorCode::GenericNotFound)) => HubError::NoDevice,
        (409, Some(ErrorCode::DeviceAlreadyExists | ErrorCode::GenericConflict)) => HubError::Exists,
        (412, _) => HubError::Stale,
        (status @ (408 | 500..=599), _) => HubError::Unavailable { status },
        _ => refused(fault),
    }
}

fn refused(fault: HubFault) -> HubError {
    HubError::Refused { status: fault.status, message: words(fault) }
}

/// The hub's own words; tracking ids and the like would make every message a different one.
fn words(fault: HubFault) -> String {
    match (fault.message.is_empty(), fault.code) {
        (false, _) => fault.message,
        (true, Some(code)) => code.name().to_owned(),
        (true, None) => format!("it answered HTTP {} and no reason", fault.status),
    }
}
