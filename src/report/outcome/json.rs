//! An outcome for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::OutcomeReport;
use crate::{
    plan::{guard::Ruling, rollout::RolloutState},
    reconcile::{Failure, Stopped},
    report::{
        json::{self, Each, VERSION},
        rollouts::RolloutView,
        rulings::{self, RulingView},
    },
    twin::DeviceId,
};

/// What has come of carrying a plan out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Outcome")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The commit that the twins were to be brought to.
    revision: &'a str,
    /// Whether every device of the plan was brought to it.
    complete: bool,
    /// In numbers of devices.
    summary: Summary,
    /// Why the run ended before its plan did; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<StoppedView<'a>>,
    /// Devices given up, with the reason.
    failed: Each<'a, Failure, DeviceFailure<'a>>,
    /// Devices whose twins moved on: refused, never forced.
    stale: Each<'a, DeviceId, &'a str>,
    /// Who has caught up; absent when that was not waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    converged: Option<ConvergedView<'a>>,
    /// What the guards said of the plan, and who let it pass.
    guards: Each<'a, Ruling, RulingView<'a>>,
    /// How the rollouts stood before anything was written.
    rollouts: Each<'a, RolloutState, RolloutView<'a>>,
}

/// An outcome in numbers of devices; each of the plan is counted once, but for `registered`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// Twins written.
    applied: u64,
    /// Twins where only the marker was written.
    adopted: u64,
    /// Twins that had moved on and needed nothing any more.
    unchanged: u64,
    /// Devices given up.
    failed: usize,
    /// Devices whose twins moved on.
    stale: usize,
    /// Devices not reached before the run was stopped.
    not_attempted: u64,
    /// Devices registered on the way; counted besides.
    registered: u64,
}

/// Why a run ended before its plan did.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Stopped")]
struct StoppedView<'a> {
    /// `interrupted` by its caller, or by the `hub`.
    by: StoppedBy,
    /// What the hub had against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Who ended a run.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum StoppedBy {
    /// Whoever started it.
    Interrupted,
    /// The hub: no device would have fared better.
    Hub,
}

/// A device that could not be brought to its plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Failure")]
struct DeviceFailure<'a> {
    /// The device.
    id: &'a str,
    /// Why.
    reason: &'a str,
}

/// Who has caught up with the twins.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Converged")]
struct ConvergedView<'a> {
    /// Whether the wait was cut short.
    interrupted: bool,
    /// Devices that got there.
    done: Each<'a, DeviceId, &'a str>,
    /// Devices that say that they will not, with their words.
    failed: Each<'a, (DeviceId, String), DeviceFailure<'a>>,
    /// Devices that have not answered yet.
    waiting: Each<'a, DeviceId, &'a str>,
}

pub(super) fn write(report: &OutcomeReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let outcome = report.outcome;
    let summary = Summary {
        applied: outcome.applied,
        adopted: outcome.adopted,
        unchanged: outcome.unchanged,
        failed: outcome.failed.len(),
        stale: outcome.stale.len(),
        not_attempted: outcome.not_attempted,
        registered: outcome.registered,
    };
    let stopped = outcome.stopped.as_ref().map(|stopped| match stopped {
        Stopped::Interrupted => StoppedView { by: StoppedBy::Interrupted, reason: None },
        Stopped::Hub(reason) => StoppedView { by: StoppedBy::Hub, reason: Some(reason) },
    });
    let converged = report.converged.map(|converged| ConvergedView {
        interrupted: converged.interrupted,
        done: Each::new(&converged.done, DeviceId::as_str),
        failed: Each::new(&converged.failed, |(device, reason)| DeviceFailure { id: device.as_str(), reason }),
        waiting: Each::new(&converged.waiting, DeviceId::as_str),
    });
    let view = View {
        version: VERSION,
        kind: "outcome",
        fleet: report.fleet,
        revision: report.revision,
        complete: outcome.is_complete(),
        summary,
        stopped,
        failed: Each::new(&outcome.failed, |f| DeviceFailure { id: f.device.as_str(), reason: &f.reason }),
        stale: Each::new(&outcome.stale, DeviceId::as_str),
        converged,
        guards: rulings::views(report.rulings),
        rollouts: Each::new(report.rollouts, RolloutView::from),
    };
    json::write(&view, out)
}
