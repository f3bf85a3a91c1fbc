//! Looks at the device without changing it.

use super::Pass;
use crate::agent::{
    reconciler::item::Standing,
    resource::{Platform, Refusal, Resource as _, Style},
};

impl<P: Platform> Pass<'_, P> {
    /// Looks at one property.
    pub(super) async fn observe(&mut self, at: usize) {
        if self.items[at].standing != Standing::Todo {
            return;
        }
        if let Some(standing) = self.without_looking(at) {
            self.items[at].standing = standing;
            return;
        }
        let item = &mut self.items[at];
        let applied = self.notes.applied(&item.component, &item.property) == Some(item.version);
        let rejected = self.notes.rejected(&item.component, &item.property, item.version);
        item.standing = match item.look().await {
            Ok(true) => Standing::Applied,
            Ok(false) if applied && item.lease.is_none() => Standing::Drifted,
            Ok(false) => match rejected {
                Some(why) => Standing::GoneBack(why.to_owned()),
                None => Standing::Todo,
            },
            Err(why) => Standing::Failed(why),
        };
        if item.standing == Standing::Applied {
            item.fresh = !applied;
            self.note_applied(at);
        }
    }

    /// How a property stands that need not be looked at.
    fn without_looking(&self, at: usize) -> Option<Standing> {
        let item = &self.items[at];
        let Some(resource) = &item.resource else {
            let word = format!("this agent has no component `{}`", item.component);
            return Some(Standing::Refused(Refusal::Unsupported(word)));
        };
        if item.style == Style::Dm1 && item.wanted == "refreshing" {
            return Some(Standing::Waiting);
        }
        if let Some(lack) = resource.lack() {
            return Some(Standing::Refused(Refusal::Unsupported(lack)));
        }
        resource.check(&item.property, &item.wanted).err().map(Standing::Refused)
    }

    /// What is on lease is not what was declared: when the lease ends, that is still to be applied, and no drift.
    pub(super) fn note_applied(&mut self, at: usize) {
        let item = &self.items[at];
        if item.lease.is_some() {
            self.notes.clear_applied(&item.component, &item.property);
        } else {
            self.notes.set_applied(&item.component, &item.property, item.version);
        }
    }
}
