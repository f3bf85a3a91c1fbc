//! Changes that may cut the device off, and values that someone at the device set for a while.

use super::*;
use crate::agent::{
    lease::{self, Lease},
    link::Command,
};

/// A device that has one network, and is then asked for another.
async fn moving(reach: bool) -> Bench {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"wifi": {"__t": "c", "plant": "old"}, "time": {"__t": "c", "zone": "a"}}), 1).await;
    bench.report_of("wifi.plant.value").await;
    assert_eq!(bench.ac("wifi.plant"), 200);
    bench.reach = reach;
    bench.desire(json!({"wifi": {"__t": "c", "plant": "new"}, "time": {"__t": "c", "zone": "b"}}), 2).await;
    bench.report().await;
    bench
}

#[tokio::test(start_paused = true)]
async fn what_may_cut_off_comes_last_and_holds_once_the_hub_was_reached() {
    let mut bench = moving(true).await;
    assert_eq!((bench.ac("time.zone"), bench.ac("wifi.plant")), (200, 202), "told before it is risked");
    bench.report_of("wifi.plant.value").await;
    assert_eq!(bench.at("wifi.plant"), &json!({"value": "new", "ac": 200, "av": 2}));
    assert_eq!(bench.ledger.notes().await.checkpoint, None);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_reach_its_hub_goes_back_and_says_why() {
    let mut bench = moving(false).await;
    let began = Instant::now();
    bench.report_of("wifi.plant.ad").await;
    assert!(began.elapsed() >= Duration::from_mins(5));
    assert_eq!(bench.value("wifi.plant"), Some(json!("old")));
    assert_eq!((bench.ac("wifi.plant"), bench.ac("time.zone")), (500, 200));
    let why = "gone back: the hub was not reached within 300 seconds of this change";
    assert_eq!(bench.at("wifi.plant.ad"), why);
    bench.asked();
    bench.settle().await;
    assert_eq!(bench.asked(), Vec::<String>::new(), "the same version is not tried again");
    bench.reach = true;
    bench.desire(json!({"wifi": {"__t": "c", "plant": "newer"}, "time": {"__t": "c", "zone": "b"}}), 3).await;
    bench.report_of("wifi.plant.value").await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("newer")));
}

#[tokio::test(start_paused = true)]
async fn power_that_goes_in_between_does_not_keep_the_old_state_from_coming_back() {
    let mut bench = moving(false).await;
    let noted = bench.ledger.notes().await.checkpoint.unwrap();
    assert_eq!((noted.reached, noted.seconds, &noted.risked[0].held), (true, 300, &Some(json!("old"))));
    bench.end().await;
    let fake = bench.fake.clone();
    fake.with(|memory| memory.values.insert("wifi.plant".into(), json!("new")));
    let mut bench = Bench { reach: false, ..Bench::begin(bench.folder, fake, true) };
    let online = Hub::Online(Arc::new(bench.reported.clone()));
    bench.hub_tx.send_replace(online);
    bench.report_of("wifi.plant.ad").await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("old")));
    assert_eq!(bench.ledger.notes().await.checkpoint, None);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_reached_the_hub_before_the_power_went_holds_after_it() {
    let mut bench = moving(false).await;
    bench.end().await;
    let fake = bench.fake.clone();
    fake.with(|memory| memory.values.insert("wifi.plant".into(), json!("new")));
    let mut bench = Bench::begin(bench.folder, fake, true);
    bench.settle().await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("new")));
    assert_eq!(bench.ledger.notes().await.checkpoint, None);
}

#[tokio::test(start_paused = true)]
async fn taking_back_what_may_cut_off_is_risked_too() {
    let mut bench = moving(true).await;
    bench.report_of("wifi.plant.value").await;
    bench.reach = false;
    let policy = json!({"wifi": {"confirmSeconds": 60}});
    bench.desire(json!({"time": {"__t": "c", "zone": "b"}, "twinops": {"policy": policy}}), 3).await;
    bench.report_of("twinops.summary.failed").await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("new")), "it came back");
    assert!(bench.ledger.notes().await.before.contains_key("wifi"));
}

#[tokio::test(start_paused = true)]
async fn what_was_proven_is_healed_without_a_hub() {
    let mut bench = moving(true).await;
    bench.report_of("wifi.plant.value").await;
    bench.hub_tx.send_replace(Hub::Offline);
    bench.fake.with(|memory| memory.values.insert("wifi.plant".into(), json!("odd")));
    bench.settle().await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("new")));
    assert_eq!(bench.ledger.notes().await.checkpoint, None);
}

#[tokio::test(start_paused = true)]
async fn without_a_hub_before_a_change_is_tried_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"wifi": {"__t": "c", "plant": "new"}})), 4).await.unwrap();
    let mut bench = Bench { reach: false, ..Bench::begin(folder, Fake::default(), true) };
    while bench.tried.is_empty() {
        let Some(Command::Prove(answer)) = bench.commands_rx.recv().await else { panic!("a try") };
        bench.tried.push(answer);
    }
    assert_eq!(bench.value("wifi.plant"), Some(json!("new")));
    bench.reach = true;
    bench.settle().await;
    assert_eq!(bench.value("wifi.plant"), Some(json!("new")));
    assert!(bench.asked().len() >= 3, "set, taken back, set again");
}

fn lease(seconds: u64) -> Lease {
    Lease::new("time.zone", "local", "4h", "a visit", "root").unwrap().lasting(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_lease_deviates_is_told_and_reverts_by_itself_without_being_called_drift() {
    let mut bench = Bench::new(Fake::default(), true);
    bench.desire(json!({"time": {"__t": "c", "zone": "a"}, "twinops": {"__t": "c", "revision": "r"}}), 1).await;
    bench.report().await;
    lease::grant(bench.folder.path(), lease(4 * 3600)).unwrap();
    bench.settle().await;
    assert_eq!(bench.value("time.zone"), Some(json!("local")));
    let told = bench.at("time.zone.ad").as_str().unwrap();
    assert!(told.starts_with("leased deviation until ") && told.ends_with(" by root: a visit"), "{told}");
    assert_eq!(bench.at("twinops.overrides")[0]["path"], "time.zone");
    assert_eq!((bench.ac("twinops.revision"), bench.at("twinops.summary.state")), (202, &json!("leased")));
    lease::end(bench.folder.path(), "time.zone").unwrap();
    bench.settle().await;
    assert_eq!(bench.value("time.zone"), Some(json!("a")));
    assert_eq!(bench.at("time.zone"), &json!({"value": "a", "ac": 200, "av": 1}));
    assert_eq!((bench.ac("twinops.revision"), bench.at("twinops.overrides")), (200, &Value::Null));
    assert_eq!(bench.at("twinops.healed"), &Value::Null);
}

#[tokio::test]
async fn a_lease_ends_at_its_time_without_a_hub() {
    let fake = Fake::default();
    fake.with(|memory| memory.values.insert("time.zone".into(), json!("factory")));
    let bench = Bench::new(fake, true);
    bench.ledger.accept_whole(map(json!({"time": {"__t": "c"}})), 1).await.unwrap();
    lease::grant(bench.folder.path(), lease(2)).unwrap();
    let (wake, outcome) = oneshot::channel();
    bench.wake_tx.send(wake).await.unwrap();
    outcome.await.unwrap();
    assert_eq!(bench.value("time.zone"), Some(json!("local")));
    let back = async {
        while bench.value("time.zone") != Some(json!("factory")) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), back).await.unwrap();
}
