//! The reconciler against a device and a hub that are both made of memory.

mod bench;
mod drift;
mod fake;
mod risks;
mod told;

use serde_json::{Value, json};

use self::{
    bench::{Bench, map},
    fake::Fake,
};
use super::*;

const RECHECK: Duration = Duration::from_mins(5);

#[tokio::test(start_paused = true)]
async fn a_wanted_value_is_set_read_back_and_answered_in_one_report() {
    let mut bench = Bench::new(Fake::default(), true);
    let desired = json!({"time": {"__t": "c", "timeZone": "UTC"}, "twinops": {"__t": "c", "revision": "abc"}});
    bench.desire(desired, 7).await;
    let report = bench.report().await;
    assert_eq!(report["time"], json!({"__t": "c", "timeZone": {"value": "UTC", "ac": 200, "av": 7}}));
    assert_eq!(report["twinops"]["revision"], json!({"value": "abc", "ac": 200, "av": 7}));
    assert_eq!(report["twinops"]["summary"]["state"], json!("applied"));
}

#[tokio::test(start_paused = true)]
async fn an_idle_device_reports_nothing() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"time": {"__t": "c", "timeZone": "UTC"}}), 7).await;
    bench.report().await;
    bench.settle().await;
    tokio::time::timeout(10 * RECHECK, bench.commands_rx.recv()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_failure_is_skipped_and_the_others_go_on() {
    let fake = Fake::default();
    fake.with(|memory| memory.failing.insert("storage.disk".into()));
    let mut bench = Bench::new(fake, true);
    let desired = json!({
        "apps": {"__t": "c", "line": 1}, "storage": {"__t": "c", "disk": 1}, "time": {"__t": "c", "zone": 1},
        "twinops": {"__t": "c", "revision": "abc"}
    });
    bench.desire(desired, 1).await;
    bench.report().await;
    assert_eq!((bench.ac("storage.disk"), bench.ac("apps.line"), bench.ac("time.zone")), (500, 424, 200));
    assert_eq!(bench.at("storage.disk.ad"), "out of order");
    assert_eq!(bench.ac("twinops.revision"), 500);
    assert_eq!(bench.at("twinops.revision.ad"), "failed: apps, storage");
    assert_eq!(bench.asked(), ["storage.disk", "time.zone"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_until_it_heals() {
    let fake = Fake::default();
    fake.with(|memory| memory.failing.insert("time.zone".into()));
    let mut bench = Bench::new(fake, true);
    bench.desire(json!({"time": {"__t": "c", "zone": 1}}), 1).await;
    bench.report().await;
    assert_eq!(bench.ac("time.zone"), 500);
    bench.fake.with(|memory| memory.failing.clear());
    let began = Instant::now();
    bench.report().await;
    assert_eq!(bench.ac("time.zone"), 200);
    assert!(began.elapsed() <= Duration::from_secs(90) && began.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_take_effect_is_a_failure() {
    let fake = Fake::default();
    fake.with(|memory| memory.deaf.insert("time.zone".into()));
    let mut bench = Bench::new(fake, true);
    bench.desire(json!({"time": {"__t": "c", "zone": 1}}), 1).await;
    bench.report().await;
    assert_eq!(bench.ac("time.zone"), 500);
}

#[tokio::test(start_paused = true)]
async fn bad_values_and_unknown_components_are_rejected_by_name() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"time": {"__t": "c", "zone": "bad"}, "unknown": {"__t": "c", "x": 1}}), 1).await;
    bench.report().await;
    assert_eq!((bench.ac("time.zone"), bench.ac("unknown.x")), (400, 501));
    assert_eq!(bench.at("time.zone.ad"), "`zone` is bad");
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_another_is_made_after_it_and_skipped_when_that_fails() {
    let fake = Fake::default();
    fake.with(|memory| memory.failing.insert("apps.base".to_owned()));
    let mut bench = Bench::new(fake, true);
    let apps = json!({"__t": "c", "addon": {"after": ["line"]}, "line": {"after": ["base"]}, "base": {}, "other": {}});
    bench.desire(json!({ "apps": apps }), 1).await;
    bench.report_of("apps.addon.ac").await;
    assert_eq!(["base", "line", "addon", "other"].map(|id| bench.ac(&format!("apps.{id}"))), [500, 424, 424, 200]);
    assert_eq!(bench.at("apps.line.ad"), "skipped, because `apps.base` failed");
    bench.fake.with(|memory| memory.failing.clear());
    bench.asked();
    bench.report_of("apps.addon.value").await;
    assert_eq!(bench.asked(), ["apps.base", "apps.line", "apps.addon"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_itself_or_after_nothing_is_refused() {
    let mut bench = Bench::new(Fake::default(), true);
    let apps = json!({"__t": "c", "hen": {"after": ["egg"]}, "egg": {"after": ["hen"]}, "fox": {"after": ["dog"]}});
    bench.desire(json!({ "apps": apps }), 1).await;
    bench.report().await;
    assert_eq!(["hen", "egg", "fox"].map(|id| bench.ac(&format!("apps.{id}"))), [400, 400, 400]);
    assert_eq!(bench.at("apps.fox.ad"), "`after` names `dog`, which is not declared");
}
