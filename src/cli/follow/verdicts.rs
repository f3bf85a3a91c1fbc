//! How all devices stand, for the metrics: looked at when all twins are brought back, because it reads every one.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cli::{
        Failure,
        access::{Access, Twins},
        args::ReconcileArgs,
        prepare::{Desk, Ready},
        workspace::Workspace,
    },
    plan::Verdict,
    reconcile::{ports::TwinRead as _, survey},
};

/// Devices by verdict; nothing for a fleet with findings, which are told elsewhere.
pub(super) async fn count(args: &ReconcileArgs, desk: &Desk<'_>) -> Result<Option<BTreeMap<Verdict, u64>>, Failure> {
    let workspace = Workspace::open(desk.root)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(None) };
    let twins = Twins::open(prepared.planner.fleet(), Access { hub: &args.hub, ca: desk.ca }, None)?;
    let pages = twins.twins("SELECT * FROM devices");
    Ok(survey::verdicts(pages, Arc::clone(&prepared.planner)).await?.ok())
}

/// Whether no device that can be reached is still behind.
pub(super) fn are_compliant(devices: &BTreeMap<Verdict, u64>) -> bool {
    [Verdict::Pending, Verdict::InProgress].iter().all(|behind| devices.get(behind).copied().unwrap_or(0) == 0)
}
