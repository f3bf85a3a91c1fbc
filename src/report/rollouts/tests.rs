//! Rollouts in every format.

use jiff::Timestamp;

use super::*;
use crate::{
    plan::rollout::{Hold, Phase, Reason, Spread, WaveCounts},
    report::golden,
};

fn wave(name: &str, open: bool, counts: WaveCounts, outstanding: &[&str]) -> WaveState {
    let outstanding = outstanding.iter().map(|id| id.parse().unwrap()).collect();
    WaveState { name: name.into(), open, counts, took: None, outstanding }
}

pub(in crate::report) fn states() -> Vec<RolloutState> {
    let counts = |devices, held, compliant, in_progress, failed| WaveCounts {
        devices,
        held,
        compliant,
        in_progress,
        failed,
        unreachable: 1,
        ..WaveCounts::default()
    };
    let canary = wave("canary", true, counts(20, 0, 18, 2, 0), &["kiosk-0003", "kiosk-0017"]);
    let took = Some(Spread { p50: Duration::from_millis(1400), p95: Duration::from_mins(4) });
    let since: Timestamp = "2026-09-02T08:00:00.5Z".parse().unwrap();
    let reason = Reason::Compliance { compliant: 18, needed: 19, devices: 20 };
    let hold = Hold { wave: "canary".into(), reason, since: Some(since), until: None };
    let rest = wave("rest", false, counts(380, 380, 0, 0, 0), &["kiosk-0001", "kiosk-0002"]);
    let kiosks = RolloutState {
        name: "kiosks".into(),
        phase: Phase::Rolling,
        hold: Some(hold),
        waves: vec![WaveState { took, ..canary }, rest],
    };
    let reason = Reason::Failed { failed: 2, devices: 5, most: 1 };
    let paused = RolloutState {
        name: "tills".into(),
        phase: Phase::Paused,
        hold: Some(Hold { wave: "(rest)".into(), reason, since: None, until: None }),
        waves: vec![wave("(rest)", false, counts(5, 0, 3, 0, 2), &["till-1", "till-2"])],
    };
    vec![kiosks, paused]
}

#[test]
fn rollouts_are_told_in_every_format() {
    let rollouts = states();
    golden::check(
        "rollouts/mixed",
        &RolloutsReport { fleet: "contoso", revision: "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80", rollouts: &rollouts },
    );
    golden::check("rollouts/none", &RolloutsReport { fleet: "contoso", revision: "r", rollouts: &[] });
}

#[test]
fn lengths_of_time_are_short() {
    let told = [200, 1400, 61_000, 300_000, 7_300_000].map(|ms| length(Duration::from_millis(ms)));
    assert_eq!(told, ["0.2 s", "1 s", "61 s", "5 min", "2 h"]);
}
