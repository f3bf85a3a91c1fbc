//! What a revision declares, as a number: two revisions with the same one want the same of every device.

use sha2::{Digest as _, Sha256};

use super::Resolver;
use crate::twin::Map;

/// A digest of everything that decides what devices should be. Rollouts and approvals are left out: they say when, and
/// never what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(u128);

impl Content {
    /// One that no revision has: of a twin whose revision is not to be had.
    pub const UNKNOWN: Self = Self(0);

    /// For tests, which tell revisions apart by small numbers.
    #[cfg(test)]
    pub(crate) const fn of(number: u128) -> Self {
        Self(number)
    }
}

impl Resolver {
    /// What this revision declares.
    pub fn content(&self) -> Content {
        *self.content.get_or_init(|| {
            let mut hash = Sha256::new();
            // Length first, so that no two lists of texts read alike.
            let mut take = |text: &str| {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            };
            let map = |map: &Map| serde_json::to_string(map).unwrap_or_default();
            take(&self.fleet.name);
            take(&map(&self.fleet.spec.vars));
            for profile in self.profiles.iter().map(|compiled| &compiled.profile) {
                take(&profile.name);
                take(&profile.priority.to_string());
                take(&profile.condition.as_ref().map(ToString::to_string).unwrap_or_default());
                take(&map(&profile.desired));
            }
            for (id, device) in &self.fleet.devices {
                take(id.as_str());
                device.texts().into_iter().for_each(&mut take);
            }
            let digest: [u8; 32] = hash.finalize().into();
            Content(digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte)))
        })
    }
}
