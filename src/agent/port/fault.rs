//! What went wrong on the device.

use crate::agent::net::chain;

/// Something on the device that did not work, in words for its operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(doing: impl Into<String>) -> Self {
        Self(doing.into())
    }

    /// What we were doing, and why it failed.
    pub(crate) fn because(doing: &str, cause: &dyn std::error::Error) -> Self {
        Self(format!("{doing}: {}", chain(cause)))
    }
}
