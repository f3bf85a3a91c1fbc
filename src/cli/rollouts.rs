//! Rollouts as commands take them into account.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Failure,
    access::{self, Twins},
    args::{ApproveArgs, SelectArgs},
    prepare::Prepared,
};
use crate::{
    fleet::Fleet,
    plan::{Plan, rollout::Terms},
    reconcile::{
        ports::TwinRead as _,
        survey::{self, Rollouts},
    },
};

/// All twins of a hub: a rollout is judged by the whole of its waves.
const ALL: &str = "SELECT * FROM devices";

/// The time, and what the arguments approve.
pub(crate) fn terms(fleet: &Fleet, args: &ApproveArgs) -> Result<Terms, Failure> {
    for named in &args.approve {
        let rollout = fleet.rollouts.iter().find(|rollout| *rollout.name == *named.rollout);
        let known = rollout.is_some_and(|rollout| rollout.waves.iter().any(|wave| *wave.name == *named.wave));
        if !known {
            let message = format!("there is no wave `{}` of a rollout `{}`", named.wave, named.rollout);
            return Err(Failure::usage(message).help("`twinops status --rollout` lists both"));
        }
    }
    let approved = args.approve.iter().map(|named| (named.rollout.clone(), named.wave.clone())).collect();
    Ok(Terms { now: Timestamp::now(), approved })
}

/// How rollouts are to be taken into account by a plan: where only some twins are planned, the others are looked at
/// first.
pub(crate) async fn of(
    prepared: &Prepared,
    twins: &Twins,
    select: &SelectArgs,
    approve: &ApproveArgs,
) -> Result<Rollouts, Failure> {
    let fleet = prepared.planner.fleet();
    let terms = terms(fleet, approve)?;
    if fleet.rollouts.is_empty() {
        return Ok(Rollouts::Ignored);
    }
    if access::is_all(select) {
        return Ok(Rollouts::Derived(terms));
    }
    let course = survey::course(twins.twins(ALL), Arc::clone(&prepared.planner), terms.clone()).await?;
    Ok(Rollouts::Known(terms, course))
}

/// Adds what devices get that go back to the commit before.
pub(crate) async fn take_back(
    prepared: &Prepared,
    twins: &Twins,
    select: &SelectArgs,
    statement: Option<&str>,
    plan: &mut Plan,
) -> Result<(), Failure> {
    if !plan.rollouts.goes_back() {
        return Ok(());
    }
    let pages = access::selected(twins, Some(prepared.planner.fleet()), select, statement);
    let course = Arc::new(plan.rollouts.clone());
    plan.take_back(survey::returning(pages, Arc::clone(&prepared.planner), course).await?);
    Ok(())
}
