//! What a person has to look at: worst first.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    fleet::Fleet,
    plan::{
        Plan, Verdict,
        guard::{self, Ruling, Terms},
        rollout::{Phase, Reason, RolloutState},
    },
};

/// Causes of one kind that are named.
const NAMED: usize = 5;

/// Something that does not settle by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Need {
    /// The kind in a word or two.
    pub(in crate::portal) kind: &'static str,
    /// A verdict whose colour fits.
    pub(in crate::portal) verdict: Verdict,
    pub(in crate::portal) message: String,
    /// Page and query that show more.
    pub(in crate::portal) link: String,
}

/// How many devices have a path with a verdict.
pub(super) type Causes = BTreeMap<(Verdict, String), u64>;

/// What the guards say that refuse the next run.
pub(super) fn of_plan(fleet: &Fleet, plan: &Plan) -> Vec<Need> {
    let today = jiff::Timestamp::now().to_zoned(TimeZone::system()).date();
    let judged = guard::judge(fleet, plan, Terms { today, allowed: &[], actor: "portal", whole: true });
    let refusing = judged.rulings.iter().filter(|ruling| ruling.leave.is_none());
    let missing = plan.notices.iter().filter(|notice| notice.id == "not-registered");
    let missing = missing.map(|notice| Need {
        kind: "Not registered",
        verdict: Verdict::Unknown,
        message: format!("{} devices are declared, and the hub does not know them", notice.devices),
        link: "/devices".to_owned(),
    });
    refusing.map(refused).chain(missing).collect()
}

fn refused(ruling: &Ruling) -> Need {
    Need {
        kind: "Guard",
        verdict: Verdict::Failed,
        message: format!("{} refuses the next run: {}", ruling.guard.word(), ruling.message),
        link: "/devices?verdict=pending".to_owned(),
    }
}

/// Rollouts that somebody has to decide about.
pub(super) fn of_rollouts(rollouts: &[RolloutState]) -> Vec<Need> {
    rollouts.iter().filter_map(of_rollout).collect()
}

fn of_rollout(state: &RolloutState) -> Option<Need> {
    let hold = state.hold.as_ref()?;
    let (kind, verdict) = match (state.phase, &hold.reason) {
        (Phase::Rejected, _) => ("Rolled back", Verdict::Failed),
        (Phase::Paused, _) => ("Gate", Verdict::Rejected),
        (_, Reason::Approval) if state.waiting() > 0 => ("Approval", Verdict::Contested),
        (_, Reason::Nobody) => ("Gate", Verdict::Unreachable),
        _ => return None,
    };
    let message = format!("{}, wave {}: {}", state.name, hold.wave, hold.reason);
    Some(Need { kind, verdict, message, link: format!("/rollouts#{}", state.name) })
}

/// Paths that devices refuse or fail at, and those that others write too.
pub(super) fn of_causes(causes: &Causes) -> Vec<Need> {
    let kinds = [(Verdict::Contested, "Contested"), (Verdict::Failed, "Failed"), (Verdict::Rejected, "Rejected")];
    kinds.into_iter().flat_map(|(verdict, kind)| of_verdict(causes, verdict, kind)).collect()
}

fn of_verdict(causes: &Causes, verdict: Verdict, kind: &'static str) -> Vec<Need> {
    let mut paths: Vec<_> = causes.iter().filter(|((of, _), _)| *of == verdict).collect();
    paths.sort_by_key(|((_, path), devices)| (std::cmp::Reverse(**devices), path.clone()));
    let need = |((_, path), devices): (&(Verdict, String), &u64)| {
        let noun = if *devices == 1 { "device" } else { "devices" };
        let message = format!("{path} on {devices} {noun}");
        Need { kind, verdict, message, link: format!("/drift?verdict={}", verdict.word()) }
    };
    paths.into_iter().take(NAMED).map(need).collect()
}
