//! Planning one device afresh while a plan is carried out.

use std::{collections::HashMap, sync::Arc};

use serde_json::value::RawValue;

use crate::{
    cli::permit::Permit,
    plan::{PlanError, Planner, rollout::Course},
    reconcile::ports::{Replan, Replanned, TwinText},
    twin::DeviceId,
};

/// The planner, as carrying out needs it.
pub(crate) struct Afresh {
    pub(crate) planner: Arc<Planner>,
    /// What the fleet's guards let pass; `None`: they have no say.
    pub(crate) permit: Option<Permit>,
    /// What rollouts let through.
    pub(crate) rollouts: Course,
}

impl Afresh {
    /// What the twin needs, and what that looks like without its secrets.
    fn look(&self, twin: &TwinText) -> Result<Option<(Replanned, Option<String>)>, String> {
        let row = twin.row().map_err(|error| told(&error))?;
        let look = self.planner.look_within(&row, &self.rollouts).map_err(|error: PlanError| told(&error))?;
        let Some(change) = look.change else { return Ok(None) };
        let device = row.id().map_err(|error| told(&error))?;
        let forbidden = self.permit.as_ref().and_then(|permit| permit.forbids(&self.planner, &device, &change));
        if let Some((guard, path)) = forbidden {
            return Err(format!(
                "the twin has changed, and the guard `{guard}` refuses what is left to do at `{path}`"
            ));
        }
        let raw = |text: &str| RawValue::from_string(text.to_owned()).map(Arc::from).map_err(|error| told(&error));
        let (before, patch) = (change.before().map(raw).transpose()?, raw(change.patch())?);
        let deltas = usize::from(change.has_changes());
        let replanned = Replanned { patch, before, etag: row.etag.as_ref().into(), deltas };
        Ok(Some((replanned, self.planner.redacted(&change))))
    }
}

/// An error and its cause.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Planning one device again: as it needs to be, or only if that is what was saved.
pub(crate) enum Again {
    /// As it needs to be now.
    Freely(Afresh),
    /// As it was saved, and not otherwise.
    AsSaved {
        afresh: Afresh,
        /// What devices get that are registered first: their twins are not there before.
        new: HashMap<DeviceId, Arc<RawValue>>,
    },
}

impl Replan for Again {
    fn replan(&self, twin: &TwinText) -> Result<Option<Replanned>, String> {
        let (afresh, new) = match self {
            Self::Freely(afresh) => return Ok(afresh.look(twin)?.map(|(replanned, _)| replanned)),
            Self::AsSaved { afresh, new } => (afresh, new),
        };
        let Some((replanned, redacted)) = afresh.look(twin)? else { return Ok(None) };
        let device = twin.row().and_then(|row| row.id()).map_err(|error| told(&error))?;
        let saved = new.get(&device).is_some_and(|saved| is_saved(&replanned, redacted.as_deref(), saved));
        if saved {
            Ok(Some(replanned))
        } else {
            Err("it needs another change than the plan has; plan again".to_owned())
        }
    }

    fn fill_in(&self, twin: &TwinText, redacted: &RawValue) -> Result<Option<Replanned>, String> {
        let (Self::Freely(afresh) | Self::AsSaved { afresh, .. }) = self;
        let found = afresh.look(twin)?;
        Ok(found.filter(|(found, now)| is_saved(found, now.as_deref(), redacted)).map(|(found, _)| found))
    }
}

/// Whether a write, its secrets left out, is the one that was saved.
fn is_saved(found: &Replanned, redacted: Option<&str>, saved: &RawValue) -> bool {
    redacted.unwrap_or_else(|| found.patch.get()) == saved.get()
}
