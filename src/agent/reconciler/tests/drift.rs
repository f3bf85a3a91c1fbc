//! What changes on the device, what is no longer declared, and what two properties claim.

use super::*;
use crate::agent::ledger::Before;

#[tokio::test(start_paused = true)]
async fn drift_is_reported_as_it_is_and_then_undone() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}, "twinops": {"__t": "c", "revision": "r"}}), 3).await;
    bench.report().await;
    bench.fake.with(|memory| memory.values.insert("time.zone".into(), json!("b")));
    let began = Instant::now();
    bench.report().await;
    assert!(began.elapsed() <= RECHECK.mul_f64(1.25));
    assert_eq!(bench.at("time.zone")["value"], json!("b"));
    assert_eq!((bench.ac("time.zone"), bench.at("time.zone.av")), (200, &json!(3)));
    assert_eq!(bench.ac("twinops.revision"), 202);
    bench.report().await;
    assert_eq!(bench.at("time.zone"), &json!({"value": "a", "ac": 200, "av": 3}));
    assert_eq!(bench.ac("twinops.revision"), 200);
}

#[tokio::test(start_paused = true)]
async fn drift_is_left_alone_when_only_reporting_even_after_a_restart() {
    let fake = Fake::default();
    let mut bench = Bench::new(fake.clone(), false);
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}}), 3).await;
    bench.report().await;
    fake.with(|memory| memory.values.insert("time.zone".into(), json!("b")));
    assert_eq!(bench.settle().await.failed, ["time"]);
    bench.stop.request();
    let mut bench = Bench { reported: bench.reported, ..Bench::begin(bench.folder, fake, false) };
    bench.hub_tx.send_replace(Hub::Online(Arc::new(bench.reported.clone())));
    assert_eq!(bench.settle().await.failed, ["time"]);
    assert_eq!(bench.at("time.zone")["value"], json!("b"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_is_put_back_to_what_it_was() {
    let fake = Fake::default();
    fake.with(|memory| memory.values.insert("time.zone".into(), json!("factory")));
    let mut bench = Bench::new(fake, true);
    bench.desire(json!({"time": {"__t": "c", "zone": "a", "ntp": "x"}}), 1).await;
    bench.report().await;
    bench.desire(json!({"time": {"__t": "c", "zone": "b", "ntp": "x"}}), 2).await;
    bench.report().await;
    bench.desire(json!({}), 3).await;
    let report = bench.report().await;
    assert_eq!(report["time"], json!(null));
    assert_eq!(bench.fake.with(|memory| memory.values.clone()), [("time.zone".to_owned(), json!("factory"))].into());
}

#[tokio::test(start_paused = true)]
async fn a_property_that_moves_leaves_its_old_place_as_it_was() {
    let fake = Fake::default();
    fake.with(|memory| memory.values.insert("files./x".into(), json!({"path": "/x", "content": "old"})));
    let mut bench = Bench::new(fake, true);
    bench.desire(json!({"files": {"__t": "c", "f": {"path": "/x", "content": "new"}}}), 1).await;
    bench.report().await;
    bench.desire(json!({"files": {"__t": "c", "f": {"path": "/y", "content": "new"}}}), 2).await;
    bench.report().await;
    let values = bench.fake.with(|memory| memory.values.clone());
    assert_eq!(values["files./x"]["content"], "old");
    assert_eq!(values["files./y"]["content"], "new");
}

#[tokio::test(start_paused = true)]
async fn two_properties_that_speak_of_one_thing_are_refused_and_neither_is_touched() {
    let mut bench = Bench::new(Fake::default(), true);
    let one = json!({"path": "/x", "content": "1"});
    let desired = json!({"files": {"__t": "c", "a": one, "b": {"path": "/x", "content": "2"}, "c": {"path": "/y"}}});
    bench.desire(desired, 1).await;
    bench.report().await;
    assert_eq!((bench.ac("files.a"), bench.ac("files.b"), bench.ac("files.c")), (400, 400, 200));
    assert_eq!(bench.at("files.a.ad"), "`a`, `b` all speak of `/x`; keep one of them");
    assert_eq!(bench.asked(), ["files./y"]);
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_gets_another_id_is_not_put_back_in_between() {
    let fake = Fake::default();
    let old = json!({"path": "/x", "content": "old"});
    fake.with(|memory| memory.values.insert("files./x".into(), old.clone()));
    let mut bench = Bench::new(fake, true);
    let new = json!({"path": "/x", "content": "new"});
    bench.desire(json!({"files": {"__t": "c", "a": new}}), 1).await;
    bench.report().await;
    bench.asked();
    bench.desire(json!({"files": {"__t": "c", "b": new}}), 2).await;
    bench.report().await;
    assert_eq!(bench.asked(), Vec::<String>::new());
    bench.desire(json!({}), 3).await;
    bench.report().await;
    assert_eq!(bench.value("files./x"), Some(old));
}

#[tokio::test(start_paused = true)]
async fn a_component_may_say_that_its_drift_is_only_reported() {
    let mut bench = Bench::new(Fake::default(), true);
    let policy = json!({"time": {"drift": "report"}});
    let desired = json!({
        "time": {"__t": "c", "zone": "a"}, "telemetry": {"__t": "c", "level": "a"}, "twinops": {"policy": policy}
    });
    bench.desire(desired, 1).await;
    bench.report().await;
    assert_eq!(bench.at("twinops.policy"), &json!({"value": policy, "ac": 200, "av": 1}));
    for key in ["time.zone", "telemetry.level"] {
        bench.fake.with(|memory| memory.values.insert(key.into(), json!("b")));
    }
    assert_eq!(bench.settle().await.failed, ["time"]);
    assert_eq!((bench.value("time.zone"), bench.value("telemetry.level")), (Some(json!("b")), Some(json!("a"))));
    assert_eq!(bench.at("twinops.healed")[0]["path"], "telemetry.level");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_read_is_told_and_the_usual_holds() {
    let mut bench = Bench::new(Fake::default(), true);
    let policy = json!({"time": {"drift": "sometimes"}});
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}, "twinops": {"policy": policy}}), 1).await;
    bench.report().await;
    assert_eq!((bench.ac("twinops.policy"), bench.ac("time.zone")), (400, 200));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_stays_where_a_policy_says_so_even_if_that_goes_with_it() {
    let mut bench = Bench::new(Fake::default(), true);
    let policy = json!({"time": {"unmanaged": "leave"}});
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}, "twinops": {"policy": policy}}), 1).await;
    bench.report().await;
    bench.settle().await;
    bench.desire(json!({}), 2).await;
    bench.report().await;
    assert_eq!(bench.value("time.zone"), Some(json!("a")));
    assert!(bench.ledger.notes().await.before.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_put_back_before_the_first_twin_of_another_hub() {
    let fake = Fake::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path(), "one/d1").unwrap();
    ledger.accept_whole(map(json!({"time": {"zone": "a"}})), 4).await.unwrap();
    let mut notes = ledger.notes().await;
    notes.set_before("time", "zone", Before { place: "zone".to_owned(), value: Some(json!("factory")), leave: false });
    ledger.note(&notes, &Arc::clone(&ledger.accepted().borrow())).await.unwrap();
    fake.with(|memory| memory.values.insert("time.zone".into(), json!("a")));
    let mut bench = Bench::owned(folder, "two/d1", fake, true);
    bench.settle().await;
    assert_eq!(bench.value("time.zone"), Some(json!("a")));
    bench.desire(json!({}), 1).await;
    bench.report().await;
    assert_eq!(bench.value("time.zone"), Some(json!("factory")));
}
