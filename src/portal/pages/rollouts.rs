//! `/rollouts`: waves, gates, clocks, and the devices that are not there yet.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Html};
use jiff::Timestamp;

use crate::{
    plan::rollout::{RolloutState, WaveState},
    portal::{
        Portal,
        asked::address,
        bar::Bar,
        error::PageError,
        gate::Visitor,
        model::Model,
        page::{self, Frame, Time},
    },
    report::{grouped, rollout_length},
};

#[derive(Template)]
#[template(path = "rollouts.html")]
struct RolloutsPage {
    frame: Frame,
    rollouts: Vec<Rollout>,
}

struct Rollout {
    name: String,
    phase: &'static str,
    hold: Option<Hold>,
    gate: Vec<(&'static str, String)>,
    waves: Vec<Wave>,
}

struct Hold {
    wave: String,
    reason: &'static str,
    message: String,
    since: Option<Time>,
    /// RFC 3339, and how long until then.
    until: Option<(String, String)>,
}

struct Wave {
    name: String,
    link: String,
    state: &'static str,
    devices: String,
    unreachable: String,
    bar: Bar,
    took: Option<(String, String)>,
    outstanding: Vec<String>,
    /// Devices besides those named.
    more: u64,
}

/// Shows them.
pub(super) async fn show(State(portal): State<Arc<Portal>>, visitor: Visitor) -> Result<Html<String>, PageError> {
    let frame = Frame::new(&portal, &visitor.0, "rollouts", "Rollouts", "/rollouts".to_owned());
    let model = portal.model();
    let of = |model: &Model| model.rollouts.iter().map(|state| Rollout::of(model, state)).collect();
    page::html(&RolloutsPage { frame, rollouts: model.as_deref().map(of).unwrap_or_default() })
}

impl Rollout {
    fn of(model: &Model, state: &RolloutState) -> Self {
        let declared = model.declared.planner.fleet().rollouts.iter().find(|rollout| rollout.name == state.name);
        let gate = declared.map(|rollout| &rollout.gate).map(|gate| {
            let timeout = gate.timeout.map(|timeout| ("decides within", rollout_length(timeout)));
            let words = [
                ("compliant at least", format!("{}%", gate.compliant)),
                ("failed at most", format!("{}%", gate.failed)),
                ("stays so for", rollout_length(gate.soak)),
            ];
            words.into_iter().chain(timeout).collect()
        });
        let hold = state.hold.as_ref().map(|hold| Hold {
            wave: hold.wave.to_string(),
            reason: hold.reason.word(),
            message: hold.reason.to_string(),
            since: hold.since.map(Time::of),
            until: hold.until.map(|until| (Time::of(until).stamp, left(until))),
        });
        Self {
            name: state.name.to_string(),
            phase: state.phase.word(),
            hold,
            gate: gate.unwrap_or_default(),
            waves: state.waves.iter().map(|wave| Wave::of(&state.name, wave)).collect(),
        }
    }
}

impl Wave {
    fn of(rollout: &str, wave: &WaveState) -> Self {
        let counts = &wave.counts;
        let outstanding: Vec<String> = wave.outstanding.iter().map(ToString::to_string).collect();
        let behind = counts.devices - counts.compliant;
        let name = format!("{rollout} / {}", wave.name);
        Self {
            name: wave.name.to_string(),
            link: address("/devices", [("wave", &*name)]),
            state: if wave.open { "open" } else { "waits" },
            devices: grouped(counts.devices),
            unreachable: grouped(counts.unreachable),
            bar: Bar::new(&counts.states()),
            took: wave.took.map(|took| (rollout_length(took.p50), rollout_length(took.p95))),
            more: behind.saturating_sub(outstanding.len() as u64),
            outstanding,
        }
    }
}

fn left(until: Timestamp) -> String {
    let seconds = until.as_second() - Timestamp::now().as_second();
    u64::try_from(seconds)
        .map_or_else(|_| "now".to_owned(), |seconds| rollout_length(std::time::Duration::from_secs(seconds)))
}
