//! Commands: direct methods by which the device is told to do something once.
//!
//! `allow` has what the device's own configuration lets be called, `book` what was called and answered, on disk,
//! `tokens` the first of two steps, `old` the names and words of the Windows IoT client, `desk` takes a call from its
//! name to its answer, `linux` does the work on Linux.
//!
//! What only reads is done at once; everything else is a [`Job`] for the reconciler, which does it between two passes.

mod allow;
mod book;
mod desk;
mod hook;
pub(crate) mod linux;
mod old;
#[cfg(test)]
mod tests;
mod tokens;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub use self::allow::{Allow, UnknownMethod};
pub(crate) use self::{
    book::{Book, Offers},
    desk::Desk,
};
use super::resource::Fault;
use crate::component::command::{Order, answer};

/// Why a command is not carried out, or was in vain. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The payload cannot be meant.
    #[error("{0}")]
    Payload(String),
    /// The device's own configuration does not allow it.
    #[error("{0}")]
    NotAllowed(String),
    /// Nobody here knows the method, or what it speaks of.
    #[error("{0}")]
    Unknown(String),
    /// Something else is in progress or in the way.
    #[error("{0}")]
    Busy(String),
    /// It did not work.
    #[error("{0}")]
    Failed(String),
    /// This device cannot do it.
    #[error("{0}")]
    Unsupported(String),
}

impl Refused {
    /// The status of its answer, in the manner of HTTP.
    pub(crate) const fn status(&self) -> i32 {
        match self {
            Self::Payload(_) => 400,
            Self::NotAllowed(_) => 403,
            Self::Unknown(_) => 404,
            Self::Busy(_) => 409,
            Self::Failed(_) => 500,
            Self::Unsupported(_) => 501,
        }
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.to_string())
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: i32,
    pub(crate) body: Value,
}

impl Reply {
    /// An answer of one of the types of [`answer`].
    fn of(status: i32, body: &impl Serialize) -> Self {
        Self { status, body: json!(body) }
    }
}

impl From<Refused> for Reply {
    fn from(refused: Refused) -> Self {
        Self::of(refused.status(), &answer::Fault { error: refused.to_string() })
    }
}

impl From<Result<Value, Refused>> for Reply {
    fn from(done: Result<Value, Refused>) -> Self {
        done.map_or_else(Self::from, |body| Self { status: 200, body })
    }
}

/// What the reconciler is to do between two passes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) order: Order,
    /// Told when its turn has come. Who waits answers the caller, if that has to happen first, and drops what it got;
    /// when nobody waits any more, the job is not done.
    pub(crate) started: oneshot::Sender<oneshot::Sender<()>>,
    /// What came of it.
    pub(crate) done: oneshot::Sender<Result<Value, Refused>>,
    /// The one section of the reported properties that is cleared; all when not given.
    pub(crate) section: Option<&'static str>,
}

/// `value` as JSON; the types of answers always can be.
pub(crate) fn told(value: &impl Serialize) -> Value {
    json!(value)
}
