//! A rehearsal for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::{RehearsalReport, told};
use crate::{
    plan::{Verdict, guard::Ruling, rollout::RolloutState},
    reconcile::rehearsal::{End, Origin, Refusal, Step, WaveShare, What},
    report::{
        json::{self, Each, LocationView, VERSION},
        places::Places,
        rollouts::RolloutView,
        rulings::{self, RulingView},
    },
    twin::DeviceId,
};

/// How a plan went on a hub of its own, with simulated devices.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Rehearsal")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The commit that was rehearsed.
    revision: &'a str,
    /// Who took part.
    cast: CastView,
    /// How it ended.
    end: EndWord,
    /// How long it took by its own clock, in seconds.
    seconds: f64,
    /// What happened, in order.
    steps: Each<'a, Step, StepView<'a>>,
    /// What devices would not, or could not, apply.
    refusals: Each<'a, Refusal, RefusalView<'a>>,
    /// What the guards said of the plan that they stopped.
    guards: Each<'a, Ruling, RulingView<'a>>,
    /// How the rollouts stood at the end.
    rollouts: Each<'a, RolloutState, RolloutView<'a>>,
}

/// Who took part.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Cast")]
struct CastView {
    /// Devices.
    devices: u64,
    /// Those of them that never answer: they were not connected where their twins come from.
    offline: u64,
    /// How many devices they stand for; absent: each for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_of: Option<u64>,
    /// Where their twins come from.
    from: FromWord,
}

/// Where twins come from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum FromWord {
    /// The documents of the repository.
    Documents,
    /// A file.
    Snapshot,
    /// The live hub.
    Hub,
}

/// How a rehearsal ends.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum EndWord {
    /// Every device that answers has the commit.
    Done,
    /// A guard stopped it.
    Refused,
    /// A gate was not passed, and everything stands still.
    Paused,
    /// A gate was not passed, and devices went back.
    Rejected,
    /// It waits for something that no rehearsal can bring about.
    Held,
}

/// Something that happened.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Step")]
struct StepView<'a> {
    /// When, in seconds from the beginning.
    at: f64,
    /// What: `begin`, `write`, `answer`, `wait`, `approve` or `back`.
    step: &'static str,
    /// The same in words.
    message: String,
    /// How long was waited, or how long the writes take at least, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// The waves that are written to, or the one that is waited for.
    waves: Vec<WaveView<'a>>,
    /// Devices that the hub refused to write.
    failed: Vec<FailedView<'a>>,
}

/// Devices of a wave.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WaveShare")]
struct WaveView<'a> {
    /// The rollout.
    rollout: &'a str,
    /// The wave.
    wave: &'a str,
    /// How many devices are written; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<u64>,
}

/// A device that the hub refused to write.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FailedWrite")]
struct FailedView<'a> {
    /// The device.
    id: &'a str,
    /// The hub's words.
    reason: &'a str,
}

/// Something that devices refused.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Refusal")]
struct RefusalView<'a> {
    /// Where in the twin.
    path: String,
    /// What became of it.
    verdict: Verdict,
    /// What the devices said.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// The line that wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<LocationView>,
    /// The devices.
    devices: Vec<&'a str>,
}

pub(super) fn write(report: &RehearsalReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let (told, places) = (report.rehearsal, report.places);
    let view = View {
        version: VERSION,
        kind: "rehearsal",
        fleet: &told.fleet,
        revision: &told.revision,
        cast: CastView {
            devices: told.cast.devices,
            offline: told.cast.offline,
            sample_of: told.cast.sample_of,
            from: match told.cast.from {
                Origin::Documents => FromWord::Documents,
                Origin::Snapshot => FromWord::Snapshot,
                Origin::Hub => FromWord::Hub,
            },
        },
        end: match told.end {
            End::Done => EndWord::Done,
            End::Refused => EndWord::Refused,
            End::Paused => EndWord::Paused,
            End::Rejected => EndWord::Rejected,
            End::Held => EndWord::Held,
        },
        seconds: told.length.as_secs_f64(),
        steps: Each::new(&told.steps, step),
        refusals: Each::new(&told.refusals, move |one| refusal(one, places)),
        guards: rulings::views(&told.rulings),
        rollouts: Each::new(&told.rollouts, RolloutView::from),
    };
    json::write(&view, out)
}

fn step(step: &Step) -> StepView<'_> {
    let (word, message) = told(step);
    let (seconds, waves, failed) = match &step.what {
        What::Prepared { .. } | What::Answered { .. } | What::WentBack { .. } => (None, Vec::new(), &[][..]),
        What::Wrote { failed, waves, takes, .. } => (*takes, waves.iter().map(wave).collect(), failed.as_slice()),
        What::Waited { rollout, wave, length, .. } => (Some(*length), one(rollout, wave), &[][..]),
        What::Approved { rollout, wave } => (None, one(rollout, wave), &[][..]),
    };
    StepView {
        at: step.at.as_secs_f64(),
        step: word,
        message,
        seconds: seconds.map(|seconds| seconds.as_secs_f64()),
        waves,
        failed: failed.iter().map(|one| FailedView { id: one.device.as_str(), reason: &one.reason }).collect(),
    }
}

fn one<'a>(rollout: &'a str, wave: &'a str) -> Vec<WaveView<'a>> {
    vec![WaveView { rollout, wave, devices: None }]
}

fn wave(share: &WaveShare) -> WaveView<'_> {
    WaveView { rollout: &share.rollout, wave: &share.wave, devices: Some(share.devices) }
}

fn refusal<'a>(one: &'a Refusal, places: &dyn Places) -> RefusalView<'a> {
    RefusalView {
        path: one.property.path.to_string(),
        verdict: one.property.verdict,
        message: one.property.message.as_deref(),
        origin: one.property.origin.as_ref().map(|place| LocationView::of(places, place)),
        devices: one.devices.iter().map(DeviceId::as_str).collect(),
    }
}
