//! Rehearsals in every format.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    fleet::GuardName,
    plan::{PropertyVerdict, Verdict, guard::Ruling},
    reconcile::Failure,
    report::{
        findings::tests::{Files, place},
        golden, rollouts,
    },
};

fn step(minutes: u64, what: What) -> Step {
    Step { at: Duration::from_mins(minutes), what }
}

fn wrote(applied: u64, adopted: u64, waves: &[(&str, u64)]) -> What {
    let share =
        |(wave, devices): &(&str, u64)| WaveShare { rollout: "kiosks".into(), wave: (*wave).into(), devices: *devices };
    let failed = vec![Failure { device: "k9".parse().unwrap(), reason: "too <large>".into() }];
    let takes = Some(Duration::from_secs(25));
    What::Wrote { applied, adopted, failed, waves: waves.iter().map(share).collect(), takes }
}

fn steps() -> Vec<Step> {
    let wait = |wave: &str, minutes| What::Waited {
        rollout: "kiosks".into(),
        wave: wave.into(),
        reason: "it has to stay so for a while".to_owned(),
        length: Duration::from_mins(minutes),
    };
    vec![
        step(0, What::Prepared { devices: 400 }),
        step(0, wrote(20, 1, &[("canary", 20)])),
        step(1, What::Answered { done: 17, failed: 2, silent: 1 }),
        step(1, wait("canary", 30)),
        step(31, What::Approved { rollout: "kiosks".into(), wave: "rest".into() }),
        step(31, What::WentBack { devices: 18 }),
    ]
}

fn refusal() -> Refusal {
    let property = PropertyVerdict {
        path: "properties.desired.time.timeZone".parse().unwrap(),
        verdict: Verdict::Rejected,
        wanted: Some(json!("Mars/Olympus")),
        live: Some(json!("Mars/Olympus")),
        reported: None,
        since: None,
        message: Some("there is no time zone `Mars/Olympus`".to_owned()),
        by: None,
        origin: Some(place("profiles/base.yaml", "ntpServer")),
        secret: false,
    };
    Refusal { property, devices: ["k1", "k2", "k3", "k4"].map(|id| id.parse().unwrap()).to_vec() }
}

#[test]
fn a_rehearsal_is_told_in_every_format() {
    let files = Files(BTreeMap::from([("profiles/base.yaml", "kind: Profile\nspec:\n  ntpServer: b\n")]));
    let ruling = Ruling {
        guard: GuardName::MaxChanged,
        message: "350 of 400 devices would change, and at most 20% may".to_owned(),
        devices: 350,
        samples: vec!["k5".parse().unwrap()],
        leave: None,
    };
    let rehearsal = Rehearsal {
        fleet: "contoso".to_owned(),
        revision: "4f1c2d9e0a12b3c4d5e6f708192a3b4c5d6e7f80".to_owned(),
        cast: Cast { devices: 400, offline: 3, sample_of: Some(100_000), from: Origin::Hub },
        steps: steps(),
        length: Duration::from_mins(31),
        end: End::Refused,
        rollouts: rollouts::tests::states(),
        refusals: vec![refusal()],
        rulings: vec![ruling],
        ..Rehearsal::default()
    };
    golden::check("rehearsal/refused", &RehearsalReport { rehearsal: &rehearsal, places: &files });
    let done = Rehearsal {
        fleet: "contoso".to_owned(),
        revision: rehearsal.revision.clone(),
        cast: Cast { devices: 2, ..Cast::default() },
        steps: vec![step(0, What::Answered { done: 0, failed: 0, silent: 0 })],
        ..Rehearsal::default()
    };
    golden::check("rehearsal/done", &RehearsalReport { rehearsal: &done, places: &files });
}
