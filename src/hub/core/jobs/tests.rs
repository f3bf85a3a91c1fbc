//! Jobs over a real store, with devices that answer when the test says so.

mod lease;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{super::*, part, run::Run, sweep::sweep, work::Clock};
use crate::{
    hub::{
        auth::Policies,
        ports::{MethodAnswer, MethodFault},
        store::{Kind, SqliteStore},
        time,
    },
    iothub::{DeviceIdentity, HostName},
    task::Stop,
};

/// A call that waits for its answer.
struct Call {
    link: LinkId,
    answer: oneshot::Sender<Result<MethodAnswer, MethodFault>>,
}

impl Call {
    fn answer(self, status: i32) -> String {
        let answer = MethodAnswer { status, payload: Bytes::from_static(b"{\"k\": 1.0}") };
        self.answer.send(Ok(answer)).unwrap();
        self.link.to_string()
    }
}

/// Links that remember what was told and hand calls to the test.
struct Fleet {
    told: Mutex<Vec<String>>,
    calls: mpsc::UnboundedSender<Call>,
}

impl Links for Fleet {
    fn mail(&self, _: &LinkId) {}

    fn desired(&self, link: &LinkId, version: u64, patch: Bytes) {
        self.told.lock().unwrap().push(format!("{link} {version} {}", String::from_utf8_lossy(&patch)));
    }

    async fn call(
        &self,
        link: &LinkId,
        _: &str,
        _: Bytes,
        _: Duration,
        _: Duration,
    ) -> Result<MethodAnswer, MethodFault> {
        let (answer, answered) = oneshot::channel();
        let call = Call { link: link.clone(), answer };
        match self.calls.send(call) {
            // Whoever holds the other end may drop it: then the device is away.
            Ok(()) => answered.await.unwrap_or(Err(MethodFault::NotOnline)),
            Err(_) => Err(MethodFault::NotOnline),
        }
    }

    fn cut(&self, _: &LinkId) {}

    fn connected(&self) -> usize {
        0
    }
}

type FleetCore = Core<SqliteStore, Fleet>;

/// A process of the hub over a store that others may use too.
fn process(folder: &tempfile::TempDir) -> (Arc<FleetCore>, mpsc::UnboundedReceiver<Call>) {
    let (calls, called) = mpsc::unbounded_channel();
    let authority = Authority::new(vec![HostName::parse("localhost").unwrap()], Policies::generate().unwrap());
    let links = Arc::new(Fleet { told: Mutex::default(), calls });
    (Arc::new(Core::new(SqliteStore::open(folder.path()).unwrap(), links, authority)), called)
}

struct Hub {
    core: Arc<FleetCore>,
    calls: mpsc::UnboundedReceiver<Call>,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Hub {
    async fn with(devices: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (core, calls) = process(&folder);
        let (base, start) = (Timestamp::now(), Instant::now());
        // So that a paused clock is paused for jobs too.
        let clock = Arc::new(move || base + SignedDuration::try_from(start.elapsed()).unwrap());
        let hub = Self { core, calls, clock, folder };
        let links = (0..devices).map(|number| part::link(&format!("d{number:03}")).unwrap());
        hub.insert(links).await;
        hub
    }

    async fn insert(&self, links: impl Iterator<Item = LinkId>) {
        let fresh = |link| Record::fresh(link, &DeviceIdentity::default(), 1, "T").unwrap();
        let batch = links.map(|link| Change::Insert(Arc::new(fresh(link)))).collect();
        assert_eq!(self.core.store.write(batch).await.unwrap(), Outcome::Written);
    }

    async fn create(&self, id: &str, job: Value) -> Result<Value, u32> {
        let made = self.core.create_job(id, job.to_string().as_bytes()).await;
        made.map(|text| serde_json::from_str(&text).unwrap()).map_err(|failure| failure.code.number())
    }

    async fn cancel(&self, id: &str) -> Result<Value, u32> {
        let cancelled = self.core.cancel_job(id).await;
        cancelled.map(|text| serde_json::from_str(&text).unwrap()).map_err(|failure| failure.code.number())
    }

    /// Runs a job as the engine would.
    async fn run(&self, id: &str) -> Value {
        Run::carry_out(Arc::clone(&self.core), id, Stop::new(), Arc::clone(&self.clock)).await.unwrap();
        read(&self.core, id).await
    }

    async fn rows(&self, condition: &str) -> Vec<Value> {
        let text = format!("SELECT * FROM devices.jobs WHERE {condition}");
        let (mut rows, mut token) = (Vec::new(), None);
        loop {
            let page = self.core.query(&text, 7, token.as_deref()).await.unwrap();
            assert_eq!(page.item_type.to_string(), "DeviceJob");
            let page_rows: Vec<Value> = serde_json::from_str(&page.body).unwrap();
            assert!(page_rows.len() <= 7);
            rows.extend(page_rows);
            token = page.continuation;
            if token.is_none() {
                return rows;
            }
        }
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.core.links.told.lock().unwrap())
    }

    fn engine(&self) -> (Stop, tokio::task::JoinHandle<()>) {
        let stop = Stop::new();
        (stop.clone(), tokio::spawn(Arc::clone(&self.core).run_jobs_by(stop, Arc::clone(&self.clock))))
    }
}

async fn read(core: &FleetCore, id: &str) -> Value {
    serde_json::from_str(&core.job(id).await.unwrap().unwrap()).unwrap()
}

/// The job once it is as wanted.
async fn until(core: &FleetCore, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let job = read(core, id).await;
        if wanted(&job) {
            return job;
        }
        tokio::task::yield_now().await;
    }
}

fn write_job(write: Value, condition: &str) -> Value {
    json!({"type": "scheduleUpdateTwin", "updateTwin": write, "queryCondition": condition})
}

fn call_job(condition: &str) -> Value {
    let method = json!({"methodName": "reboot", "payload": null});
    json!({"type": "scheduleDeviceMethod", "cloudToDeviceMethod": method, "queryCondition": condition})
}

fn later(hours: i64) -> String {
    time::text(Timestamp::now() + SignedDuration::from_hours(hours))
}

#[tokio::test]
async fn a_twin_job_writes_every_twin_that_is_meant_and_tells_the_devices() {
    let hub = Hub::with(20).await;
    let write = json!({"etag": "*", "tags": {"a": 1}, "properties": {"desired": {"b": 2}, "reported": {}}});
    let made = hub.create("j1", write_job(write, "deviceId IN ['d001', 'd003', 'x']")).await.unwrap();
    assert_eq!((&made["status"], &made["updateTwin"]["tags"]), (&json!("queued"), &json!({"a": 1})));
    let job = hub.run("j1").await;
    assert_eq!((&job["status"], &job["failureReason"]), (&json!("completed"), &Value::Null));
    let statistics =
        json!({"deviceCount": 2, "failedCount": 0, "succeededCount": 2, "runningCount": 0, "pendingCount": 0});
    assert_eq!(job["deviceJobStatistics"], statistics);
    assert!(job["endTime"].as_str().unwrap() >= job["startTime"].as_str().unwrap());
    let mut told = hub.told();
    told.sort();
    assert_eq!(told, [r#"d001 2 {"$version":2,"b":2}"#, r#"d003 2 {"$version":2,"b":2}"#]);
    let (twin, _) = hub.core.twin(&device_link(&DeviceId::new("d003").unwrap())).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&twin).unwrap()["tags"], json!({"a": 1}));
    let rows = hub.rows("devices.jobs.jobId = 'j1' and devices.jobs.status = 'completed'").await;
    assert_eq!(rows.iter().map(|row| row["deviceId"].as_str().unwrap()).collect::<Vec<_>>(), ["d001", "d003"]);
    assert_eq!(rows[0]["jobType"], json!("scheduleUpdateTwin"));
}

#[tokio::test]
async fn a_twin_job_with_an_etag_fails_where_the_twin_has_another() {
    let hub = Hub::with(3).await;
    hub.create("j1", write_job(json!({"tags": {"a": 1}}), "deviceId = 'd001'")).await.unwrap();
    hub.run("j1").await;
    hub.create("j2", write_job(json!({"etag": "AAAAAAAAAAE=", "tags": {"b": 1}}), "*")).await.unwrap();
    let job = hub.run("j2").await;
    assert_eq!((&job["status"], &job["deviceJobStatistics"]["failedCount"]), (&json!("completed"), &json!(1)));
    let failed = hub.rows("jobId = 'j2' AND status = 'failed'").await;
    assert_eq!((&failed[0]["deviceId"], &failed[0]["error"]["code"]), (&json!("d001"), &json!("412001")));
    assert_eq!(hub.rows("status = 'completed'").await.len(), 3);
}

#[tokio::test]
async fn a_job_whose_condition_does_not_parse_fails_when_it_begins() {
    let hub = Hub::with(1).await;
    hub.create("j1", write_job(json!({"tags": {"a": 1}}), "deviceId = = 'd001'")).await.unwrap();
    let job = hub.run("j1").await;
    assert_eq!(job["status"], json!("failed"));
    assert!(job["failureReason"].as_str().unwrap().starts_with("queryCondition: "));
    assert!(hub.rows("jobId = 'j1'").await.is_empty());
}

#[tokio::test]
async fn a_method_job_counts_who_answered_and_who_was_away() {
    let mut hub = Hub::with(10).await;
    hub.create("j1", call_job("deviceId IN ['d001', 'd002']")).await.unwrap();
    let (core, clock) = (Arc::clone(&hub.core), Arc::clone(&hub.clock));
    let run = tokio::spawn(Run::carry_out(core, "j1", Stop::new(), clock));
    for _ in 0..2 {
        let call = hub.calls.recv().await.unwrap();
        if call.link.device.as_str() == "d001" { drop(call.answer(404)) } else { drop(call) }
    }
    run.await.unwrap().unwrap();
    let statistics = read(&hub.core, "j1").await["deviceJobStatistics"].clone();
    assert_eq!((&statistics["succeededCount"], &statistics["failedCount"]), (&json!(1), &json!(1)));
    let rows = hub.rows("jobId = 'j1'").await;
    assert_eq!(rows[0]["outcome"], json!({"deviceMethodResponse": {"status": 404, "payload": {"k": 1.0}}}));
    assert_eq!(rows[1]["error"]["code"], json!("404103"));
}

#[tokio::test]
async fn a_job_reaches_modules_too() {
    let hub = Hub::with(2).await;
    let links = ["d000/m1", "d000/m2", "d001/m1", "d001-x/m1"].map(|text| part::link(text).unwrap());
    hub.insert(links.into_iter()).await;
    let condition = "from devices.modules where moduleId = 'm1'";
    hub.create("j1", write_job(json!({"tags": {"a": 1}}), condition)).await.unwrap();
    assert_eq!(hub.run("j1").await["deviceJobStatistics"]["succeededCount"], json!(3));
    let rows = hub.rows("moduleId = 'm1'").await;
    let names: BTreeSet<&str> = rows.iter().map(|row| row["deviceId"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["d000", "d001", "d001-x"]));
}

#[tokio::test]
async fn another_process_goes_on_without_running_a_finished_part_again() {
    let mut hub = Hub::with(200).await;
    hub.create("j1", call_job("*")).await.unwrap();
    let (core, clock) = (Arc::clone(&hub.core), Arc::clone(&hub.clock));
    let first = tokio::spawn(Run::carry_out(core, "j1", Stop::new(), clock.clone()));
    let mut finished = BTreeSet::new();
    let mut stuck = Vec::new();
    while finished.len() < 90 {
        let call = hub.calls.recv().await.unwrap();
        // The very first one and some more never answer, so that others are done before them.
        if stuck.len() < 40 && (finished.len() + stuck.len()) % 3 == 0 {
            stuck.push(call);
        } else {
            assert!(finished.insert(call.answer(200)));
        }
    }
    until(&hub.core, "j1", |job| job["deviceJobStatistics"]["succeededCount"] == json!(90)).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    let (core, mut calls) = process(&hub.folder);
    let second = tokio::spawn(Run::carry_out(Arc::clone(&core), "j1", Stop::new(), clock));
    let mut again = BTreeSet::new();
    for _ in 90..200 {
        assert!(again.insert(calls.recv().await.unwrap().answer(200)));
    }
    second.await.unwrap().unwrap();
    assert!(calls.try_recv().is_err() && again.is_disjoint(&finished));
    let job = read(&core, "j1").await;
    let statistics =
        json!({"deviceCount": 200, "failedCount": 0, "succeededCount": 200, "runningCount": 0, "pendingCount": 0});
    assert_eq!((&job["status"], &job["deviceJobStatistics"]), (&json!("completed"), &statistics));
    assert_eq!(hub.rows("jobId = 'j1'").await.len(), 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_done_when_the_time_is_over_has_failed() {
    let hub = Hub::with(100).await;
    let mut job = call_job("*");
    job["maxExecutionTimeInSeconds"] = json!(60);
    hub.create("j1", job).await.unwrap();
    let begun = Instant::now();
    let job = hub.run("j1").await;
    assert!(begun.elapsed() >= Duration::from_mins(1) && begun.elapsed() < Duration::from_mins(2));
    assert_eq!((&job["status"], &job["deviceJobStatistics"]["failedCount"]), (&json!("completed"), &json!(100)));
    assert_eq!(hub.rows("error.code = '400024'").await.len(), 100);
}

#[tokio::test]
async fn the_engine_begins_a_job_when_it_is_due_and_not_before() {
    let mut hub = Hub::with(3).await;
    let hours = Arc::new(AtomicI64::new(0));
    let ahead = Arc::clone(&hours);
    hub.clock = Arc::new(move || Timestamp::now() + SignedDuration::from_hours(ahead.load(Ordering::Relaxed)));
    let (stop, engine) = hub.engine();
    let mut job = write_job(json!({"tags": {"a": 1}}), "*");
    job["startTime"] = json!(later(1));
    assert_eq!(hub.create("j1", job).await.unwrap()["status"], json!("queued"));
    hub.create("j2", write_job(json!({"tags": {"b": 1}}), "*")).await.unwrap();
    until(&hub.core, "j2", |job| job["status"] == json!("completed")).await;
    assert_eq!(read(&hub.core, "j1").await["status"], json!("scheduled"));
    let (due, next) = hub.core.due((hub.clock)(), &HashMap::new()).await.unwrap();
    assert!(due.is_empty() && next.unwrap() <= Duration::from_hours(1) && next.unwrap() > Duration::from_mins(59));
    hours.store(1, Ordering::Relaxed);
    hub.core.jobs.bell.notify_one();
    let job = until(&hub.core, "j1", |job| job["status"] == json!("completed")).await;
    assert_eq!(job["deviceJobStatistics"]["succeededCount"], json!(3));
    assert_eq!(hub.core.due((hub.clock)(), &HashMap::new()).await, Ok((Vec::new(), None)));
    stop.request();
    engine.await.unwrap();
}

#[tokio::test]
async fn the_engine_stops_promptly_and_the_next_one_goes_on() {
    let mut hub = Hub::with(1).await;
    let (stop, engine) = hub.engine();
    hub.create("j1", call_job("*")).await.unwrap();
    let stuck = hub.calls.recv().await.unwrap();
    stop.request();
    engine.await.unwrap();
    assert_eq!(read(&hub.core, "j1").await["status"], json!("running"));
    let (stop, engine) = hub.engine();
    hub.calls.recv().await.unwrap().answer(200);
    until(&hub.core, "j1", |job| job["status"] == json!("completed")).await;
    assert!(stuck.answer.is_closed());
    assert_eq!(hub.cancel("j1").await, Err(405_102));
    stop.request();
    engine.await.unwrap();
}

#[tokio::test]
async fn a_job_that_waits_takes_a_place_until_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (core, calls) = process(&folder);
    let core = Arc::new(Arc::into_inner(core).unwrap().with_most_jobs(1));
    let hub = Hub { core, calls, clock: Arc::new(time::now), folder };
    let mut job = write_job(json!({"tags": {"a": 1}}), "*");
    job["startTime"] = json!(later(167));
    hub.create("j1", job.clone()).await.unwrap();
    assert_eq!(hub.create("j1", job.clone()).await, Err(409_104));
    assert_eq!(hub.create("j2", job.clone()).await, Err(429_004));
    assert_eq!(hub.cancel("j1").await.unwrap()["status"], json!("cancelled"));
    assert_eq!((hub.cancel("j1").await, hub.cancel("j2").await), (Err(405_102), Err(404_002)));
    hub.create("j2", job.clone()).await.unwrap();
    assert_eq!(hub.create("j1", job).await, Err(409_104), "its history is kept");
    assert_eq!(hub.core.job("/active").await, Ok(None));
    assert_eq!(hub.cancel("/active").await, Err(404_002));
}

#[tokio::test]
async fn old_jobs_are_forgotten_with_their_parts() {
    let hub = Hub::with(3).await;
    hub.create("j1", write_job(json!({"tags": {"a": 1}}), "*")).await.unwrap();
    hub.create("j2", write_job(json!({"tags": {"a": 1}}), "*")).await.unwrap();
    hub.run("j1").await;
    let at = |days: i64| (hub.clock)() + SignedDuration::from_hours(24 * days);
    sweep(&hub.core.store, &Stop::new(), at(29)).await.unwrap();
    assert_eq!(hub.rows("jobId = 'j1'").await.len(), 3);
    sweep(&hub.core.store, &Stop::new(), at(31)).await.unwrap();
    assert_eq!((hub.core.job("j1").await, hub.rows("jobId = 'j1'").await.len()), (Ok(None), 0));
    assert!(hub.core.store.documents(Kind::JobPart, "", None, 9).await.unwrap().is_empty());
    assert_eq!(read(&hub.core, "j2").await["status"], json!("queued"), "it is not over");
}
