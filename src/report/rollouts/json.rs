//! Rollouts for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::RolloutsReport;
use crate::{
    plan::rollout::{Hold, Phase, Reason, RolloutState, Spread, WaveState},
    report::json::{self, Each, VERSION},
    twin::DeviceId,
};

/// How the rollouts of a fleet stand.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rollouts")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The revision that is rolled out.
    revision: &'a str,
    /// The rollouts, in order of name.
    rollouts: Each<'a, RolloutState, RolloutView<'a>>,
}

/// How a rollout stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rollout")]
pub(crate) struct RolloutView<'a> {
    /// Its name.
    name: &'a str,
    /// What it does.
    phase: PhaseWord,
    /// What it waits for; absent when nothing holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldView<'a>>,
    /// Its waves, in order.
    waves: Each<'a, WaveState, WaveView<'a>>,
}

/// What a rollout does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum PhaseWord {
    /// Every device has the commit, and the last gate is passed or no longer watched.
    Done,
    /// Waves are being opened, one after the other.
    Rolling,
    /// A gate was not passed: nothing is changed until somebody decides.
    Paused,
    /// A gate was not passed: devices go back, or have gone back, and the commit is not tried again.
    Rejected,
}

/// What a rollout waits for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Hold")]
struct HoldView<'a> {
    /// The wave whose gate, or whose approval, is waited for.
    wave: &'a str,
    /// What is missing, in one word.
    reason: ReasonWord,
    /// The same in a sentence, with its numbers.
    message: String,
    /// Since when, as far as the twins tell: ISO 8601, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Until when at most, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// What a gate waits for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum ReasonWord {
    /// Too few devices are compliant.
    Compliance,
    /// None of the devices can be reached.
    Nobody,
    /// It has to stay so for a while.
    Soak,
    /// Too many devices have failed.
    Failed,
    /// The gate was not passed in time.
    Timeout,
    /// Somebody has to approve the wave.
    Approval,
    /// The commit was rejected before.
    Rejected,
    /// Devices wait for their maintenance window.
    Window,
}

/// How a wave stands. Each device is in exactly one of `held`, `outsideWindow`, `due`, `inProgress`, `compliant` and
/// `failed`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Wave")]
struct WaveView<'a> {
    /// Its name.
    name: &'a str,
    /// Whether its devices may be changed.
    open: bool,
    /// Its devices.
    devices: u64,
    /// To be changed, and the wave is not open.
    held: u64,
    /// To be changed, and only their maintenance window is shut.
    outside_window: u64,
    /// To be changed now.
    due: u64,
    /// As git says in the hub: `inProgress`, `compliant` and `failed` together.
    updated: u64,
    /// Asked, and at work or silent.
    in_progress: u64,
    /// As git says, in the hub and on the device.
    compliant: u64,
    /// They said that they cannot, or that they tried and failed.
    failed: u64,
    /// Not heard of lately; counted besides.
    unreachable: u64,
    /// From the last write to compliance; absent while no device has got there.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_to_compliance: Option<SpreadView>,
    /// Devices that are not compliant, in order of id: the first 50.
    outstanding: Each<'a, DeviceId, &'a str>,
}

/// How long devices took, in seconds.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Spread")]
struct SpreadView {
    /// Half of them took no longer.
    p50: f64,
    /// 95 of 100 took no longer.
    p95: f64,
}

pub(super) fn write(report: &RolloutsReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let (fleet, revision) = (report.fleet, report.revision);
    let rollouts = Each::new(report.rollouts, RolloutView::from);
    json::write(&View { version: VERSION, kind: "rollouts", fleet, revision, rollouts }, out)
}

impl<'a> From<&'a RolloutState> for RolloutView<'a> {
    fn from(state: &'a RolloutState) -> Self {
        let phase = match state.phase {
            Phase::Done => PhaseWord::Done,
            Phase::Rolling => PhaseWord::Rolling,
            Phase::Paused => PhaseWord::Paused,
            Phase::Rejected => PhaseWord::Rejected,
        };
        let hold = state.hold.as_ref().map(HoldView::from);
        Self { name: &state.name, phase, hold, waves: Each::new(&state.waves, WaveView::from) }
    }
}

impl<'a> From<&'a Hold> for HoldView<'a> {
    fn from(hold: &'a Hold) -> Self {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
        let (since, until) = (time(hold.since), time(hold.until));
        Self { wave: &hold.wave, reason: word(hold.reason), message: hold.reason.to_string(), since, until }
    }
}

impl<'a> From<&'a WaveState> for WaveView<'a> {
    fn from(wave: &'a WaveState) -> Self {
        let counts = &wave.counts;
        Self {
            name: &wave.name,
            open: wave.open,
            devices: counts.devices,
            held: counts.held,
            outside_window: counts.outside_window,
            due: counts.due,
            updated: counts.updated(),
            in_progress: counts.in_progress,
            compliant: counts.compliant,
            failed: counts.failed,
            unreachable: counts.unreachable,
            time_to_compliance: wave
                .took
                .map(|Spread { p50, p95 }| SpreadView { p50: p50.as_secs_f64(), p95: p95.as_secs_f64() }),
            outstanding: Each::new(&wave.outstanding, DeviceId::as_str),
        }
    }
}

const fn word(reason: Reason) -> ReasonWord {
    match reason {
        Reason::Compliance { .. } => ReasonWord::Compliance,
        Reason::Nobody => ReasonWord::Nobody,
        Reason::Soak => ReasonWord::Soak,
        Reason::Failed { .. } => ReasonWord::Failed,
        Reason::Timeout => ReasonWord::Timeout,
        Reason::Approval => ReasonWord::Approval,
        Reason::Rejected { .. } => ReasonWord::Rejected,
        Reason::Window { .. } => ReasonWord::Window,
    }
}
