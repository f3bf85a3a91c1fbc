//! Twins that a plan treats alike: to choose a few that stand for many.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{PlanError, Planner};
use crate::twin::TwinRow;

impl Planner {
    /// A number that twins share which the same documents apply to, which are in the same wave, and of which the same
    /// paths change. Documents of single devices do not tell them apart.
    ///
    /// # Errors
    /// When the twin cannot be read, or the fleet does not say what this device should be.
    pub fn kind(&self, row: &TwinRow<'_>) -> Result<u64, PlanError> {
        let look = self.look(row)?;
        let mut hasher = DefaultHasher::new();
        (look.managed, look.selected, row.is_connected()).hash(&mut hasher);
        look.wanted.sources.iter().filter(|source| !source.starts_with("Device/")).for_each(|s| s.hash(&mut hasher));
        if let Some(member) = look.member.as_deref()
            && let Some(rollout) = self.fleet().rollouts.get(member.governed.rollout)
        {
            member.place(rollout, &row.device_id).hash(&mut hasher);
        }
        for path in look.change.iter().flat_map(super::DeviceChange::paths) {
            path.to_string().hash(&mut hasher);
        }
        Ok(hasher.finish())
    }
}
