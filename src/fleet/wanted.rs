//! What one class of devices should be.

use std::sync::Arc;

use crate::twin::{Map, PropertyPath};

/// Tags and desired properties that one revision declares for a class of devices: those to which the same documents
/// apply with the same values. Shared, never cloned per device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Declared tags, `${…}` filled in.
    pub tags: Map,
    /// Declared desired properties, `${…}` filled in and Plug and Play markers added. `null`: must not be there.
    pub desired: Map,
    /// The documents that made it up, weakest first, as the marker names them: `Profile/kiosk`, `Device/kiosk-0007`.
    pub sources: Vec<Arc<str>>,
    /// Where values hold a secret: never shown.
    pub secrets: Vec<PropertyPath>,
}

impl Wanted {
    /// Whether the value at `path`, or one below or above it, holds a secret.
    pub fn is_secret(&self, path: &PropertyPath) -> bool {
        self.secrets.iter().any(|secret| secret.is_within(path) || path.is_within(secret))
    }
}
