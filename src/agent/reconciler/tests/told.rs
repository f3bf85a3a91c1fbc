//! What the hub is told, in whose words, and what it takes.

use std::collections::BTreeSet;

use super::*;
use crate::agent::link::{Command, ReportError};

#[tokio::test(start_paused = true)]
async fn work_goes_on_without_a_hub_and_is_told_when_it_is_back() {
    let fake = Fake::default();
    let mut bench = Bench::new(fake.clone(), true);
    bench.ledger.accept_whole(map(json!({"time": {"__t": "c", "zone": "a"}})), 4).await.unwrap();
    bench.end().await;
    let mut bench = Bench::begin(bench.folder, fake.clone(), true);
    bench.settle().await;
    assert_eq!(fake.with(|memory| memory.values["time.zone"].clone()), "a");
    let held = map(json!({"foreign": 1, "gone": {"__t": "c"}}));
    bench.hub_tx.send_replace(Hub::Online(Arc::new(held)));
    let report = bench.report().await;
    assert_eq!(report["time"]["zone"]["ac"], json!(200));
    let happened = &report["twinops"]["offline"];
    assert_eq!((&happened[0]["path"], &happened[0]["what"]), (&json!("time.zone"), &json!("applied")));
    assert_eq!(happened.as_array().unwrap().len(), 1);
    assert_eq!((report.get("foreign"), report.get("gone")), (None, Some(&Value::Null)));
}

#[tokio::test(start_paused = true)]
async fn slow_work_is_told_to_be_in_progress() {
    let fake = Fake::default();
    fake.with(|memory| memory.slow = Duration::from_mins(1));
    let mut bench = Bench::new(fake, true);
    bench.desire(json!({"time": {"__t": "c", "zone": 1}, "twinops": {"__t": "c", "revision": "r"}}), 1).await;
    bench.report().await;
    assert_eq!((bench.ac("time.zone"), bench.ac("twinops.revision")), (202, 202));
    assert_eq!(bench.at("twinops.summary.state"), "in-progress");
    bench.report().await;
    assert_eq!((bench.ac("time.zone"), bench.ac("twinops.revision")), (200, 200));
}

#[tokio::test(start_paused = true)]
async fn sections_of_the_windows_client_are_answered_in_its_words() {
    let fake = Fake::default();
    fake.with(|memory| memory.failing.insert("windows.timeInfo".into()));
    let mut bench = Bench::new(fake, true);
    let policy = json!({"applyProperties": {"activeHoursStart": 7}, "reportProperties": "yes"});
    let desired = json!({"windows": {
        "windowsUpdatePolicy": policy, "timeInfo": {"ntpServer": "n"}, "certificates": "refreshing"
    }});
    bench.desire(desired, 1).await;
    bench.report().await;
    assert_eq!(bench.at("windows.windowsUpdatePolicy.activeHoursStart"), 7);
    assert_eq!(bench.at("windows.windowsUpdatePolicy.lastChange.state"), "completed");
    assert_eq!(bench.at("windows.timeInfo.lastChange.state"), "failed");
    assert_eq!(bench.at("windows.timeInfo.lastChange.errSubSystem"), "DeviceManagement");
    assert_eq!(bench.at("windows.timeInfo.lastChange.errCode"), -1_610_612_735);
    assert_eq!(bench.at("windows.certificates.lastChange.state"), "pending");
    assert_eq!(bench.at("windows.windowsUpdatePolicy.__t"), &Value::Null);
}

#[tokio::test(start_paused = true)]
async fn anything_else_is_mirrored() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"bridge": {"speed": 9600}, "mode": "x"}), 1).await;
    bench.report().await;
    assert_eq!((bench.at("bridge"), bench.at("mode")), (&json!({"speed": 9600}), &json!("x")));
}

#[tokio::test(start_paused = true)]
async fn one_component_that_the_hub_refuses_does_not_silence_the_others() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}, "odd": {"__t": "c", "x": 1}}), 1).await;
    let mut taken = BTreeSet::new();
    while !taken.contains("twinops") {
        let Some(Command::Report(patch, answer)) = bench.commands_rx.recv().await else { panic!("a report") };
        let refused = Err(ReportError::Refused { status: 400, message: "too deep".into() });
        let good = !patch.contains_key("odd");
        taken.extend(good.then(|| patch.keys().cloned()).into_iter().flatten());
        answer.send(if good { Ok(2) } else { refused }).unwrap();
    }
    assert_eq!(taken.into_iter().collect::<Vec<_>>(), ["time", "twinops"]);
}
