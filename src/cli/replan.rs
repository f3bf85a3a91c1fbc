//! Planning one device afresh while a plan is carried out.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::{
    cli::permit::Permit,
    plan::{PlanError, Planner},
    reconcile::ports::{Replan, Replanned, TwinText},
};

/// The planner, as carrying out needs it.
pub(crate) struct Afresh {
    pub(crate) planner: Arc<Planner>,
    /// What the fleet's guards let pass; `None`: they have no say.
    pub(crate) permit: Option<Permit>,
}

impl Replan for Afresh {
    fn replan(&self, twin: &TwinText) -> Result<Option<Replanned>, String> {
        let told = |error: &dyn std::error::Error| match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let row = twin.row().map_err(|error| told(&error))?;
        let look = self.planner.look(&row).map_err(|error: PlanError| told(&error))?;
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
        Ok(Some(Replanned { patch, before, etag: row.etag.as_ref().into(), deltas }))
    }
}
