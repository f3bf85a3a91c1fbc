//! The core over a real store, with links that only remember what they were told.

mod certificates;
mod provisioning;
mod registry;

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    hub::{
        auth::Policies,
        ports::{Admission, ConnectRequest, DeviceService, MethodAnswer, MethodFault, Qos, Refusal, Subscriptions},
        record::Mode,
        store::SqliteStore,
        time,
    },
    iothub::{DeviceIdentity, HostName, IfMatch, Key, sign},
};

#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Links for Told {
    fn desired(&self, link: &LinkId, version: u64, patch: Bytes) {
        let patch = String::from_utf8(patch.to_vec()).unwrap();
        self.0.lock().unwrap().push(format!("{link} {version} {patch}"));
    }

    async fn call(
        &self,
        _: &LinkId,
        method: &str,
        payload: Bytes,
        _: Duration,
        _: Duration,
    ) -> Result<MethodAnswer, MethodFault> {
        if method == "offline" { Err(MethodFault::NotOnline) } else { Ok(MethodAnswer { status: 299, payload }) }
    }

    fn mail(&self, link: &LinkId) {
        self.0.lock().unwrap().push(format!("mail {link}"));
    }

    fn cut(&self, link: &LinkId) {
        self.0.lock().unwrap().push(format!("cut {link}"));
    }

    fn connected(&self) -> usize {
        0
    }
}

pub(super) struct Hub {
    pub(super) core: Core<SqliteStore, Told>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn id(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

pub(super) fn open(folder: &tempfile::TempDir) -> Core<SqliteStore, Told> {
    let names = vec![HostName::parse("localhost").unwrap()];
    let authority = Authority::new(names, Policies::generate().unwrap());
    Core::new(SqliteStore::open(folder.path()).unwrap(), Arc::default(), authority)
}

impl Hub {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { core: open(&folder), folder }
    }

    pub(super) async fn with(ids: &[&str]) -> Self {
        let hub = Self::new();
        for one in ids {
            hub.put(one, json!({}), None).await.unwrap();
        }
        hub
    }

    async fn put(&self, device: &str, body: Value, if_match: Option<&str>) -> Result<DeviceIdentity, u32> {
        let if_match = if_match.map(IfMatch::parse);
        let body = serde_json::from_value(body).unwrap();
        let put = self.core.put_identity(&id(device), body, if_match.as_ref()).await;
        put.map_err(|failure| failure.code.number())
    }

    async fn write(&self, device: &str, body: Value, if_match: Option<&str>) -> Result<Value, u32> {
        let if_match = if_match.map(IfMatch::parse);
        let body = body.to_string();
        let written =
            self.core.write_twin(&device_link(&id(device)), body.as_bytes(), Mode::Merge, if_match.as_ref()).await;
        written.map(|(text, _)| serde_json::from_str(&text).unwrap()).map_err(|failure| failure.code.number())
    }

    async fn query(&self, text: &str, size: u64) -> Vec<Vec<Value>> {
        let (mut pages, mut token) = (Vec::new(), None);
        loop {
            let page = self.core.query(text, size, token.as_deref()).await.unwrap();
            pages.push(serde_json::from_str(&page.body).unwrap());
            token = page.continuation;
            if token.is_none() {
                return pages;
            }
        }
    }

    async fn connect(&self, device: &str, key: &Key) -> Result<Subscriptions, Refusal> {
        let token = sign(&format!("localhost/devices/{device}"), key, 4_000_000_000, None);
        let request = ConnectRequest {
            link: device_link(&id(device)),
            password: Some(&token),
            certificates: &[],
            clean_session: false,
            model_id: Some("dtmi:a:b;1"),
        };
        self.core.connect(&request).await.map(|admission| admission.subscriptions)
    }

    /// The number of a new session of a device.
    async fn session(&self, device: &str) -> u64 {
        let token = sign(&format!("localhost/devices/{device}"), &self.key(device).await, 4_000_000_000, None);
        let request = ConnectRequest {
            link: device_link(&id(device)),
            password: Some(&token),
            certificates: &[],
            clean_session: false,
            model_id: None,
        };
        self.core.connect(&request).await.unwrap().session
    }

    /// The admission with a token that ends at `end`, in seconds since 1970.
    async fn admit_until(&self, device: &str, end: u64) -> Result<Admission, Refusal> {
        let token = sign(&format!("localhost/devices/{device}"), &self.key(device).await, end, None);
        let request = ConnectRequest {
            link: device_link(&id(device)),
            password: Some(&token),
            certificates: &[],
            clean_session: true,
            model_id: None,
        };
        self.core.connect(&request).await
    }

    async fn key(&self, device: &str) -> Key {
        let identity = self.core.identity(&id(device)).await.unwrap();
        identity.authentication.unwrap().symmetric_key.keys().unwrap().unwrap().1
    }
}

#[tokio::test]
async fn a_put_without_if_match_creates_and_with_it_updates() {
    let hub = Hub::new();
    let made = hub.put("d1", json!({"deviceId": "d1"}), None).await.unwrap();
    assert_eq!(hub.put("d1", json!({"etag": made.etag}), None).await, Err(409_001));
    assert_eq!(hub.put("d2", json!({}), Some("*")).await, Err(404_001));
    assert_eq!(hub.put("d1", json!({}), Some("\"abc\"")).await, Err(412_001));
    let updated = hub.put("d1", json!({}), Some(made.etag.as_str())).await.unwrap();
    assert!(updated.etag != made.etag && updated.generation_id == made.generation_id);
    assert_eq!(hub.core.links.take(), ["cut d1"], "its keys were replaced");
}

#[tokio::test]
async fn a_delete_needs_an_etag_and_takes_the_twin_with_it() {
    let hub = Hub::with(&["d1"]).await;
    hub.write("d1", json!({"properties": {"desired": {"a": 1}}}), None).await.unwrap();
    let code = |failure: Failure| failure.code.number();
    assert_eq!(hub.core.delete_identity(&id("d1"), None).await.map_err(code), Err(412_001));
    hub.core.delete_identity(&id("d1"), Some(&IfMatch::Any)).await.unwrap();
    assert_eq!(hub.core.twin(&device_link(&id("d1"))).await.map_err(code), Err(404_001));
    assert_eq!(hub.core.delete_identity(&id("d1"), Some(&IfMatch::Any)).await.map_err(code), Err(404_001));
    hub.put("d1", json!({}), None).await.unwrap();
    let (twin, _) = hub.core.twin(&device_link(&id("d1"))).await.unwrap();
    let twin: Value = serde_json::from_str(&twin).unwrap();
    assert_eq!(twin["properties"]["desired"]["$version"], json!(1));
}

#[tokio::test]
async fn thirty_writers_at_once_all_succeed_and_tell_in_order() {
    let hub = Arc::new(Hub::with(&["d1"]).await);
    let writers = (0..30).map(|n| {
        let hub = Arc::clone(&hub);
        tokio::spawn(async move { hub.write("d1", json!({"properties": {"desired": {"n": n}}}), Some("*")).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let told = hub.core.links.take();
    let versions: Vec<_> = told.iter().map(|line| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap()).collect();
    assert_eq!(versions, (2..32).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stale_etag_changes_nothing_and_tells_nobody() {
    let hub = Hub::with(&["d1"]).await;
    let desired = |n: u8| json!({"properties": {"desired": {"n": n}}});
    let twin = hub.write("d1", desired(1), Some("\"AAAAAAAAAAE=\"")).await.unwrap();
    assert_eq!(twin["etag"], json!("AAAAAAAAAAI="));
    hub.core.links.take();
    assert_eq!(hub.write("d1", desired(2), Some("\"AAAAAAAAAAE=\"")).await, Err(412_001));
    assert_eq!(hub.write("none", desired(2), Some("*")).await, Err(404_001));
    assert!(hub.core.links.take().is_empty());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let hub = Hub::with(&["d1"]).await;
    let before = hub.write("d1", json!({"tags": {"a": 1}}), None).await.unwrap();
    let Hub { core, folder } = hub;
    drop(core);
    let (after, _) = open(&folder).twin(&device_link(&id("d1"))).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&after).unwrap(), before);
}

#[tokio::test]
async fn a_device_is_let_in_with_its_key_and_its_subscriptions() {
    let hub = Hub::with(&["d1", "d2"]).await;
    let key = hub.key("d1").await;
    assert_eq!(hub.connect("d1", &key).await, Ok(Subscriptions::default()));
    let link = device_link(&id("d1"));
    let kept = Subscriptions { desired: Some(Qos::AtLeastOnce), ..Subscriptions::default() };
    let session = hub.session("d1").await;
    hub.core.keep_subscriptions(&link, session, kept).await.unwrap();
    let (twin, _) = hub.core.twin(&device_link(&id("d1"))).await.unwrap();
    let twin: Value = serde_json::from_str(&twin).unwrap();
    assert_eq!((&twin["connectionState"], &twin["modelId"]), (&json!("Connected"), &json!("dtmi:a:b;1")));
    assert_eq!((&twin["etag"], &twin["version"]), (&json!("AAAAAAAAAAE="), &json!(2)));
    hub.core.disconnected(&link);
    assert_eq!(hub.connect("d1", &key).await, Ok(kept));
    assert_eq!(hub.connect("d2", &key).await, Err(Refusal::NotAuthorized));
    assert_eq!(hub.connect("nobody", &key).await, Err(Refusal::NotAuthorized));
}

#[tokio::test]
async fn a_session_keeps_nothing_once_another_one_has_begun() {
    let hub = Hub::with(&["d1"]).await;
    let link = device_link(&id("d1"));
    let one = Subscriptions { desired: Some(Qos::AtLeastOnce), ..Subscriptions::default() };
    let two = Subscriptions { methods: Some(Qos::AtMostOnce), ..Subscriptions::default() };
    let old = hub.session("d1").await;
    hub.core.keep_subscriptions(&link, old, one).await.unwrap();
    let new = hub.session("d1").await;
    assert_eq!(hub.core.keep_subscriptions(&link, old, two).await.unwrap_err().code, 400_027);
    let key = hub.key("d1").await;
    assert_eq!(hub.connect("d1", &key).await, Ok(one));
    assert!(hub.core.keep_subscriptions(&link, new, two).await.is_err(), "that was yet another session");
}

#[tokio::test]
async fn a_clean_session_has_forgotten_what_was_kept_when_the_next_one_comes() {
    let hub = Hub::with(&["d1"]).await;
    let (link, key) = (device_link(&id("d1")), hub.key("d1").await);
    let kept = Subscriptions { desired: Some(Qos::AtLeastOnce), ..Subscriptions::default() };
    hub.connect("d1", &key).await.unwrap();
    let session = hub.session("d1").await;
    hub.core.keep_subscriptions(&link, session, kept).await.unwrap();
    hub.admit_until("d1", 4_000_000_000).await.unwrap();
    assert_eq!(hub.connect("d1", &key).await, Ok(Subscriptions::default()));
}

#[tokio::test]
async fn what_is_heard_of_a_long_link_is_noted_before_it_ends() {
    let hub = Hub::with(&["d1", "d2"]).await;
    hub.session("d1").await;
    hub.core.note_presence().await;
    let Hub { core, folder } = hub;
    // As after a crash: nobody said that the link was gone.
    drop(core);
    let again = open(&folder);
    let identity = |device: &'static str| {
        let again = &again;
        async move { again.identity(&id(device)).await.unwrap() }
    };
    let (seen, never) = (identity("d1").await, identity("d2").await);
    assert!(seen.last_activity_time > never.last_activity_time, "{}", seen.last_activity_time);
    assert_eq!(never.last_activity_time, crate::iothub::NEVER);
    assert!(again.presence.unnoted(0).is_empty());
}

#[tokio::test]
async fn a_token_ends_its_link_no_sooner_than_it_lets_in_and_never_the_hub() {
    let hub = Hub::with(&["d1"]).await;
    let now = time::seconds(time::now());
    let late = hub.admit_until("d1", now - 60).await.unwrap();
    assert!(late.expires.unwrap() > std::time::SystemTime::now());
    assert_eq!(hub.admit_until("d1", now - 600).await.unwrap_err(), Refusal::NotAuthorized);
    assert_eq!(hub.admit_until("d1", u64::MAX).await.unwrap().expires, None);
}

#[tokio::test]
async fn a_disabled_device_is_cut_and_not_let_in_again_but_its_twin_stays() {
    let hub = Hub::with(&["d1"]).await;
    let key = hub.key("d1").await;
    let body = serde_json::to_value(hub.core.identity(&id("d1")).await.unwrap()).unwrap();
    let body = Value::Object(
        body.as_object().unwrap().clone().into_iter().chain([("status".to_owned(), json!("disabled"))]).collect(),
    );
    hub.put("d1", body, Some("*")).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1"]);
    assert_eq!(hub.connect("d1", &key).await, Err(Refusal::NotAuthorized));
    hub.write("d1", json!({"tags": {"a": 1}}), None).await.unwrap();
    assert_eq!(hub.core.counts().await.unwrap(), Counts { enabled: 0, disabled: 1 });
}

#[tokio::test]
async fn a_report_is_checked_against_its_version_and_seen_by_the_service() {
    let hub = Hub::with(&["d1"]).await;
    let link = device_link(&id("d1"));
    assert_eq!(hub.core.patch_reported(&link, br#"{"a":{"b":null}}"#, Some(1)).await, Ok(2));
    let stale = hub.core.patch_reported(&link, br#"{"c":1}"#, Some(1)).await.unwrap_err();
    assert_eq!((stale.code, stale.status()), (412_001, 412));
    let device = hub.core.patch_reported(&device_link(&id("gone")), b"{}", None).await.unwrap_err();
    assert_eq!(device.code, 404_001);
    let text = DeviceService::twin(&hub.core, &link).await.unwrap();
    let twin: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(twin, json!({"desired": {"$version": 1}, "reported": {"a": {}, "$version": 2}}));
}

#[tokio::test]
async fn methods_pass_through_and_tell_who_is_offline() {
    let hub = Hub::with(&["d1"]).await;
    let call =
        |name: &str| MethodCall::parse(json!({"methodName": name, "payload": "foo"}).to_string().as_bytes()).unwrap();
    assert_eq!(hub.core.call(&device_link(&id("d1")), call("m")).await.unwrap(), r#"{"status":299,"payload":"foo"}"#);
    let offline = hub.core.call(&device_link(&id("d1")), call("offline")).await.unwrap_err();
    assert_eq!((offline.code.number(), offline.info), (404_103, Some(json!({"timeout": "00:00:00"}))));
    assert_eq!(hub.core.call(&device_link(&id("d2")), call("m")).await.unwrap_err().code.number(), 404_001);
}

#[tokio::test]
async fn pages_hold_every_device_once_and_the_last_has_no_continuation() {
    let names: Vec<String> = (0..40).map(|n| format!("d{n:02}")).collect();
    let hub = Hub::with(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for size in [1, 7, 20, 40, 1000] {
        let pages = hub.query("SELECT deviceId FROM devices", size).await;
        assert_eq!(pages.len() as u64, 40_u64.div_ceil(size), "{size}");
        let found: Vec<_> = pages.concat().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, names);
    }
    assert_eq!(hub.query("SELECT TOP 9 * FROM devices", 4).await.concat().len(), 9);
    assert_eq!(hub.query("SELECT * FROM devices WHERE deviceId IN ['d03', 'd09', 'x']", 1).await.len(), 2);
}

#[tokio::test]
async fn a_page_of_big_twins_ends_early_and_none_is_lost() {
    let ids: Vec<String> = (0..130).map(|number| format!("d{number:03}")).collect();
    let hub = Hub::with(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let big: serde_json::Map<String, Value> = (0..8).map(|key| (format!("k{key}"), json!("x".repeat(4000)))).collect();
    for id in &ids {
        hub.write(id, json!({"properties": {"desired": big}}), None).await.unwrap();
    }
    let pages = hub.query("SELECT * FROM devices", 1000).await;
    assert!(pages.len() > 1);
    let seen: Vec<&str> = pages.iter().flatten().map(|twin| twin["deviceId"].as_str().unwrap()).collect();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn conditions_groups_and_counts_see_the_twins() {
    let hub = Hub::with(&["a", "b", "c"]).await;
    for (device, site) in [("a", "oslo"), ("b", "berlin"), ("c", "oslo")] {
        hub.write(device, json!({"tags": {"site": site}, "properties": {"desired": {"n": 1.5}}}), None).await.unwrap();
    }
    let ids =
        |rows: Vec<Value>| rows.iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()).collect::<String>();
    for (condition, expected) in [
        ("tags.site = 'oslo'", "ac"),
        ("tags.site = 'oslo' AND deviceId != 'a'", "c"),
        ("properties.desired.n > 1 AND connectionState = 'Disconnected'", "abc"),
        ("IS_DEFINED(properties.desired.$metadata.n.$lastUpdated) AND status = 'enabled'", "abc"),
        ("tags.nothing = 'x'", ""),
    ] {
        let rows = hub.query(&format!("SELECT * FROM devices WHERE {condition}"), 100).await.concat();
        assert_eq!(ids(rows), expected, "{condition}");
    }
    assert_eq!(hub.query("SELECT COUNT() AS n FROM devices", 100).await, [[json!({"n": 3})]]);
    let grouped = "SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site";
    assert_eq!(
        hub.query(grouped, 1).await.concat(),
        [json!({"site": "oslo", "n": 2}), json!({"site": "berlin", "n": 1})]
    );
}

#[tokio::test]
async fn a_query_that_does_not_parse_is_an_invalid_argument() {
    let hub = Hub::new();
    for (text, token) in [("SELECT", None), ("", None), ("SELECT * FROM devices", Some("Mg=="))] {
        assert_eq!(hub.core.query(text, 1, token).await.unwrap_err().code.number(), 400_004, "{text}");
    }
}

/// Remembers what left the hub.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Left {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_happens_to_a_device_leaves_the_hub_in_its_order() {
    use crate::hub::events::{EventKind, EventTarget, EventWriter, Events};
    let (left, folder, meter) = (Left::default(), tempfile::tempdir().unwrap(), Meter::new());
    let events = Events { target: EventTarget::Writer(EventWriter::new(left.clone())), kinds: EventKind::ALL.to_vec() };
    let outlet = Outlet::open(&events, "hub", Arc::clone(&meter)).unwrap();
    let hub = Hub { core: open(&folder).observed(meter, outlet), folder };
    hub.put("d1", json!({}), None).await.unwrap();
    hub.connect("d1", &hub.key("d1").await).await.unwrap();
    let link = device_link(&id("d1"));
    hub.write("d1", json!({"properties": {"desired": {"a": {"b": 1}}}}), None).await.unwrap();
    assert_eq!(hub.write("d1", json!({"tags": {"x": 1}}), Some("\"stale\"")).await, Err(412_001));
    hub.core.patch_reported(&link, br#"{"a":null,"c":2}"#, None).await.unwrap();
    hub.core.telemetry(&link, "k=v", Bytes::from_static(b"hi")).await.unwrap();
    hub.core.write_twin(&device_link(&id("d1")), b"{}", Mode::Replace, None).await.unwrap();
    hub.core.disconnected(&link);
    hub.core.delete_identity(&id("d1"), Some(&IfMatch::Any)).await.unwrap();
    drop(hub);
    let text = String::from_utf8(left.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<_> = lines.iter().map(|line| line["properties"]["opType"].as_str().unwrap_or("message")).collect();
    let expected = ["createDeviceIdentity", "deviceConnected", "updateTwin", "updateTwin", "message", "replaceTwin"];
    assert_eq!(words, [expected.as_slice(), &["deviceDisconnected", "deleteDeviceIdentity"]].concat());
    let desired = &lines[2]["body"]["properties"]["desired"];
    assert_eq!((&desired["a"], &desired["$version"]), (&json!({"b": 1}), &json!(2)));
    assert_eq!(desired["$metadata"]["a"]["b"]["$lastUpdatedVersion"], json!(2));
    let reported = &lines[3]["body"]["properties"]["reported"];
    assert_eq!((&reported["a"], &reported["c"], lines[3]["body"].get("tags")), (&Value::Null, &json!(2), None));
    assert_eq!(lines[7]["body"]["properties"]["reported"]["c"], json!(2), "the last twin of it");
    assert!(!text.contains("primaryKey"), "keys never leave");
}
