//! Makes properties what is wanted, and looks again.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::Pass;
use crate::{
    agent::{
        ledger::{Before, What},
        moment::now,
        reconciler::item::{Item, Standing},
        resource::{Platform, Resource as _},
    },
    component::twinops::Policy,
};

impl<P: Platform> Pass<'_, P> {
    /// Makes one property what is wanted, and looks again.
    pub(super) async fn bring_about(&mut self, at: usize) {
        let item = &self.items[at];
        if !Self::is_due(item) {
            return;
        }
        if let Some(need) = self.failed_need(item) {
            self.items[at].standing = Standing::Skipped(format!("skipped, because `{need}` failed"));
            return;
        }
        let drifted = item.standing == Standing::Drifted;
        self.items[at].standing = match self.make(at).await {
            Ok(()) => Standing::Applied,
            Err(why) => Standing::Failed(why),
        };
        self.items[at].fresh = true;
        let Item { component, property, standing, lease, .. } = &self.items[at];
        let (component, property, on_lease) = (component.clone(), property.clone(), lease.is_some());
        if *standing != Standing::Applied {
            warn!(component, property, ?standing, "not applied");
            return self.happened(&component, &property, What::Failed);
        }
        info!(component, property, drifted, "applied");
        self.happened(
            &component,
            &property,
            match (on_lease, drifted) {
                (true, _) => What::Overridden,
                (false, true) => What::Healed,
                (false, false) => What::Applied,
            },
        );
        if drifted {
            self.notes.set_healed(format!("{component}.{property}"), &now());
        }
        self.note_applied(at);
    }

    async fn make(&mut self, at: usize) -> Result<(), String> {
        let item = &self.items[at];
        let (property, wanted) = (item.property.clone(), item.wanted.clone());
        let Some(resource) = item.resource.clone() else { return Err("no such component".to_owned()) };
        let mut work = std::pin::pin!(resource.ensure(&property, Some(&wanted)));
        let left = self.patience.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let done = if let Ok(done) = timeout(left, &mut work).await {
            done
        } else {
            self.patience = None;
            self.tell().await;
            work.await
        };
        done.map_err(|fault| fault.to_string())?;
        let effective = self.items[at].look().await?;
        effective.then_some(()).ok_or_else(|| "it was set, but reading it again gives another value".to_owned())
    }

    /// Whether work is to be done.
    pub(super) fn is_due(item: &Item<P::Resource>) -> bool {
        item.standing == Standing::Todo || (item.standing == Standing::Drifted && item.heal)
    }

    /// Keeps what the properties were, on disk, before they are first touched.
    pub(super) async fn remember(&mut self) {
        let due: Vec<usize> = (0..self.items.len()).filter(|at| Self::is_due(&self.items[*at])).collect();
        for at in &due {
            if let Err(why) = self.remember_one(*at).await {
                self.items[*at].standing = Standing::Failed(why);
            }
        }
        if due.is_empty() {
            return;
        }
        if let Err(fault) = self.work.ledger.note(&self.notes, self.work.accepted).await {
            for at in due {
                self.items[at].standing = Standing::Failed(format!("not touched, because {fault}"));
            }
        }
    }

    async fn remember_one(&mut self, at: usize) -> Result<(), String> {
        let item = &self.items[at];
        let Some(resource) = &item.resource else { return Ok(()) };
        let place = resource.place(&item.property, &item.wanted).into_owned();
        let held = self.notes.before.get(&item.component).and_then(|properties| properties.get(&item.property));
        match held {
            Some(held) if held.place == place => Ok(()),
            Some(_) => Err("what stood in its place before could not be put back".to_owned()),
            None => {
                let value = resource.snapshot(&item.property, &item.wanted).await.map_err(|fault| fault.to_string())?;
                let leave = self.policies.said(&item.component).is_some_and(Policy::leaves);
                self.notes.set_before(&item.component, &item.property, Before { place, value, leave });
                Ok(())
            }
        }
    }

    /// A component that this one needs, or a property that comes before it, and that is not as wanted.
    pub(super) fn failed_need(&self, item: &Item<P::Resource>) -> Option<String> {
        let resource = item.resource.as_ref()?;
        let failed = || self.items.iter().filter(|item| item.is_at_fault());
        let components: BTreeSet<&str> = failed().map(|item| item.component.as_str()).collect();
        if let Some(need) = resource.depends_on().iter().find(|need| components.contains(*need)) {
            return Some((*need).to_owned());
        }
        let before = resource.follows(&item.property, &item.wanted);
        let fits =
            |failed: &&Item<P::Resource>| failed.component == item.component && before.contains(&failed.property);
        failed().find(fits).map(|failed| format!("{}.{}", failed.component, failed.property))
    }
}
