//! Changes that may cut the device off: made last, and only with what was there on disk, so that it comes back by
//! itself when the hub is not reached, whatever happens to the device meanwhile.

use tracing::{info, warn};

use super::Pass;
use crate::agent::{
    ledger::{Accepted, Checkpoint, Ledger, Rejected, Risked, What},
    moment::now,
    reconciler::item::Standing,
    resource::{Fault, Platform, Resource as _},
};

impl<P: Platform> Pass<'_, P> {
    /// Whether a due property has to be risked. What the hub was once reached with is no risk while it is out of reach.
    pub(super) fn is_risk(&self, at: usize) -> bool {
        let item = &self.items[at];
        let Some(resource) = &item.resource else { return false };
        let proven = item.standing == Standing::Drifted && !self.work.reporter.is_online();
        Self::is_due(item) && !proven && resource.may_cut_off(&item.property, Some(&item.wanted))
    }

    /// Makes the changes that may cut the device off; whether there were any.
    pub(super) async fn risk(&mut self, dangerous: &[usize]) -> bool {
        let mut due = Vec::new();
        for at in dangerous {
            match self.failed_need(&self.items[*at]) {
                Some(need) => self.items[*at].standing = Standing::Skipped(format!("skipped, because `{need}` failed")),
                None => due.push(*at),
            }
        }
        let risky = std::mem::take(&mut self.risky);
        if due.is_empty() && risky.is_empty() {
            return false;
        }
        if let Err(fault) = self.set_checkpoint(&due, &risky).await {
            for at in due {
                self.items[at].standing = Standing::Failed(format!("not touched: {fault}"));
            }
            self.unrestored.extend(risky.into_iter().map(|(component, _)| (component, fault.to_string())));
            return false;
        }
        self.tell().await;
        for (component, property) in risky {
            self.put_back_at_risk(&component, &property).await;
        }
        for at in due {
            self.bring_about(at).await;
        }
        true
    }

    /// What is there now, on disk before any of it changes.
    async fn set_checkpoint(&mut self, due: &[usize], risky: &[(String, String)]) -> Result<(), Fault> {
        let mut risked = Vec::new();
        for (component, property) in risky {
            let before = self.notes.before.get(component).and_then(|properties| properties.get(property)).cloned();
            let (Some(resource), Some(before)) = (self.work.platform.resource(component), before) else { continue };
            risked.push(Risked {
                component: component.clone(),
                property: property.clone(),
                place: before.place.clone(),
                version: self.work.accepted.version,
                held: resource.snapshot(property, &serde_json::Value::Null).await?,
                before: Some(before),
            });
        }
        for item in due.iter().map(|at| &self.items[*at]) {
            let Some(resource) = &item.resource else { continue };
            risked.push(Risked {
                component: item.component.clone(),
                property: item.property.clone(),
                place: resource.place(&item.property, &item.wanted).into_owned(),
                version: item.version,
                held: resource.snapshot(&item.property, &item.wanted).await?,
                before: None,
            });
        }
        let seconds = self.policies.patience(risked.iter().map(|risked| risked.component.as_str()));
        self.notes.checkpoint = Some(Checkpoint { reached: self.work.reporter.is_online(), seconds, risked });
        let noted = self.work.ledger.note(&self.notes, self.work.accepted).await;
        noted.map_err(|fault| {
            self.notes.checkpoint = None;
            Fault::because("keeping what is there", &fault)
        })
    }

    async fn put_back_at_risk(&mut self, component: &str, property: &str) {
        let Some(resource) = self.work.platform.resource(component) else { return };
        let Some(before) = self.notes.forget(component, property) else { return };
        if let Err(fault) = resource.restore(property, &before.place, before.value.as_ref()).await {
            warn!(component, property, %fault, "cannot put back what is no longer declared");
            self.unrestored.insert(component.to_owned(), fault.to_string());
            self.notes.set_before(component, property, before);
        }
    }
}

/// Brings back what was there at the checkpoint, the last change first. The checkpoint stays until all of it is back.
///
/// # Errors
/// When something cannot be brought back, or that cannot be noted.
pub(in crate::agent::reconciler) async fn go_back<P: Platform>(
    platform: &P,
    ledger: &Ledger,
    accepted: &Accepted,
) -> Result<(), Fault> {
    let mut notes = ledger.notes().await;
    let Some(checkpoint) = notes.checkpoint.take() else { return Ok(()) };
    for Risked { component, property, place, version, held, before } in checkpoint.risked.into_iter().rev() {
        if let Some(resource) = platform.resource(&component) {
            resource.restore(&property, &place, held.as_ref()).await?;
        }
        warn!(component, property, "brought back to what it was: the hub was not reached");
        notes.clear_applied(&component, &property);
        notes.set_offline(format!("{component}.{property}"), What::GoneBack, &now());
        if let Some(before) = before {
            notes.set_before(&component, &property, before);
        }
        // With no hub before either, the change may not be what keeps it out of reach.
        if checkpoint.reached {
            let why =
                format!("gone back: the hub was not reached within {} seconds of this change", checkpoint.seconds);
            notes.rejected.entry(component).or_default().insert(property, Rejected { version, why });
        }
    }
    ledger.note(&notes, accepted).await.map_err(|fault| Fault::because("noting what was brought back", &fault))?;
    info!("all is as it was before the change");
    Ok(())
}
