//! Puts back what the agent changed and nobody declares any more.

use tracing::{info, warn};

use super::Pass;
use crate::{
    agent::{
        ledger::{Before, What, members},
        resource::{Platform, Resource as _},
    },
    component::twinops::Policy,
};

impl<P: Platform> Pass<'_, P> {
    /// Puts back what can be put back without a risk; the rest waits for the end of the pass.
    pub(super) async fn restore(&mut self) {
        // Before the first twin nobody knows what is declared.
        if self.work.accepted.version == 0 {
            return;
        }
        self.keep_policies();
        for (component, property, before) in self.left_over() {
            if self.hand_over(&component, &property, &before) {
                continue;
            }
            if self.stays(&component, &before) {
                info!(component, property, "left as it is, as its policy says");
                self.notes.forget(&component, &property);
                continue;
            }
            let Some(resource) = self.work.platform.resource(&component) else { continue };
            if let Some(why) = self.notes.rejected(&component, &property, self.work.accepted.version) {
                self.unrestored.insert(component, why.to_owned());
                continue;
            }
            if resource.may_cut_off(&property, None) {
                self.risky.push((component, property));
                continue;
            }
            match resource.restore(&property, &before.place, before.value.as_ref()).await {
                Ok(()) => {
                    info!(component, property, "put back to what it was before");
                    self.notes.forget(&component, &property);
                    self.happened(&component, &property, What::Restored);
                }
                Err(fault) => {
                    warn!(component, property, %fault, "cannot put back what is no longer declared");
                    self.unrestored.insert(component, fault.to_string());
                }
            }
        }
    }

    /// A policy may be gone together with what it spoke of, so it is noted beside that.
    fn keep_policies(&mut self) {
        for (component, properties) in &mut self.notes.before {
            if self.desired.contains_key(component) {
                let leave = self.policies.said(component).is_some_and(Policy::leaves);
                for before in properties.values_mut() {
                    before.leave = leave;
                }
            }
        }
    }

    fn stays(&self, component: &str, before: &Before) -> bool {
        self.policies.said(component).map_or(before.leave, Policy::leaves)
    }

    fn left_over(&self) -> Vec<(String, String, Before)> {
        let each = self.notes.before.iter().flat_map(|(component, properties)| {
            properties.iter().map(move |(property, before)| (component, property, before))
        });
        each.filter(|(component, property, before)| !self.still_wanted(component, property, before))
            .map(|(component, property, before)| (component.clone(), property.clone(), before.clone()))
            .collect()
    }

    /// Whether a wanted value speaks of the same thing. A refused one does not: what it names is not touched.
    fn still_wanted(&self, component: &str, property: &str, before: &Before) -> bool {
        let Some(value) = self.desired.get(component) else { return false };
        let found = members(value).into_iter().find(|(name, _)| *name == property);
        match (found, self.work.platform.resource(component)) {
            (Some((_, wanted)), Some(resource)) => {
                resource.check(property, wanted).is_err() || resource.place(property, wanted) == before.place
            }
            _ => false,
        }
    }

    /// A thing that another property speaks of now is not put back for a moment; what it was goes to that one's note.
    fn hand_over(&mut self, component: &str, property: &str, before: &Before) -> bool {
        let Some(resource) = self.work.platform.resource(component) else { return false };
        let Some(value) = self.desired.get(component) else { return false };
        let noted = self.notes.before.get(component);
        let heir = members(value).into_iter().find(|(name, wanted)| {
            let free = noted.is_none_or(|noted| !noted.contains_key(*name));
            free && resource.check(name, wanted).is_ok() && resource.place(name, wanted) == before.place
        });
        let Some(heir) = heir.map(|(name, _)| name.to_owned()) else { return false };
        self.notes.forget(component, property);
        self.notes.set_before(component, &heir, before.clone());
        true
    }
}
