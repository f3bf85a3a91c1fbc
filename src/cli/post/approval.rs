//! Whether the plan that is about to be carried out is the one that was approved.

use std::collections::BTreeSet;

use super::{connect, failed, find};
use crate::{
    cli::{Exit, Failure, args::PlaceArgs},
    forge::{Approval, Kind, NotApproved, Subject},
    plan::{Group, Plan, saved},
};

/// The plan is not the approved one.
#[derive(Debug, thiserror::Error)]
enum Unapproved {
    #[error("this plan is {now}, and pull request {pull} was merged with {approved}")]
    Another { now: String, approved: String, pull: u64 },
    #[error("this plan is {now}, and nobody has approved it")]
    None {
        now: String,
        #[source]
        cause: NotApproved,
    },
}

/// Most changes that a comment tells one by one; more have no room in it.
const MOST: usize = 500;

/// The changes of a plan whose rollouts hold some of them back: later waves are held to these.
pub(super) fn held(plan: &Plan) -> BTreeSet<String> {
    if plan.held.is_empty() {
        return BTreeSet::new();
    }
    let changes = saved::changes(&plan.fleet, plan.groups.iter().chain(&plan.held));
    if changes.len() > MOST { BTreeSet::new() } else { changes }
}

/// What a rollout takes back was approved when it came: nobody is asked again.
fn forward(plan: &Plan) -> impl Iterator<Item = &Group> {
    plan.groups.iter().filter(|group| !group.goes_back)
}

/// Whether a plan is the approved one, or brings further what that one holds back.
fn is_approved(plan: &Plan, now: &str, hash: &str, changes: &BTreeSet<String>) -> bool {
    now == hash || saved::changes(&plan.fleet, forward(plan)).is_subset(changes)
}

/// Refuses a plan that is not the one in the comment of the pull request that brought its commit. One that writes nothing
/// needs nobody's approval.
///
/// # Errors
/// When it is another one, none was approved, or the forge does not tell.
pub(crate) async fn require(args: &PlaceArgs, plan: &Plan) -> Result<(), Failure> {
    if forward(plan).next().is_none() {
        return Ok(());
    }
    let place = find(args)?;
    let environment = args.environment.clone().unwrap_or_default();
    let subject = Subject { kind: Kind::Plan, fleet: plan.fleet.clone(), environment };
    // What is planned is asked about, whatever the job was started for.
    let approval = connect(&place)?.approved_plan(&plan.revision, &subject).await.map_err(failed)?;
    let now = plan.hash.clone().unwrap_or_default();
    let (error, help) = match approval {
        Approval::Plan { hash, changes, .. } if is_approved(plan, &now, &hash, &changes) => return Ok(()),
        Approval::Plan { hash, pull, .. } => (
            Unapproved::Another { now, approved: hash, pull },
            "the twins, or what is declared, have changed since; nothing was written. Have the plan above approved: open a \
             pull request, or run without --require-approved-plan",
        ),
        Approval::None(cause) => (
            Unapproved::None { now, cause },
            "nothing was written. `twinops plan --post` in the pull request writes the plan there before it is merged",
        ),
    };
    Err(Failure::new(Exit::Stale, error).help(help))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::plan::{GroupKind, PlannedDevice};

    fn group(device: &str, value: &str) -> Group {
        let patch = format!(r#"{{"properties":{{"desired":{{"a":"{value}"}}}}}}"#);
        let planned = PlannedDevice { device: device.parse().unwrap(), etag: None, managed: true, register: None };
        Group {
            kind: GroupKind::Change,
            deltas: [].into(),
            patch: RawValue::from_string(patch).unwrap().into(),
            redacted: None,
            before: None,
            goes_back: false,
            devices: vec![planned],
        }
    }

    fn plan(groups: Vec<Group>, held: Vec<Group>) -> Plan {
        Plan { fleet: "kiosks".to_owned(), groups, held, ..Plan::default() }
    }

    #[test]
    fn a_later_wave_brings_what_was_held_back_and_nothing_else() {
        let first = plan(vec![group("canary", "x")], vec![group("rest", "y")]);
        let (hash, changes) = (saved::hash(&first, "h"), held(&first));
        let is = |groups| {
            let plan = plan(groups, Vec::new());
            is_approved(&plan, &saved::hash(&plan, "h"), &hash, &changes)
        };
        assert!(is(vec![group("canary", "x")]), "the plan itself");
        assert!(is(vec![group("rest", "y")]) && is(vec![group("newcomer", "x"), group("rest", "y")]));
        assert!(!is(vec![group("rest", "z")]) && !is(vec![group("rest", "y"), group("rest", "z")]));
    }

    #[test]
    fn what_goes_back_is_let_through_and_covers_nothing_else() {
        let back = || Group { goes_back: true, ..group("canary", "before") };
        let first = plan(vec![group("canary", "x")], vec![group("rest", "y")]);
        let (hash, changes) = (saved::hash(&first, "h"), held(&first));
        let is = |groups| is_approved(&plan(groups, Vec::new()), "sha256:other", &hash, &changes);
        assert!(is(vec![back(), group("rest", "y")]));
        assert!(!is(vec![back(), group("rest", "before")]));
        assert_eq!(forward(&plan(vec![back()], Vec::new())).count(), 0);
    }

    #[test]
    fn without_rollouts_devices_count_too() {
        let only = plan(vec![group("d1", "x")], Vec::new());
        assert_eq!(held(&only), BTreeSet::new());
        let other = plan(vec![group("d2", "x")], Vec::new());
        assert!(!is_approved(&other, &saved::hash(&other, "h"), &saved::hash(&only, "h"), &held(&only)));
    }
}
