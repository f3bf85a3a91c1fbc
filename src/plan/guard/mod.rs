//! Guards: what stops a run before its first write. Judged on the plan alone; `docs/guards.md` has the definitions.
//!
//! `breach` says what a plan breaks, `exempt` which committed exemptions hold, and [`judge`] puts them together.

mod breach;
mod exempt;
mod margin;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use super::{DeviceChange, Notice, Plan};
use crate::{
    fleet::{Fleet, GuardName},
    twin::{DeviceId, PropertyPath},
};
use breach::Breach;
use exempt::{Exemption, Exemptions};
pub use margin::Margin;

/// Under which terms a plan is judged.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The day: exemptions end.
    pub today: Date,
    /// Guards that whoever runs the command lets pass.
    pub allowed: &'a [GuardName],
    /// Who that is, for the report.
    pub actor: &'a str,
    /// Whether every device of the hub was looked at: only then is a `where` that selected nothing known to.
    pub whole: bool,
}

/// Something that a guard has to say about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Which guard.
    pub guard: GuardName,
    /// What the limit is and what the plan would do.
    pub message: String,
    /// How many devices it is about.
    pub devices: u64,
    /// A few of them.
    pub samples: Vec<DeviceId>,
    /// Why it passes all the same; `None`: the plan is refused.
    pub leave: Option<Leave>,
}

/// Why a plan passes a guard that it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// By exemptions of the repository.
    Exempt(Vec<Grant>),
    /// By `--allow`, of somebody.
    Allowed {
        /// Who ran the command.
        by: String,
    },
}

/// Who answers for an exemption, why, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who answers for it.
    pub owner: String,
    /// Why it may pass.
    pub reason: String,
    /// Last day on which it may.
    pub until: String,
}

/// What all guards say of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// In the order of [`GuardName::ALL`].
    pub rulings: Vec<Ruling>,
    /// What is left of the limits that are kept.
    pub margins: Vec<Margin>,
    /// Exemptions that nothing needed.
    pub notices: Vec<Notice>,
}

/// Holds a plan against the guards of its fleet. A plan that writes nothing passes them all.
pub fn judge(fleet: &Fleet, plan: &Plan, terms: Terms<'_>) -> Judgement {
    let exemptions = Exemptions::of(fleet, terms.today);
    let mut judgement = Judgement::default();
    if plan.is_empty() {
        return judgement;
    }
    for guard in GuardName::ALL {
        let all = breach::find(guard, fleet, plan, terms.whole, &[]);
        let held: Vec<&Exemption> = exemptions.of_guard(guard).collect();
        let left = if held.is_empty() || all.is_empty() {
            None
        } else {
            Some(breach::find(guard, fleet, plan, terms.whole, &held))
        };
        for breach in all {
            let still = match &left {
                None => Some(&breach),
                Some(left) => left.iter().find(|other| other.subject == breach.subject),
            };
            let ruling = match still {
                Some(still) => refused(guard, still, terms),
                None => Ruling { leave: Some(Leave::Exempt(grants(&held, plan))), ..bare(guard, &breach) },
            };
            judgement.rulings.push(ruling);
        }
    }
    judgement.margins = margin::find(fleet, plan);
    judgement.notices.extend(unused(fleet, plan, terms, &exemptions));
    judgement
}

fn refused(guard: GuardName, breach: &Breach, terms: Terms<'_>) -> Ruling {
    let allowed = terms.allowed.contains(&guard).then(|| Leave::Allowed { by: terms.actor.to_owned() });
    Ruling { leave: allowed, ..bare(guard, breach) }
}

fn bare(guard: GuardName, breach: &Breach) -> Ruling {
    let (message, devices, samples) = (breach.message.clone(), breach.tally.devices, breach.tally.samples.clone());
    Ruling { guard, message, devices, samples, leave: None }
}

fn grants(held: &[&Exemption], plan: &Plan) -> Vec<Grant> {
    held.iter().filter(|exemption| exemption.meets(plan)).map(|exemption| exemption.grant()).collect()
}

/// Exemptions without which the guards would say the same.
fn unused(fleet: &Fleet, plan: &Plan, terms: Terms<'_>, exemptions: &Exemptions) -> Vec<Notice> {
    let needed = |exemption: &&Exemption| {
        let guard = exemption.guard();
        let broken = |held: &[&Exemption]| breach::find(guard, fleet, plan, terms.whole, held);
        // What cannot be seen from here may be needed.
        (guard == GuardName::SelectsNothing && !terms.whole) || broken(&[]) != broken(&[*exemption])
    };
    let notice = |exemption: &Exemption| Notice {
        id: "unused-exemption",
        message: format!(
            "the exemption from `{}` (owner {}, until {}) lets nothing pass in this plan; remove it once its change is \
             made",
            exemption.guard(),
            exemption.grant().owner,
            exemption.grant().until
        ),
        devices: 0,
        samples: Vec::new(),
    };
    exemptions.all().filter(|exemption| !needed(exemption)).map(notice).collect()
}

/// The guard that forbids a change of one device, and where: what the plan was judged by holds for a device that is
/// planned afresh, too.
pub fn forbidden(
    fleet: &Fleet,
    device: &DeviceId,
    change: &DeviceChange,
    today: Date,
    allowed: &[GuardName],
) -> Option<(GuardName, PropertyPath)> {
    let exemptions = Exemptions::of(fleet, today);
    let is_free = |guard: GuardName, path: &PropertyPath| {
        allowed.contains(&guard) || exemptions.of_guard(guard).any(|held| held.covers(device, Some(path)))
    };
    let protected = breach::protected(fleet);
    let touched = |path: &PropertyPath| protected.iter().any(|protected| breach::touches(path, protected));
    let protect = change.paths().find(|path| touched(path) && !is_free(GuardName::Protect, path));
    let mut claimed = change.claims().iter().map(|(path, _)| path);
    let other = claimed.find(|path| !is_free(GuardName::OtherFleet, path)).cloned();
    protect.map(|path| (GuardName::Protect, path)).or(other.map(|path| (GuardName::OtherFleet, path)))
}
