//! Devices with modules: who is cut, what goes along, and who gets in each other's way (protocol reference 3).

use super::*;
use crate::{
    hub::store::{Document, Kind},
    iothub::{BulkEntry, KeyChoice, KeyOwner, KeyRenewal, ModuleIdentity},
};

fn module(device: &str, module: &str) -> LinkId {
    LinkId { device: id(device), module: Some(module.into()) }
}

/// Whom and with which version, and the patch.
fn notices(told: Vec<String>) -> Vec<(String, Value)> {
    let split = |line: String| {
        let (head, patch) = line.split_once(" {").unwrap();
        (head.to_owned(), serde_json::from_str(&format!("{{{patch}")).unwrap())
    };
    told.into_iter().map(split).collect()
}

impl Hub {
    async fn put_module(&self, link: &LinkId, body: Value, if_match: Option<&str>) -> Result<ModuleIdentity, u32> {
        let if_match = if_match.map(IfMatch::parse);
        let body = serde_json::from_value(body).unwrap();
        self.core.put_module(link, body, if_match.as_ref()).await.map_err(|failure| failure.code.number())
    }

    async fn connect_module(&self, link: &LinkId, identity: &ModuleIdentity) -> Result<Admission, Refusal> {
        let (key, _) = identity.authentication.as_ref().unwrap().symmetric_key.keys().unwrap().unwrap();
        let audience = format!("localhost/devices/{}/modules/{}", link.device, link.module.as_deref().unwrap());
        let token = sign(&audience, &key, 4_000_000_000, None);
        let request = ConnectRequest {
            link: link.clone(),
            password: Some(&token),
            certificates: &[],
            clean_session: false,
            model_id: None,
        };
        self.core.connect(&request).await
    }

    /// The device's identity with one member changed.
    async fn change(&self, device: &str, member: &str, value: Value) {
        let mut body = serde_json::to_value(self.core.identity(&id(device)).await.unwrap()).unwrap();
        body[member] = value;
        self.put(device, body, Some("*")).await.unwrap();
    }

    async fn message(&self, name: &str) {
        let message = Document { kind: Kind::Message, id: name.into(), revision: 0, body: "{}".into() };
        assert_eq!(self.core.store.write(vec![Change::Document(message.into())]).await.unwrap(), Outcome::Written);
    }

    async fn messages(&self) -> Vec<String> {
        let all = self.core.store.documents(Kind::Message, "", None, 100).await.unwrap();
        all.iter().map(|one| one.id.to_string()).collect()
    }
}

#[tokio::test]
async fn a_disabled_device_has_its_modules_cut_and_they_are_not_let_in_again() {
    let hub = Hub::with(&["d1"]).await;
    let link = module("d1", "m1");
    let identity = hub.put_module(&link, json!({}), None).await.unwrap();
    hub.connect_module(&link, &identity).await.unwrap();
    assert_eq!(hub.core.module(&link).await.unwrap().connection_state, crate::iothub::ConnectionState::Connected);
    hub.change("d1", "status", json!("disabled")).await;
    assert_eq!(hub.core.links.take(), ["cut d1", "cut d1/m1"]);
    assert_eq!(hub.connect_module(&link, &identity).await.unwrap_err(), Refusal::NotAuthorized);
    hub.change("d1", "status", json!("enabled")).await;
    assert!(hub.core.links.take().is_empty());
    hub.connect_module(&link, &identity).await.unwrap();
}

#[tokio::test]
async fn a_module_made_on_a_disabled_device_is_not_let_in() {
    let hub = Hub::new();
    hub.put("d1", json!({"status": "disabled"}), None).await.unwrap();
    let link = module("d1", "m1");
    let identity = hub.put_module(&link, json!({}), None).await.unwrap();
    assert_eq!(hub.connect_module(&link, &identity).await.unwrap_err(), Refusal::NotAuthorized);
    let updated = hub.put_module(&link, json!({}), Some("*")).await.unwrap();
    assert_eq!(hub.connect_module(&link, &updated).await.unwrap_err(), Refusal::NotAuthorized);
}

#[tokio::test]
async fn new_keys_cut_whose_keys_they_are_and_nobody_else() {
    let hub = Hub::with(&["d1"]).await;
    let link = module("d1", "m1");
    let identity = hub.put_module(&link, json!({}), None).await.unwrap();
    let same = serde_json::to_value(&identity).unwrap();
    hub.put_module(&link, same, Some("*")).await.unwrap();
    assert!(hub.core.links.take().is_empty(), "nothing was replaced");
    hub.put_module(&link, json!({}), Some("*")).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1/m1"]);
    hub.put("d1", json!({}), Some("*")).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1"]);
    let hub = Arc::new(hub.core);
    let owner = KeyOwner { id: "d1".to_owned(), module_id: Some("m1".to_owned()) };
    let renewal = KeyRenewal { policy_key: KeyChoice::PrimaryKey, devices: vec![owner] };
    assert!(hub.renew_keys(renewal).await.unwrap().errors.is_empty());
    assert_eq!(hub.links.take(), ["cut d1/m1"]);
}

#[tokio::test]
async fn a_deleted_device_takes_modules_messages_and_links_with_it() {
    let hub = Hub::with(&["d1", "d10"]).await;
    for link in [module("d1", "m1"), module("d1", "m2"), module("d10", "m1")] {
        hub.put_module(&link, json!({}), None).await.unwrap();
    }
    for name in ["d1/1", "d1/m1/1", "d1/m2/7", "d10/1", "d10/m1/1"] {
        hub.message(name).await;
    }
    hub.core.delete_module(&module("d1", "m2"), Some(&IfMatch::Any)).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1/m2"]);
    assert_eq!(hub.messages().await, ["d1/1", "d1/m1/1", "d10/1", "d10/m1/1"]);
    hub.core.delete_identity(&id("d1"), Some(&IfMatch::Any)).await.unwrap();
    assert_eq!(hub.core.links.take(), ["cut d1", "cut d1/m1"]);
    assert_eq!(hub.messages().await, ["d10/1", "d10/m1/1"]);
    assert!(hub.core.modules_of(&id("d1")).await.unwrap().is_empty());
    assert_eq!(hub.core.modules_of(&id("d10")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_gateway_that_becomes_a_leaf_has_the_links_of_its_own_modules_cut() {
    let hub = Hub::new();
    hub.put("gw", json!({"capabilities": {"iotEdge": true}}), None).await.unwrap();
    hub.message("gw/$edgeHub/1").await;
    hub.put_module(&module("gw", "mine"), json!({}), None).await.unwrap();
    hub.change("gw", "capabilities", json!({"iotEdge": false})).await;
    assert_eq!(hub.core.links.take(), ["cut gw/$edgeAgent", "cut gw/$edgeHub"]);
    assert!(hub.messages().await.is_empty());
}

#[tokio::test]
async fn of_many_who_add_modules_at_once_fifty_succeed() {
    let hub = Arc::new(Hub::with(&["d1"]).await);
    let writers = (0..60).map(|n| {
        let hub = Arc::clone(&hub);
        tokio::spawn(async move { hub.put_module(&module("d1", &format!("m{n}")), json!({}), None).await.map(drop) })
    });
    let mut refused = 0;
    for writer in writers.collect::<Vec<_>>() {
        if let Err(code) = writer.await.unwrap() {
            assert_eq!(code, 413_003);
            refused += 1;
        }
    }
    assert_eq!((refused, hub.core.modules_of(&id("d1")).await.unwrap().len()), (10, 50));
}

#[tokio::test]
async fn no_module_outlives_its_device_whoever_is_faster() {
    for _ in 0..20 {
        let hub = Hub::with(&["d1"]).await;
        let links: Vec<_> = (0..4).map(|n| module("d1", &format!("m{n}"))).collect();
        let (core, any) = (&hub.core, IfMatch::Any);
        let add = async |at: usize| core.put_module(&links[at], ModuleIdentity::default(), None).await.map(drop);
        let delete = async { core.delete_identity(&id("d1"), Some(&any)).await };
        let (first, deleted, second, third) = tokio::join!(add(0), delete, add(1), add(2));
        deleted.unwrap();
        for added in [first, second, third] {
            assert!(added.is_ok() || added.unwrap_err().code == ErrorCode::DeviceNotFound);
        }
        assert!(core.modules_of(&id("d1")).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_module_has_its_own_twin_session_and_notices() {
    let hub = Hub::with(&["d1"]).await;
    let link = module("d1", "m1");
    let identity = hub.put_module(&link, json!({}), None).await.unwrap();
    let session = hub.connect_module(&link, &identity).await.unwrap().session;
    let kept = Subscriptions { inputs: Some(Qos::AtLeastOnce), ..Subscriptions::default() };
    hub.core.keep_subscriptions(&link, session, kept).await.unwrap();
    assert_eq!(hub.connect_module(&link, &identity).await.unwrap().subscriptions, kept);
    assert_eq!(hub.core.patch_reported(&link, br#"{"a":1}"#, Some(1)).await, Ok(2));
    let body = br#"{"properties":{"desired":{"b":2}}}"#;
    hub.core.write_twin(&link, body, Mode::Merge, None).await.unwrap();
    assert_eq!(notices(hub.core.links.take()), [("d1/m1 2".to_owned(), json!({"b": 2, "$version": 2}))]);
    let text = DeviceService::twin(&hub.core, &link).await.unwrap();
    let twin: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(twin, json!({"desired": {"b": 2, "$version": 2}, "reported": {"a": 1, "$version": 2}}));
    let own = DeviceService::twin(&hub.core, &device_link(&id("d1"))).await.unwrap();
    assert_eq!(&own[..], br#"{"desired":{"$version":1},"reported":{"$version":1}}"#);
    let call = MethodCall::parse(br#"{"methodName":"m"}"#).unwrap();
    assert_eq!(hub.core.call(&link, call).await.unwrap(), r#"{"status":299,"payload":null}"#);
}

#[tokio::test]
async fn devices_hear_of_twins_that_bulk_requests_write() {
    let hub = Hub::with(&["d1", "d2"]).await;
    let core = Arc::new(hub.core);
    let entries = json!([
        {"id": "d1", "importMode": "updateTwin", "tags": {"t": 1}, "properties": {"desired": {"a": 1}}},
        {"id": "d2", "importMode": "update", "status": "disabled", "properties": {"desired": {"b": 1}}},
    ]);
    let entries: Vec<BulkEntry> = serde_json::from_value(entries).unwrap();
    assert!(core.bulk(entries).await.unwrap().is_successful);
    let (cut, told): (Vec<_>, Vec<_>) = core.links.take().into_iter().partition(|line| line.starts_with("cut"));
    assert_eq!(cut, ["cut d2"]);
    let mut told = notices(told);
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = |device: &str, key: &str| (format!("{device} 2"), json!({key: 1, "$version": 2}));
    assert_eq!(told, [expected("d1", "a"), expected("d2", "b")]);
}

#[tokio::test]
async fn an_update_whose_twin_is_refused_changes_nothing() {
    let hub = Hub::with(&["d1"]).await;
    let before = hub.core.identity(&id("d1")).await.unwrap();
    for twin in [json!({"tags": {"a.b": 1}}), json!({"tags": {"a": 1}, "twinETag": "abc"})] {
        let mut entry = json!({"id": "d1", "importMode": "update", "status": "disabled"});
        entry.as_object_mut().unwrap().extend(twin.as_object().unwrap().clone());
        hub.core.import(serde_json::from_value(entry).unwrap()).await.unwrap_err();
        assert_eq!(hub.core.identity(&id("d1")).await.unwrap(), before);
        assert!(hub.core.links.take().is_empty());
    }
}

/// What one entry came to, and what is there afterwards.
async fn outcome(entries: &[Value], at_once: bool) -> (Vec<(String, String)>, Vec<Value>) {
    let hub = Hub::with(&["d0", "d1", "d2"]).await;
    hub.put_module(&module("d0", "m"), json!({}), None).await.unwrap();
    let core = Arc::new(hub.core);
    let mut errors = Vec::new();
    let size = if at_once { entries.len() } else { 1 };
    for part in entries.chunks(size.max(1)) {
        let part = serde_json::from_value(json!(part)).unwrap();
        let result = core.bulk(part).await.unwrap();
        assert_eq!(result.is_successful, result.errors.is_empty());
        errors.extend(result.errors.into_iter().map(|error| (error.device_id, error.error_code)));
    }
    let query = "SELECT deviceId, status, tags, properties.desired.$version AS v FROM devices";
    let rows = core.query(query, 100, None).await.unwrap();
    (errors, serde_json::from_str(&rows.body).unwrap())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

    #[test]
    fn entries_do_the_same_together_and_one_after_the_other(
        entries in proptest::collection::btree_map(0..6_u8, (0..9_usize, proptest::bool::ANY, proptest::bool::ANY), 0..6),
    ) {
        const MODES: [&str; 9] = ["create", "update", "updateIfMatchETag", "createOrUpdate", "createOrUpdateIfMatchETag",
            "delete", "deleteIfMatchETag", "updateTwin", "updateTwinIfMatchETag"];
        let entries: Vec<_> = entries.into_iter().map(|(device, (mode, known, good))| {
            let etag = if known { "*" } else { "abc" };
            let tags = if good { json!({"n": device}) } else { json!({"a.b": 1}) };
            json!({"id": format!("d{device}"), "importMode": MODES[mode], "eTag": etag, "twinETag": etag, "tags": tags,
                "status": "disabled"})
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (together, apart) = (runtime.block_on(outcome(&entries, true)), runtime.block_on(outcome(&entries, false)));
        proptest::prop_assert_eq!(together, apart);
    }
}
