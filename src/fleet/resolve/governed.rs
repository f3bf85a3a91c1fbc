//! Which rollout a device belongs to.

use std::sync::Arc;

use super::{
    Resolver,
    facts::{Facts, Tags, View},
};
use crate::fleet::{Zone, rollout::Rollout};

/// What a device's tags, and whatever else conditions look at, say of its place in the fleet's rollouts. The rest is
/// the hash of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Governed {
    /// The rollout, as an index into the fleet's.
    pub rollout: usize,
    /// The waves whose condition holds, or that have none: a bit each, the first wave lowest.
    pub waves: u64,
    /// The name of the time zone of the rollout's window; `None` without a window, or where the tag is not there.
    pub zone: Option<Arc<str>>,
}

impl Resolver {
    /// The rollout that governs a device: the first, by name, that selects it.
    pub fn governed(&self, device: &Facts<'_>) -> Option<Governed> {
        if self.fleet.rollouts.is_empty() {
            return None;
        }
        let own = self.own(device.id);
        let declared = self.own_tags(device, own.as_ref());
        let tags = Tags { declared: declared.as_deref(), live: device.tags };
        let view = View { id: device.id.as_str(), tags, reported: device.reported, model_id: device.model_id };
        let selects = |rollout: &Rollout| rollout.condition.as_ref().is_none_or(|condition| condition.matches(&view));
        let at = self.fleet.rollouts.iter().position(|rollout| selects(rollout))?;
        let rollout = &self.fleet.rollouts[at];
        let takes = rollout.waves.iter().map(|wave| wave.condition.as_ref().is_none_or(|c| c.matches(&view)));
        let waves = takes.take(64).enumerate().fold(0, |bits, (at, takes)| bits | (u64::from(takes) << at));
        let zone = rollout.window.as_ref().and_then(|window| match &window.zone {
            Zone::Named(name) => Some(name.clone()),
            Zone::Tag(keys) => tags.get(keys.iter().map(|key| &**key))?.as_str().map(Into::into),
        });
        Some(Governed { rollout: at, waves, zone })
    }
}
