//! Configurations over a real store, with links that hand on what they were told.

mod laws;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::{
    hub::{
        auth::{Authority, Policies},
        core::{Core, device_link},
        ports::{DeviceService as _, LinkId, Links, MethodAnswer, MethodFault},
        record::{Half, Mode, Record, Wanted},
        store::{Leased, Span, SqliteStore, Store},
    },
    iothub::{DeviceIdentity, HostName, IfMatch},
    query::Sieve,
    task::Stop,
    twin::DeviceId,
};

struct Told(mpsc::UnboundedSender<String>);

impl Links for Told {
    fn mail(&self, _: &LinkId) {}

    fn desired(&self, link: &LinkId, version: u64, patch: Bytes) {
        self.0.send(format!("{link} {version} {}", std::str::from_utf8(&patch).unwrap())).unwrap();
    }

    async fn call(&self, _: &LinkId, _: &str, _: Bytes, _: Duration, _: Duration) -> Result<MethodAnswer, MethodFault> {
        Err(MethodFault::NotOnline)
    }

    fn cut(&self, _: &LinkId) {}

    fn connected(&self) -> usize {
        0
    }
}

struct Hub {
    core: Arc<Core<Leased, Told>>,
    engine: Engine<Leased, Told>,
    told: mpsc::UnboundedReceiver<String>,
    store: Arc<SqliteStore>,
    leads: Arc<AtomicBool>,
    folder: Arc<tempfile::TempDir>,
}

fn link(text: &str) -> LinkId {
    let (device, module) = text.split_once('/').map_or((text, None), |(device, module)| (device, Some(module)));
    LinkId { device: DeviceId::new(device).unwrap(), module: module.map(Into::into) }
}

impl Hub {
    async fn with(devices: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let hub = Self::over(Arc::new(store), Arc::new(folder), true);
        for device in devices {
            hub.core.put_identity(&link(device).device, DeviceIdentity::default(), None).await.unwrap();
        }
        hub
    }

    fn over(store: Arc<SqliteStore>, folder: Arc<tempfile::TempDir>, leads: bool) -> Self {
        let authority = Authority::new(vec![HostName::parse("localhost").unwrap()], Policies::generate().unwrap());
        let (tell, told) = mpsc::unbounded_channel();
        let leads = Arc::new(AtomicBool::new(leads));
        let process =
            Leased { store: Arc::clone(&store), name: "configurations", granted: Arc::clone(&leads), asked: None };
        let core = Arc::new(Core::new(process, Arc::new(Told(tell)), authority));
        Self { engine: Engine::new(Arc::clone(&core)), core, told, store, leads, folder }
    }

    /// Another process over the same store, which does not lead.
    fn another(&self) -> Self {
        Self::over(Arc::clone(&self.store), Arc::clone(&self.folder), false)
    }

    async fn gateway(&self, device: &str) {
        let body = serde_json::from_value(json!({"capabilities": {"iotEdge": true}})).unwrap();
        self.core.put_identity(&link(device).device, body, None).await.unwrap();
    }

    async fn put(&self, id: &str, body: Value, if_match: Option<&str>) -> Result<Value, u32> {
        let if_match = if_match.map(IfMatch::parse);
        let put = self.core.put_configuration(id, body.to_string().as_bytes(), if_match.as_ref()).await;
        put.map(|(view, _)| view).map_err(|failure| failure.code.number())
    }

    /// A configuration of devices that writes one object to `fw`.
    async fn fw(&self, id: &str, target: &str, priority: u32, value: Value) {
        let content = json!({"deviceContent": {"properties.desired.fw": value}});
        self.put(id, json!({"content": content, "targetCondition": target, "priority": priority}), None).await.unwrap();
    }

    /// Moves a configuration to another target.
    async fn aim(&self, id: &str, target: &str) {
        let mut body = self.view(id).await;
        body["targetCondition"] = json!(target);
        self.put(id, body, Some("*")).await.unwrap();
    }

    async fn delete(&self, id: &str) {
        self.core.delete_configuration(id, None).await.unwrap();
    }

    async fn view(&self, id: &str) -> Value {
        self.core.configuration(id).await.unwrap().0
    }

    async fn turn(&mut self) -> Vec<String> {
        self.engine.turn(&Stop::new()).await.unwrap();
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    async fn write(&mut self, device: &str, body: Value) {
        let (device, body) = (link(device).device, body.to_string());
        self.core.write_twin(&device_link(&device), body.as_bytes(), Mode::Merge, None).await.unwrap();
        while self.told.try_recv().is_ok() {}
    }

    async fn record(&self, at: &str) -> Record {
        self.core.store.get(&link(at)).await.unwrap().unwrap()
    }

    async fn desired(&self, at: &str) -> Value {
        serde_json::from_str(&self.record(at).await.desired.values).unwrap()
    }

    /// The names of what is applied to a twin.
    async fn applied(&self, at: &str) -> Vec<String> {
        let text = self.record(at).await.configurations;
        let applied: Value = serde_json::from_str(text.as_deref().unwrap_or("{}")).unwrap();
        applied.as_object().unwrap().iter().map(|(id, state)| format!("{id} {}", state["status"])).collect()
    }

    async fn query(&self, text: &str) -> Value {
        serde_json::from_str(&self.core.query(text, 100, None).await.unwrap().body).unwrap()
    }
}

#[tokio::test]
async fn devices_hear_the_values_and_queries_find_who_has_them() {
    let mut hub = Hub::with(&["d1", "d2"]).await;
    hub.write("d1", json!({"tags": {"site": "oslo"}})).await;
    hub.fw("fw-stable", "tags.site = 'oslo'", 1, json!({"channel": "stable"})).await;
    assert_eq!(hub.view("fw-stable").await["systemMetrics"]["results"], json!({}));
    assert_eq!(hub.turn().await, [r#"d1 2 {"$version":2,"fw":{"channel":"stable"}}"#]);
    assert_eq!(hub.applied("d1").await, [r#"fw-stable "Applied""#]);
    let found = hub.query("select deviceId from devices where configurations.[[fw-stable]].status = 'Applied'").await;
    assert_eq!(found, json!([{"deviceId": "d1"}]));
    let twin: Value = serde_json::from_str(&hub.core.twin(&link("d1")).await.unwrap().0).unwrap();
    assert_eq!(twin["configurations"], json!({"fw-stable": {"status": "Applied"}}));
    assert_eq!(twin["properties"]["desired"]["$metadata"]["fw"]["channel"]["$lastUpdatedBy"], json!("fw-stable"));
    let before = hub.record("d1").await;
    assert!(hub.turn().await.is_empty());
    assert_eq!(hub.record("d1").await, before, "what is as it should be is not written");
}

#[tokio::test]
async fn the_highest_priority_wins_then_the_youngest_and_the_next_one_steps_in() {
    let mut hub = Hub::with(&["d1"]).await;
    hub.fw("low", "*", 1, json!({"c": "low", "l": 1})).await;
    hub.fw("older", "*", 5, json!({"c": "older"})).await;
    hub.fw("a-younger", "*", 5, json!({"c": "younger"})).await;
    hub.turn().await;
    assert_eq!(hub.desired("d1").await, json!({"fw": {"c": "younger"}}));
    assert_eq!(hub.applied("d1").await, [r#"a-younger "Applied""#]);
    hub.aim("a-younger", "").await;
    assert_eq!(hub.turn().await, [r#"d1 3 {"$version":3,"fw":{"c":"older"}}"#]);
    hub.aim("older", "tags.x = 1").await;
    hub.turn().await;
    assert_eq!(hub.desired("d1").await, json!({"fw": {"c": "low", "l": 1}}));
    hub.aim("low", "").await;
    assert_eq!(hub.turn().await, [r#"d1 5 {"$version":5,"fw":null}"#]);
    assert_eq!((hub.desired("d1").await, hub.record("d1").await.configurations), (json!({}), None));
}

#[tokio::test]
async fn a_deleted_configuration_leaves_its_values_but_not_its_name() {
    let mut hub = Hub::with(&["d1"]).await;
    hub.fw("fw", "*", 1, json!({"c": 1})).await;
    hub.turn().await;
    hub.delete("fw").await;
    assert!(hub.turn().await.is_empty());
    assert_eq!((hub.desired("d1").await, hub.record("d1").await.configurations), (json!({"fw": {"c": 1}}), None));
    // Another one of the same name owns nothing of it.
    hub.fw("fw", "", 1, json!({"other": 1})).await;
    assert!(hub.turn().await.is_empty());
    assert_eq!(hub.desired("d1").await, json!({"fw": {"c": 1}}));
}

#[tokio::test]
async fn twins_that_change_are_evaluated_soon_and_alone() {
    let mut hub = Hub::with(&["d1", "d2"]).await;
    hub.fw("fw", "tags.site = 'oslo' OR properties.reported.old = true", 1, json!({"c": 1})).await;
    hub.turn().await;
    hub.write("d1", json!({"tags": {"site": "oslo"}})).await;
    assert_eq!(hub.turn().await, [r#"d1 2 {"$version":2,"fw":{"c":1}}"#]);
    hub.core.patch_reported(&device_link(&link("d2").device), br#"{"old": true}"#, None).await.unwrap();
    assert_eq!(hub.turn().await, [r#"d2 2 {"$version":2,"fw":{"c":1}}"#]);
    hub.write("d1", json!({"properties": {"desired": {"fw": {"c": 7}}}})).await;
    assert_eq!(hub.desired("d1").await, json!({"fw": {"c": 7}}));
    assert_eq!(hub.turn().await, [r#"d1 4 {"$version":4,"fw":{"c":1}}"#]);
    hub.write("d1", json!({"tags": {"site": null}})).await;
    let told = hub.turn().await;
    assert_eq!(told, [r#"d1 5 {"$version":5,"fw":{"c":null}}"#], "the object is the service's by now");
    assert!(hub.core.configurations.take().links.is_empty(), "its own writes are no news");
    let body = serde_json::from_value(json!({})).unwrap();
    hub.core.put_identity(&link("d3").device, body, None).await.unwrap();
    assert_eq!(hub.core.configurations.take().links.len(), 1);
}

#[tokio::test]
async fn more_changes_than_can_be_remembered_lead_to_all_twins() {
    let mut hub = Hub::with(&["d1"]).await;
    hub.fw("fw", "tags.a = 1", 1, json!({"c": 1})).await;
    hub.turn().await;
    hub.write("d1", json!({"tags": {"a": 1}})).await;
    let one = hub.record("d1").await;
    for n in 0..=10_000 {
        hub.core.changed(None, &Record { link: link(&format!("x{n}")), ..one.clone() });
    }
    assert_eq!(hub.turn().await, [r#"d1 2 {"$version":2,"fw":{"c":1}}"#]);
}

#[tokio::test]
async fn of_several_processes_one_goes_through_all_twins() {
    let mut leader = Hub::with(&["d1", "d2"]).await;
    let mut other = leader.another();
    leader.turn().await;
    other.turn().await;
    other.fw("fw", "tags.off != true OR deviceId = 'd1'", 1, json!({"c": 1})).await;
    assert!(other.turn().await.is_empty());
    assert_eq!(leader.turn().await, [r#"d1 2 {"$version":2,"fw":{"c":1}}"#], "the leader sees the other's write");
    // Each follows the twins that it writes itself.
    other.write("d2", json!({"tags": {"off": false}})).await;
    assert!(leader.turn().await.is_empty());
    assert_eq!(other.turn().await, [r#"d2 2 {"$version":2,"fw":{"c":1}}"#]);
    // Nobody leads for a while; whoever does next makes up for it.
    leader.leads.store(false, Ordering::Relaxed);
    leader.aim("fw", "").await;
    assert!(other.turn().await.is_empty());
    other.leads.store(true, Ordering::Relaxed);
    assert_eq!(other.turn().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_engine_runs_by_itself_until_it_is_stopped() {
    let Hub { core, engine, mut told, folder: _folder, .. } = Hub::with(&["d1"]).await;
    let stop = Stop::new();
    let running = tokio::spawn(engine.run(stop.clone()));
    let body = json!({"content": {"deviceContent": {"properties.desired.a": 1}}, "targetCondition": "*"});
    core.put_configuration("all", body.to_string().as_bytes(), None).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), r#"d1 2 {"$version":2,"a":1}"#);
    core.put_identity(&link("d2").device, DeviceIdentity::default(), None).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), r#"d2 2 {"$version":2,"a":1}"#);
    stop.request();
    running.await.unwrap();
}

#[tokio::test]
async fn metrics_are_counted_without_moving_the_etag() {
    let mut hub = Hub::with(&["a", "b", "c"]).await;
    for (device, site) in [("a", "oslo"), ("b", "oslo"), ("c", "bergen")] {
        hub.write(device, json!({"tags": {"site": site}})).await;
    }
    let big: serde_json::Map<String, Value> = (0..8).map(|n| (format!("k{n}"), json!("x".repeat(4090)))).collect();
    hub.write("b", json!({"properties": {"desired": big}})).await;
    let queries = json!({"bergen": "SELECT deviceId FROM devices WHERE tags.site = 'bergen'"});
    let content = json!({"deviceContent": {"properties.desired.fw": {"text": "x".repeat(200)}}});
    let body = json!({"content": content, "targetCondition": "tags.site = 'oslo'", "metrics": {"queries": queries}});
    let made = hub.put("fw", body, None).await.unwrap();
    assert_eq!(made["metrics"], json!({"results": {}, "queries": queries}));
    assert_eq!(hub.turn().await.len(), 1, "b has no room for it");
    let view = hub.view("fw").await;
    assert_eq!(view["systemMetrics"]["results"], json!({"targetedCount": 2, "appliedCount": 1}));
    assert_eq!(view["metrics"]["results"], json!({"bergen": 1}));
    assert_eq!(view["etag"], made["etag"]);
    for (name, count) in [("targetedCount", 2), ("appliedCount", 1)] {
        let text = view["systemMetrics"]["queries"][name].as_str().unwrap();
        assert_eq!(hub.query(text).await.as_array().unwrap().len(), count, "{text}");
    }
}

#[tokio::test]
async fn a_deployment_makes_the_modules_of_a_gateway_and_writes_to_them() {
    let mut hub = Hub::with(&["leaf"]).await;
    hub.gateway("gate").await;
    let agent = json!({"schemaVersion": "1.1", "modules": {"temp": {"type": "docker"}}});
    let content = json!({"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "temp": {"properties.desired.rate": 5}}});
    hub.put("base", json!({"content": content, "targetCondition": "*"}), None).await.unwrap();
    let more = json!({"modulesContent": {"$edgeAgent": {"properties.desired.modules.more": {"type": "docker"}}}});
    hub.put("more", json!({"content": more, "targetCondition": "*", "priority": 9}), None).await.unwrap();
    hub.turn().await;
    let together = json!({"schemaVersion": "1.1", "modules": {"temp": {"type": "docker"}, "more": {"type": "docker"}}});
    assert_eq!(hub.desired("gate/$edgeAgent").await, together);
    assert_eq!(hub.desired("gate/temp").await, json!({"rate": 5}));
    assert_eq!(hub.applied("gate/$edgeAgent").await, [r#"base "Applied""#, r#"more "Applied""#]);
    assert_eq!((hub.applied("gate").await.len(), hub.desired("leaf").await), (0, json!({})));
    let counts = |targeted, applied, successful, failed| {
        json!({"targetedCount": targeted, "appliedCount": applied,
            "reportedSuccessfulCount": successful, "reportedFailedCount": failed})
    };
    assert_eq!(hub.view("base").await["systemMetrics"]["results"], counts(1, 1, 0, 0));
    for (code, counted) in [(200, counts(1, 1, 1, 0)), (412, counts(1, 1, 0, 1))] {
        let report = json!({"lastDesiredVersion": 2, "lastDesiredStatus": {"code": code}}).to_string();
        hub.core.patch_reported(&link("gate/$edgeAgent"), report.as_bytes(), None).await.unwrap();
        hub.core.touch_configurations().await.unwrap();
        assert!(hub.turn().await.is_empty());
        assert_eq!(hub.view("base").await["systemMetrics"]["results"], counted);
    }
    // A whole deployment leaves no room for one of lower priority, and a gateway that falls out of it gets nothing.
    let other = json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"schemaVersion": "2"}}}});
    hub.put("other", json!({"content": other, "targetCondition": "tags.x = 1", "priority": 5}), None).await.unwrap();
    hub.turn().await;
    hub.write("gate", json!({"tags": {"x": 1}})).await;
    hub.turn().await;
    let together = json!({"schemaVersion": "2", "modules": {"more": {"type": "docker"}}});
    assert_eq!(hub.desired("gate/$edgeAgent").await, together);
    assert_eq!(hub.desired("gate/temp").await, json!({}));
}

#[tokio::test]
async fn modules_are_targets_of_their_own() {
    let mut hub = Hub::with(&[]).await;
    hub.gateway("gate").await;
    hub.core.need_modules(&link("gate").device, ["m1", "m2"].map(Arc::from).into()).await.unwrap();
    let content = json!({"moduleContent": {"properties.desired": {"a": 1}}});
    let target = "from devices.modules where moduleId = 'm1'";
    hub.put("mod", json!({"content": content, "targetCondition": target}), None).await.unwrap();
    assert_eq!(hub.turn().await, [r#"gate/m1 2 {"$version":2,"a":1}"#]);
    let view = hub.view("mod").await;
    assert_eq!(view["systemMetrics"]["results"], json!({"targetedCount": 1, "appliedCount": 1}));
    assert_eq!(
        view["systemMetrics"]["queries"]["targetedCount"],
        json!("select deviceId from devices.modules where moduleId = 'm1'")
    );
}

#[tokio::test]
async fn a_content_is_applied_once_to_gateways_only() {
    let hub = Hub::with(&["leaf"]).await;
    hub.gateway("gate").await;
    let content = |agent: Value| {
        let content =
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "m": {"properties.desired.a": 1}}});
        content.as_object().unwrap().clone()
    };
    let apply = async |device: &str, agent| {
        let applied = hub.core.apply_configuration(&link(device).device, content(agent)).await;
        applied.map_err(|failure| failure.code.number())
    };
    assert_eq!(apply("leaf", json!({})).await, Err(400_004));
    assert_eq!(apply("none", json!({})).await, Err(404_001));
    apply("gate", json!({"modules": {"old": 1}})).await.unwrap();
    apply("gate", json!({"modules": {"new": 1}})).await.unwrap();
    assert_eq!(hub.desired("gate/$edgeAgent").await, json!({"modules": {"new": 1}}));
    assert_eq!(hub.desired("gate/m").await, json!({"a": 1}));
    let modules = hub.core.store.scan(Span::Modules, None, &Sieve::Anything, 9).await.unwrap().records;
    assert_eq!(modules.len(), 3, "its own two and m");
}

#[tokio::test]
async fn a_hub_has_a_hundred_configurations_and_no_more() {
    let hub = Hub::with(&[]).await;
    for n in 0..100 {
        hub.fw(&format!("c{n}"), "", 0, json!({})).await;
    }
    let body = json!({"content": {"deviceContent": {}}});
    assert_eq!(hub.put("one-more", body.clone(), None).await, Err(413_101));
    hub.put("c7", body.clone(), Some("*")).await.unwrap();
    hub.delete("c7").await;
    hub.put("one-more", body, None).await.unwrap();
    assert_eq!(hub.core.all_configurations().await.unwrap().len(), 100);
}
