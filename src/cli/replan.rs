//! Planning one device afresh while a plan is carried out.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::{
    plan::{PlanError, Planner, guard},
    reconcile::ports::{Replan, Replanned, TwinText},
};

/// The planner, as carrying out needs it.
pub(crate) struct Afresh {
    pub(crate) planner: Arc<Planner>,
    /// Whether the fleet's guard has a say.
    pub(crate) guarded: bool,
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
        let guard = self.planner.fleet().spec.guard.as_ref().filter(|_| self.guarded);
        if let Some(path) = guard.and_then(|guard| guard::protected_from(guard, &change)) {
            return Err(format!("the twin has changed, and would be changed at the protected path `{path}` now"));
        }
        let raw = |text: &str| RawValue::from_string(text.to_owned()).map(Arc::from).map_err(|error| told(&error));
        let (before, patch) = (change.before().map(raw).transpose()?, raw(change.patch())?);
        let deltas = usize::from(change.has_changes());
        Ok(Some(Replanned { patch, before, etag: row.etag.as_ref().into(), deltas }))
    }
}
