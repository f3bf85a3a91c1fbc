//! `unused-approval`: an approval of what there is not, or one that has ended. Also a day that is none.

use jiff::civil::Date;

use super::today;
use crate::fleet::{
    finding::{Finding, Place},
    model::Fleet,
    model_rollout::ApprovalSpec,
    rollout::Approval,
    site::Site,
};

/// The last day of an approval.
pub(super) fn date(site: Site<'_>, spec: &ApprovalSpec, findings: &mut Vec<Finding>) {
    match spec.until.parse::<Date>() {
        Err(error) => {
            let finding = Finding::error("bad-date", format!("no such day: {error}"));
            findings.push(finding.at(site.value("/spec/until")));
        }
        Ok(until) if until < today() => {
            let finding = Finding::warning("unused-approval", format!("ended on {until}"));
            findings.push(finding.at(site.value("/spec/until")).help("remove the document"));
        }
        Ok(_) => {}
    }
}

/// Whether what is approved is there.
pub(super) fn known(fleet: &Fleet, findings: &mut Vec<Finding>) {
    findings.extend(fleet.approvals.iter().filter_map(|approval| unknown(fleet, approval)));
}

fn unknown(fleet: &Fleet, approval: &Approval) -> Option<Finding> {
    let spec = &approval.spec;
    let rollout = fleet.rollouts.iter().find(|rollout| *rollout.name == *spec.rollout);
    let (message, pointer) = match rollout {
        None => (format!("there is no rollout `{}`", spec.rollout), "/spec/rollout"),
        Some(rollout) if !rollout.waves.iter().any(|wave| *wave.name == *spec.wave) => {
            (format!("the rollout `{}` has no wave `{}`", spec.rollout, spec.wave), "/spec/wave")
        }
        Some(_) => return None,
    };
    let place = Place::value(&approval.document.file, approval.document.document, pointer);
    Some(Finding::warning("unused-approval", message).at(place).help("mend the name, or remove the document"))
}
