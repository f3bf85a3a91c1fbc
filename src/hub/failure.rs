//! Requests that the hub refuses or cannot carry out.

use serde_json::Value;

use super::ports::{Fault, LinkId};
use crate::{
    iothub::ErrorCode,
    twin::{DeviceId, limits::Violation},
};

/// Why a request got no answer but an error: becomes an envelope over REST, a twin response over MQTT (protocol
/// reference 2.4).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    /// What is wrong, and what to do. Never holds a secret.
    pub(crate) message: String,
    /// Further members of a method's error.
    pub(crate) info: Option<Value>,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), info: None }
    }

    /// 400: the request breaks a rule.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ArgumentInvalid, message)
    }

    /// 404 in the form that the Node SDK looks for on identity routes.
    pub(crate) fn no_device(id: &DeviceId) -> Self {
        Self::new(ErrorCode::DeviceNotFound, format!("Device {id} not registered"))
    }

    /// 404 for the twin of a device or a module, whichever of the two is missing (protocol reference 3.3).
    pub(crate) fn no_twin(link: &LinkId) -> Self {
        match &link.module {
            None => Self::no_device(&link.device),
            Some(module) => {
                let message = format!("Module {module} of device {} not registered", link.device);
                Self::new(ErrorCode::DeviceNotFound, message)
            }
        }
    }

    /// 404 for a module's identity on a device that is there.
    pub(crate) fn no_module(link: &LinkId) -> Self {
        Self { code: ErrorCode::ModuleNotFound, ..Self::no_twin(link) }
    }

    /// 412 because of a stale etag.
    pub(crate) fn stale() -> Self {
        Self::new(
            ErrorCode::PreconditionFailed,
            "Precondition failed: the etag of If-Match is not the current one; read again and repeat the change",
        )
    }

    /// 400 because of a section that the hub would not keep; names the first fault.
    pub(crate) fn violation(found: &Violation) -> Self {
        Self::invalid(format!("{}: {}", found.path, found.message))
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code.number(), message: failure.message }
    }
}
