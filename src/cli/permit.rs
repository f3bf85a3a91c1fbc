//! What the guards of a fleet let pass in this run, and who said so.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{Exit, Failure};
use crate::{
    fleet::GuardName,
    plan::{
        DeviceChange, Plan, Planner,
        guard::{self, Terms},
    },
    twin::{DeviceId, PropertyPath},
};

/// The terms of a run.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    allowed: Vec<GuardName>,
    actor: String,
    today: Date,
}

/// Where a CI system says who started it, and then who is logged in.
const ACTORS: [&str; 6] =
    ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOREMAIL", "USER", "LOGNAME", "USERNAME"];

impl Permit {
    /// With what `--allow` lets pass.
    pub(crate) fn new(allowed: &[GuardName]) -> Self {
        let said = ACTORS.iter().filter_map(|name| std::env::var(name).ok()).find(|name| !name.trim().is_empty());
        let actor = said.unwrap_or_else(|| "somebody unknown".to_owned());
        Self { allowed: allowed.to_vec(), actor, today: jiff::Zoned::now().date() }
    }

    /// Lets the guards judge a plan. `whole`: every device of the hub was looked at.
    pub(crate) fn judge(&self, planner: &Planner, plan: &mut Plan, whole: bool) {
        let terms = Terms { today: self.today, allowed: &self.allowed, actor: &self.actor, whole };
        let judgement = guard::judge(planner.fleet(), plan, terms);
        plan.rulings = judgement.rulings;
        plan.margins = judgement.margins;
        plan.notices.extend(judgement.notices);
    }

    /// The guard that forbids a change of a single device, and where.
    pub(crate) fn forbids(
        &self,
        planner: &Planner,
        device: &DeviceId,
        change: &DeviceChange,
    ) -> Option<(GuardName, PropertyPath)> {
        guard::forbidden(planner.fleet(), device, change, self.today, &self.allowed)
    }
}

/// A plan that guards stop, as the end of a command.
pub(crate) fn refused(plan: &Plan) -> Failure {
    let mut guards: Vec<GuardName> = plan.rulings.iter().filter(|r| r.leave.is_none()).map(|r| r.guard).collect();
    guards.dedup();
    let mut names = String::new();
    for guard in guards {
        let gap = if names.is_empty() { "" } else { ", " };
        let _infallible = write!(names, "{gap}`{guard}`");
    }
    Failure::new(Exit::Guard, format!("refused by {names}; nothing was written")).help(
        "split the change, or agree on an entry of `spec.guard.exemptions` in a commit of its own; `--allow GUARD` lets \
         it pass once",
    )
}
