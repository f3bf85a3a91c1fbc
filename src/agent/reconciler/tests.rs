//! The reconciler against a device and a hub that are both made of memory.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    agent::{
        ledger::Before,
        link::{Command, ReportError},
        resource::{Fault, Pace, Refusal, Resource, Style},
    },
    component::pnp,
    twin::merge,
};

mod risks;

const RECHECK: Duration = Duration::from_mins(5);

/// What a fake device is, may fail at, and was asked for.
#[derive(Default)]
struct Memory {
    values: BTreeMap<String, Value>,
    failing: BTreeSet<String>,
    deaf: BTreeSet<String>,
    slow: Duration,
    asked: Vec<String>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Memory>>);

struct FakeResource {
    component: String,
    fake: Fake,
}

impl Fake {
    fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl Platform for Fake {
    type Resource = FakeResource;

    fn components(&self) -> &[&'static str] {
        &[]
    }

    fn resource(&self, component: &str) -> Option<Arc<FakeResource>> {
        let known = component != "unknown";
        known.then(|| Arc::new(FakeResource { component: component.to_owned(), fake: self.clone() }))
    }

    fn style(&self, component: &str, wanted: &Value) -> Style {
        match wanted {
            _ if pnp::is_component(wanted) => Style::Pnp,
            _ if component == "windows" => Style::Dm1,
            _ => Style::Echo,
        }
    }

    fn owns(&self, component: &str, _reported: &Value) -> bool {
        component != "foreign"
    }

    fn pace(&self) -> Pace {
        let seconds = Duration::from_secs;
        Pace { retry: seconds(60), retry_most: seconds(600), recheck: RECHECK, patience: seconds(5) }
    }
}

impl Resource for FakeResource {
    fn may_cut_off(&self, _property: &str, _wanted: Option<&Value>) -> bool {
        self.component == "wifi"
    }

    fn depends_on(&self) -> &[&'static str] {
        if self.component == "apps" { &["storage"] } else { &[] }
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(wanted.get("path").and_then(Value::as_str).unwrap_or(property))
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match wanted {
            Value::String(text) if text == "bad" => Err(Refusal::Invalid(format!("`{property}` is bad"))),
            _ => Ok(()),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let key = format!("{}.{}", self.component, self.place(property, wanted));
        Ok(self.fake.with(|memory| memory.values.get(&key).cloned()))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        tokio::time::sleep(self.fake.with(|memory| memory.slow)).await;
        let place = wanted.map_or(property.into(), |wanted| self.place(property, wanted));
        let key = format!("{}.{place}", self.component);
        self.fake.with(|memory| {
            memory.asked.push(key.clone());
            if memory.failing.contains(&key) {
                return Err(Fault::new("out of order"));
            }
            if memory.deaf.contains(&key) {
                return Ok(());
            }
            match wanted {
                Some(wanted) => drop(memory.values.insert(key, wanted.clone())),
                None => drop(memory.values.remove(&key)),
            }
            Ok(())
        })
    }
}

struct Bench {
    folder: TempDir,
    fake: Fake,
    ledger: Arc<Ledger>,
    hub_tx: watch::Sender<Hub>,
    wake_tx: mpsc::Sender<Wake>,
    commands_rx: mpsc::Receiver<Command>,
    /// What the hub holds.
    reported: Map,
    /// Whether the hub can be reached by those who try.
    reach: bool,
    /// Those who tried in vain.
    tried: Vec<oneshot::Sender<()>>,
    stop: Stop,
    running: tokio::task::JoinHandle<()>,
}

fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

impl Bench {
    fn new(fake: Fake, heal: bool) -> Self {
        Self::begin(tempfile::tempdir().unwrap(), fake, heal)
    }

    fn begin(folder: TempDir, fake: Fake, heal: bool) -> Self {
        Self::owned(folder, "d1", fake, heal)
    }

    fn owned(folder: TempDir, owner: &str, fake: Fake, heal: bool) -> Self {
        let ledger = Arc::new(Ledger::open(folder.path(), owner).unwrap());
        let (link, commands_rx) = LinkHandle::new();
        let (hub_tx, hub_rx) = watch::channel(Hub::Offline);
        let (wake_tx, wake_rx) = mpsc::channel(4);
        let stop = Stop::new();
        let platform = Arc::new(fake.clone());
        let state = folder.path().to_owned();
        let reconciler = Reconciler { platform, ledger: Arc::clone(&ledger), link, hub_rx, wake_rx, state, heal };
        let running = tokio::spawn(reconciler.run(stop.clone()));
        Self {
            folder,
            fake,
            ledger,
            hub_tx,
            wake_tx,
            commands_rx,
            reported: Map::new(),
            reach: true,
            tried: Vec::new(),
            stop,
            running,
        }
    }

    /// Stops the reconciler and waits for its end.
    async fn end(&mut self) {
        self.stop.request();
        (&mut self.running).await.unwrap();
    }

    /// The hub says what is desired; the connection is up from now on.
    async fn desire(&self, desired: Value, version: u64) {
        self.ledger.accept_whole(map(desired), version).await.unwrap();
        if matches!(*self.hub_tx.borrow(), Hub::Offline) {
            self.hub_tx.send_replace(Hub::Online(Arc::new(self.reported.clone())));
        }
    }

    /// The next report; the hub takes it.
    async fn report(&mut self) -> Value {
        loop {
            match self.commands_rx.recv().await {
                Some(Command::Report(patch, answer)) => {
                    merge(&mut self.reported, &patch);
                    answer.send(Ok(1)).unwrap();
                    return Value::Object(patch);
                }
                Some(Command::Prove(answer)) if self.reach => answer.send(()).unwrap(),
                Some(Command::Prove(answer)) => self.tried.push(answer),
                other => panic!("a report, not {other:?}"),
            }
        }
    }

    /// The next report that says something of a path.
    async fn report_of(&mut self, path: &str) {
        let keys: Vec<&str> = path.split('.').collect();
        loop {
            let report = self.report().await;
            if keys.iter().try_fold(&report, |value, key| value.get(key)).is_some() {
                return;
            }
        }
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.fake.with(|memory| memory.values.get(key).cloned())
    }

    /// Has the device looked at, taking all reports meanwhile.
    async fn settle(&mut self) -> Outcome {
        let (wake, mut outcome) = oneshot::channel();
        self.wake_tx.send(wake).await.unwrap();
        loop {
            tokio::select! {
                outcome = &mut outcome => return outcome.unwrap(),
                _ = self.report() => {}
            }
        }
    }

    fn at(&self, path: &str) -> &Value {
        let mut keys = path.split('.');
        let first = self.reported.get(keys.next().unwrap()).unwrap_or(&Value::Null);
        keys.fold(first, |value, key| value.get(key).unwrap_or(&Value::Null))
    }

    fn ac(&self, path: &str) -> u64 {
        self.at(path)["ac"].as_u64().unwrap_or(0)
    }

    fn asked(&self) -> Vec<String> {
        self.fake.with(|memory| std::mem::take(&mut memory.asked))
    }
}

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
