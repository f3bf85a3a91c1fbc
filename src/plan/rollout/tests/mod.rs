//! What a rollout decides, from counts alone.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    Phase, Place,
    course::{Decision, Question},
    member::{slot, wave},
    seen::{Seen, Way},
    tally::{Progress, Wave},
};
use crate::{
    fleet::{DocumentRef, Gate, GateOf, OnFailure, Rollout, Wave as Slice, resolve::Content},
    query::Condition,
};

mod laws;

/// What is rolled out.
const CURRENT: Content = Content::of(1);
/// What was there before.
const BEFORE: Content = Content::of(2);

fn slice(name: &str, condition: Option<&str>, percent: Option<u8>) -> Slice {
    let condition = condition.map(|text| Condition::parse(text).unwrap());
    Slice { name: name.into(), condition, percent, approval: false }
}

fn rollout(waves: Vec<Slice>, gate: Gate) -> Rollout {
    Rollout {
        name: "kiosks".into(),
        document: DocumentRef { file: "r.yaml".into(), document: 0 },
        condition: None,
        waves,
        gate,
        on_failure: OnFailure::Pause,
        window: None,
    }
}

fn two_waves(gate: Gate) -> Rollout {
    rollout(vec![slice("canary", None, Some(10)), slice("rest", None, None)], gate)
}

const fn gate(compliant: u8, failed: u8, soak: u64, timeout: Option<u64>) -> Gate {
    let timeout = match timeout {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => None,
    };
    Gate { compliant, failed, soak: Duration::from_secs(soak), timeout, of: GateOf::Reachable }
}

/// A device that can be reached, and was written at second 10.
fn seen(wave: usize, way: Way, content: Content) -> Seen {
    Seen {
        place: Place { rollout: 0, wave },
        way,
        reachable: true,
        counts: true,
        content: Some(content),
        written: Some(10_000),
        refuses: None,
        can_go_back: true,
    }
}

const OUTDATED: Way = Way::Outdated { now: true };

const fn compliant(second: i64) -> Way {
    Way::Compliant { at: second * 1000 }
}

fn progress(rollout: &Rollout, devices: &[Seen]) -> Progress {
    let mut all = Progress { waves: vec![Wave::default(); rollout.waves.len()], ..Progress::default() };
    let name = |at: usize| format!("d{at}").parse().ok();
    devices.iter().enumerate().for_each(|(at, seen)| all.take(seen, || name(at)));
    all
}

fn decide(rollout: &Rollout, devices: &[Seen], now: i64) -> Decision {
    let progress = progress(rollout, devices);
    let approved = vec![false; rollout.waves.len()];
    Question { rollout, progress: &progress, current: CURRENT, approved: &approved, again: false, now: now * 1000 }
        .decide()
}

/// Phase, open waves, and what is waited for.
fn told(decision: &Decision) -> (Phase, usize, &'static str) {
    (decision.phase, decision.open, decision.hold.as_ref().map_or("", |hold| hold.reason.word()))
}

#[test]
fn a_device_belongs_to_the_first_wave_that_takes_it() {
    let waves = vec![
        slice("canary", Some("tags.ring = 'canary'"), None),
        slice("tenth", None, Some(10)),
        slice("half", None, Some(50)),
        slice("rest", None, None),
    ];
    let rollout = rollout(waves, gate(100, 0, 0, None));
    // The condition of the canary holds, or does not.
    assert_eq!(wave(&rollout, 0b1111, "any"), 0);
    let mut counts = [0; 4];
    for device in 0..2000 {
        counts[wave(&rollout, 0b1110, &format!("kiosk-{device}"))] += 1;
    }
    assert!((150..250).contains(&counts[1]), "a tenth: {counts:?}");
    assert!((700..900).contains(&counts[2]), "four tenths more: {counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 2000);
}

#[test]
fn the_slot_of_a_device_never_changes() {
    // Whoever changes these moves devices between waves in the middle of a rollout.
    assert_eq!(["kiosk-1", "kiosk-2", "till-7"].map(|device| slot("kiosks", device)), SLOTS);
    assert_ne!(slot("kiosks", "kiosk-1"), slot("tills", "kiosk-1"));
}

#[test]
fn the_rest_is_held_until_the_canary_has_been_well_for_long_enough() {
    let rollout = two_waves(gate(100, 0, 30, None));
    let rest = seen(1, OUTDATED, BEFORE);
    let canary = |way| [seen(0, way, if way == OUTDATED { BEFORE } else { CURRENT }), rest];
    assert_eq!(told(&decide(&rollout, &canary(OUTDATED), 11)), (Phase::Rolling, 1, "compliance"));
    assert_eq!(told(&decide(&rollout, &canary(Way::Asked), 11)), (Phase::Rolling, 1, "compliance"));
    let soaking = decide(&rollout, &canary(compliant(12)), 41);
    assert_eq!(told(&soaking), (Phase::Rolling, 1, "soak"));
    assert_eq!(soaking.hold.unwrap().until.unwrap().as_second(), 42);
    assert_eq!(told(&decide(&rollout, &canary(compliant(12)), 42)), (Phase::Rolling, 2, "compliance"));
}

#[test]
fn a_commit_that_touches_one_canary_of_many_waits_for_that_one() {
    let rollout = two_waves(gate(90, 1, 0, None));
    let mut devices: Vec<Seen> = (0..20).map(|_| seen(0, compliant(1), BEFORE)).collect();
    devices.push(seen(1, OUTDATED, BEFORE));
    assert_eq!(told(&decide(&rollout, &devices, 60)).1, 2, "nothing of it concerns the canary");
    devices[0] = seen(0, OUTDATED, BEFORE);
    assert_eq!(told(&decide(&rollout, &devices, 60)), (Phase::Rolling, 1, "compliance"));
    devices[0] = seen(0, Way::Asked, CURRENT);
    assert_eq!(told(&decide(&rollout, &devices, 60)), (Phase::Rolling, 1, "compliance"));
    devices[0] = seen(0, compliant(20), CURRENT);
    assert_eq!(told(&decide(&rollout, &devices, 60)).1, 2);
}

#[test]
fn a_device_that_cannot_be_reached_neither_blocks_a_gate_nor_passes_it() {
    let rollout = two_waves(gate(100, 0, 0, None));
    let away = |way, content| Seen { reachable: false, counts: false, ..seen(0, way, content) };
    let rest = seen(1, OUTDATED, BEFORE);
    let beside = [seen(0, compliant(12), CURRENT), away(Way::Asked, CURRENT), rest];
    assert_eq!(told(&decide(&rollout, &beside, 60)).1, 2);
    let alone = [away(Way::Asked, CURRENT), rest];
    assert_eq!(told(&decide(&rollout, &alone, 60)), (Phase::Rolling, 1, "nobody"));
}

#[test]
fn whoever_returns_joins_behind_the_gates_that_are_passed() {
    let rollout = two_waves(gate(100, 0, 30, None));
    let returned = seen(0, Way::Asked, CURRENT);
    let devices = [seen(0, compliant(12), CURRENT), returned, seen(1, Way::Asked, CURRENT), seen(1, OUTDATED, BEFORE)];
    assert_eq!(told(&decide(&rollout, &devices, 60)), (Phase::Rolling, 2, "compliance"), "the next wave stays open");
    let alone = seen(1, OUTDATED, BEFORE);
    assert_eq!(told(&decide(&rollout, &[alone], 60)).1, 2, "an empty canary holds nobody up");
}

#[test]
fn too_many_failures_and_time_running_out_stop_everything() {
    let rollout = two_waves(gate(90, 5, 0, Some(100)));
    let rest = seen(1, OUTDATED, BEFORE);
    let devices = [seen(0, Way::Failed, CURRENT), seen(0, compliant(11), CURRENT), rest];
    assert_eq!(told(&decide(&rollout, &devices, 60)), (Phase::Paused, 0, "failed"));
    let silent = [seen(0, Way::Asked, CURRENT), rest];
    assert_eq!(told(&decide(&rollout, &silent, 109)), (Phase::Rolling, 1, "compliance"));
    assert_eq!(told(&decide(&rollout, &silent, 110)), (Phase::Paused, 0, "timeout"));
    let mended = [seen(0, OUTDATED, BEFORE), rest];
    assert_eq!(told(&decide(&rollout, &mended, 110)), (Phase::Rolling, 1, "compliance"), "a new commit starts again");
}

#[test]
fn a_rollback_takes_back_what_was_written_now_and_nothing_older() {
    let rollout = Rollout { on_failure: OnFailure::Rollback, ..two_waves(gate(100, 0, 0, None)) };
    let rest = seen(1, OUTDATED, BEFORE);
    let failed = decide(&rollout, &[seen(0, Way::Failed, CURRENT), rest], 60);
    assert_eq!((told(&failed), failed.back), ((Phase::Rejected, 0, "failed"), BTreeSet::from([CURRENT])));
    let older = decide(&rollout, &[seen(0, Way::Failed, BEFORE), rest], 60);
    assert_eq!((told(&older), older.back), ((Phase::Paused, 0, "failed"), BTreeSet::new()));
    let first = Seen { can_go_back: false, ..seen(0, Way::Failed, CURRENT) };
    assert_eq!(told(&decide(&rollout, &[first, rest], 60)).0, Phase::Paused, "there is nothing to go back to");
    // Half of it is done: the rest goes back too, though nothing fails any more.
    let gone = Seen { refuses: Some(CURRENT), ..seen(0, OUTDATED, BEFORE) };
    let halfway = decide(&rollout, &[gone, seen(0, Way::Asked, CURRENT), rest], 60);
    assert_eq!((told(&halfway), halfway.back), ((Phase::Rejected, 0, "rejected"), BTreeSet::from([CURRENT])));
}

#[test]
fn a_wave_that_needs_approval_waits_for_it() {
    let mut rollout = two_waves(gate(100, 0, 0, None));
    rollout.waves[1].approval = true;
    let devices = [seen(0, compliant(12), CURRENT), seen(1, OUTDATED, BEFORE)];
    let progress = progress(&rollout, &devices);
    let ask = |approved: bool| {
        let approved = [false, approved];
        let question = Question {
            rollout: &rollout,
            progress: &progress,
            current: CURRENT,
            approved: &approved,
            again: false,
            now: 60_000,
        };
        told(&question.decide())
    };
    assert_eq!(ask(false), (Phase::Rolling, 1, "approval"));
    assert_eq!(ask(true), (Phase::Rolling, 2, "compliance"));
}

#[test]
fn what_fails_long_after_the_last_wave_is_drift() {
    let rollout = Rollout { on_failure: OnFailure::Rollback, ..two_waves(gate(90, 1, 0, Some(100))) };
    let devices = [seen(0, compliant(11), CURRENT), seen(1, Way::Failed, CURRENT)];
    assert_eq!(told(&decide(&rollout, &devices, 109)), (Phase::Rejected, 0, "failed"));
    assert_eq!(told(&decide(&rollout, &devices, 110)), (Phase::Done, 2, ""));
}

#[test]
fn a_device_outside_its_window_waits_and_holds_nobody_up() {
    let rollout = two_waves(gate(100, 0, 0, None));
    let outside = Seen { counts: false, ..seen(0, Way::Outdated { now: false }, BEFORE) };
    let devices = [seen(0, compliant(12), CURRENT), outside, seen(1, compliant(13), CURRENT)];
    let decision = decide(&rollout, &devices, 60);
    assert_eq!(told(&decision), (Phase::Rolling, 2, "window"));
    let progress = progress(&rollout, &devices);
    let question =
        Question { rollout: &rollout, progress: &progress, current: CURRENT, approved: &[], again: false, now: 60_000 };
    let state = question.state(&decision);
    assert_eq!(state.waves[0].counts.outside_window, 1);
    assert_eq!(state.waiting(), 1);
    assert_eq!(state.waves[0].took.unwrap().p95, Duration::from_secs(2));
    let outstanding: Vec<_> =
        state.waves[0].outstanding.iter().map(|id| Arc::from(id.as_str())).collect::<Vec<Arc<str>>>();
    assert_eq!(outstanding, ["d1".into()]);
}

/// As they were when this was written.
const SLOTS: [u8; 3] = [72, 53, 68];
