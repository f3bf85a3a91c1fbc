//! What one class of devices should be.

use std::{fmt, sync::Arc};

use crate::twin::{Map, PropertyPath, Section, set_path};

/// Tags and desired properties that one revision declares for a class of devices: those to which the same documents
/// apply with the same values. Shared, never cloned per device.
#[derive(Clone, Default, PartialEq)]
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

/// Secrets are masked: what is logged by mistake gives nothing away.
impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut tags, mut desired) = (self.tags.clone(), self.desired.clone());
        for secret in &self.secrets {
            let section = if secret.section == Section::Tags { &mut tags } else { &mut desired };
            set_path(section, &secret.keys, "(secret)".into());
        }
        let mut out = f.debug_struct("Wanted");
        out.field("tags", &tags).field("desired", &desired);
        out.field("sources", &self.sources).field("secrets", &self.secrets).finish()
    }
}
