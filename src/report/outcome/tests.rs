//! Outcomes in every format.

use super::*;
use crate::{
    fleet::GuardName,
    plan::guard::Leave,
    reconcile::Failure,
    report::{Format, Limits, golden},
};

fn id(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

fn failure(device: &str, reason: &str) -> Failure {
    Failure { device: id(device), reason: reason.into() }
}

fn outcome() -> Outcome {
    Outcome {
        applied: 12,
        adopted: 2,
        unchanged: 1,
        stale: vec![id("kiosk-0004")],
        failed: vec![
            failure("kiosk-0001", "the hub refuses: `psk`\nis too long\u{1b}[1m"),
            failure("kiosk-0002", "the hub cannot be reached"),
            failure("kiosk-0003", "the hub cannot be reached"),
        ],
        not_attempted: 4,
        registered: 5,
        stopped: Some(Stopped::Interrupted),
    }
}

#[test]
fn an_outcome_is_told_in_every_format() {
    let outcome = outcome();
    let converged = Converged {
        done: vec![id("kiosk-0010"), id("kiosk-0011")],
        failed: vec![(id("kiosk-0012"), "cannot resolve @time".to_owned())],
        waiting: vec![id("kiosk-0013")],
        interrupted: false,
    };
    let rulings = [Ruling {
        guard: GuardName::MaxPruned,
        message: "values are pruned on 12 of 20 managed devices; at most 5% are allowed".into(),
        devices: 12,
        samples: vec![id("kiosk-0010")],
        leave: Some(Leave::Allowed { by: "alice".into() }),
    }];
    let report = OutcomeReport {
        fleet: "contoso-kiosks",
        revision: "4f1c2d9",
        outcome: &outcome,
        converged: Some(&converged),
        rulings: &rulings,
        rollouts: &[],
    };
    golden::check("outcome/mixed", &report);
}

#[test]
fn a_run_without_trouble_is_short() {
    let outcome = Outcome { applied: 3, ..Outcome::default() };
    let report =
        OutcomeReport { fleet: "f", revision: "r", outcome: &outcome, converged: None, rulings: &[], rollouts: &[] };
    golden::check("outcome/done", &report);
}

#[test]
fn one_reason_of_many_devices_is_told_once_and_the_rest_is_counted() {
    let outcome = outcome();
    let report =
        OutcomeReport { fleet: "f", revision: "r", outcome: &outcome, converged: None, rulings: &[], rollouts: &[] };
    let paper = Paper { limits: Limits { groups: 1, ..Limits::default() }, ..Paper::default() };
    let text = golden::told(&report, Format::Text, &paper);
    assert!(text.starts_with("failed  2 devices: kiosk-0002, kiosk-0003\n"), "{text}");
    assert!(text.contains("and 2 more groups"), "{text}");
}
