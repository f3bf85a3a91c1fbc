//! What a twin's tags say of its place in a rollout.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::{
    fleet::{
        Rollout, Wanted,
        resolve::{Content, Facts, Governed},
    },
    plan::{Marker, planner::Planner},
};

/// A wave of a fleet's rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the rollout.
    pub rollout: usize,
    /// Index of its wave.
    pub wave: usize,
}

/// A device of a rollout, as far as its tags tell: shared by all twins with the same tags.
#[derive(Debug, Clone)]
pub(in crate::plan) struct Member {
    pub(in crate::plan) governed: Governed,
    /// What its marker says, if it carries one.
    pub(in crate::plan) mark: Option<Mark>,
}

/// A marker, looked up in git.
#[derive(Debug, Clone)]
pub(in crate::plan) struct Mark {
    /// What the commit declares that the twin was last brought to.
    pub(in crate::plan) content: Content,
    /// That commit.
    pub(in crate::plan) revision: Arc<str>,
    /// The commit before it, which a rollback restores.
    pub(in crate::plan) previous: Option<Arc<str>>,
    /// What the commit declares that was rejected, where the current one wants the same for this device.
    pub(in crate::plan) refuses: Option<Content>,
}

impl Member {
    pub(in crate::plan) fn place(&self, rollout: &Rollout, device: &str) -> Place {
        Place { rollout: self.governed.rollout, wave: wave(rollout, self.governed.waves, device) }
    }

    pub(in crate::plan) fn content(&self) -> Option<Content> {
        self.mark.as_ref().map(|mark| mark.content)
    }

    pub(in crate::plan) fn refuses(&self) -> Option<Content> {
        self.mark.as_ref()?.refuses
    }
}

/// The first wave whose condition holds, by its bit, and whose slice of the hash holds the device. The last takes what
/// is left.
pub(super) fn wave(rollout: &Rollout, conditions: u64, device: &str) -> usize {
    let mut known = None;
    let mut takes = |at: usize, percent: Option<u8>| {
        let slot = || slot(&rollout.name, device);
        conditions & (1 << at) != 0 && percent.is_none_or(|percent| *known.get_or_insert_with(slot) < percent)
    };
    let found = rollout.waves.iter().enumerate().position(|(at, wave)| takes(at, wave.percent));
    found.unwrap_or(rollout.waves.len().saturating_sub(1))
}

/// One of a hundred slots, the same on every machine and for ever.
pub(super) fn slot(rollout: &str, device: &str) -> u8 {
    let mut hash = Sha256::new();
    hash.update(rollout);
    hash.update([0]);
    hash.update(device);
    let digest: [u8; 32] = hash.finalize().into();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    u8::try_from(number % 100).unwrap_or(0)
}

impl Planner {
    /// A device's place, and what its marker says.
    pub(in crate::plan) fn member(
        &self,
        facts: &Facts<'_>,
        marker: Option<&Marker<'_>>,
        wanted: Option<&Wanted>,
    ) -> Option<Arc<Member>> {
        let governed = self.resolver().governed(facts)?;
        let mark = marker.map(|marker| Mark {
            content: self.content(&marker.revision),
            revision: marker.revision.as_ref().into(),
            previous: marker.previous.as_deref().map(Into::into),
            refuses: marker.rejected.as_deref().and_then(|rejected| self.refused(facts, rejected, wanted)),
        });
        Some(Arc::new(Member { governed, mark }))
    }

    /// What a revision declares, as far as it is to be had.
    pub(super) fn content(&self, revision: &str) -> Content {
        self.at(revision).map_or(Content::UNKNOWN, |resolver| resolver.content())
    }

    /// What a rejected revision declares, when the current one wants the same for this device: a commit beside the point
    /// does not bring it back.
    fn refused(&self, facts: &Facts<'_>, rejected: &str, wanted: Option<&Wanted>) -> Option<Content> {
        let then = self.at(rejected)?;
        let was = then.wanted(facts).ok()?;
        let same = match (was.as_deref(), wanted) {
            (Some(was), Some(now)) => (&was.tags, &was.desired) == (&now.tags, &now.desired),
            (None, None) => true,
            _ => false,
        };
        same.then(|| then.content())
    }
}
