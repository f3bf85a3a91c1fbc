//! The hub as its clients see it: REST and MQTT over real TLS sockets.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "support/world.rs"]
mod world;

use std::{fmt::Write as _, sync::Arc};

use reqwest::{Method, StatusCode};
use rumqttc::{
    ConnectReturnCode, ConnectionError, Incoming, MqttOptions, TlsConfiguration, Transport, mqttbytes::v4::Publish,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use twinops::{
    hub::{Config, Hub, HubError, offline},
    iothub::{DeviceConnection, DeviceCredential, Key, ServiceCredential, sign},
    twin::DeviceId,
};
use world::{Answer, Device, FOREVER, PATIENCE, World};

impl World {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(folder: tempfile::TempDir) -> Self {
        let config = Config::local(folder.path().join("state"));
        Self::open(folder, config).await
    }

    /// Makes a device; its key.
    async fn make(&self, id: &str) -> Key {
        let made = self.ask(Method::PUT, &format!("/devices/{id}"), &[], json!({"deviceId": id})).await;
        assert_eq!(made.status, StatusCode::OK);
        Key::parse(made.body["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap()
    }

    async fn patch(&self, id: &str, body: Value, etag: &str) -> Answer {
        self.ask(Method::PATCH, &format!("/twins/{id}"), &[("if-match", etag)], body).await
    }

    async fn twin(&self, id: &str) -> Answer {
        self.ask(Method::GET, &format!("/twins/{id}"), &[], Value::Null).await
    }

    fn dial(&self, id: &str, key: &Key) -> Device {
        Device::new(self.options(id, key))
    }

    /// Dials with a certificate and without a token.
    fn dial_with(&self, id: &str, certificate: &CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Device {
        let host = &self.service.host;
        let mut options = MqttOptions::new(id, "localhost", self.mqtt_port);
        options.set_credentials(format!("{host}/{id}/?api-version=2021-04-12"), "");
        let ca = offline::ca_pem_path(&self.folder.path().join("state")).unwrap();
        let tls = world::client(&ca).with_client_auth_cert(vec![certificate.clone()], key).unwrap();
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(tls))));
        Device::new(options)
    }

    async fn connect(&self, id: &str, key: &Key) -> Device {
        let mut device = self.dial(id, key);
        device.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
        device
    }
}

impl Device {
    async fn receive(&mut self) -> Publish {
        self.next(|packet| if let Incoming::Publish(publish) = packet { Some(publish) } else { None }).await
    }

    /// Waits until the other side ends the link.
    async fn is_closed(&mut self) {
        while self.poll().await.is_ok() {}
    }
}

fn json_of(publish: &Publish) -> Value {
    serde_json::from_slice(&publish.payload).unwrap()
}

#[tokio::test]
async fn a_twin_is_patched_under_its_etag_and_a_stale_one_is_refused() {
    let world = World::start().await;
    world.make("d1").await;
    let etag = world.twin("d1").await.header("etag").unwrap().to_owned();
    let patch = json!({"tags": {"site": "oslo"}, "properties": {"desired": {"fw": "1.2"}}});
    let written = world.patch("d1", patch.clone(), &etag).await;
    assert_eq!((written.status, &written.body["tags"]["site"]), (StatusCode::OK, &json!("oslo")));
    assert_eq!(world.patch("d1", patch, &etag).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.twin("d1").await.body, written.body);
    world.end().await;
}

#[tokio::test]
async fn desired_goes_to_the_device_and_reported_comes_back() {
    let world = World::start().await;
    let key = world.make("d1").await;
    world.patch("d1", json!({"properties": {"desired": {"offline": true}}}), "*").await;
    let mut device = world.connect("d1", &key).await;
    device.subscribe("$iothub/twin/res/#").await;
    device.subscribe("$iothub/twin/PATCH/properties/desired/#").await;
    device.publish("$iothub/twin/GET/?$rid=1", " ").await;
    let twin = device.receive().await;
    assert_eq!(twin.topic, "$iothub/twin/res/200/?$rid=1");
    assert_eq!(json_of(&twin), json!({"desired": {"offline": true, "$version": 2}, "reported": {"$version": 1}}));

    world.patch("d1", json!({"tags": {"t": 1}, "properties": {"desired": {"offline": null, "live": 1}}}), "*").await;
    let told = device.receive().await;
    assert_eq!(told.topic, "$iothub/twin/PATCH/properties/desired/?$version=3");
    assert_eq!(json_of(&told), json!({"offline": null, "live": 1, "$version": 3}));

    device.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", r#"{"live":{"value":1,"ac":200,"av":3}}"#).await;
    assert_eq!(device.receive().await.topic, "$iothub/twin/res/204/?$rid=2&$version=2");
    device.publish("$iothub/twin/PATCH/properties/reported/?$rid=3&$version=1", r#"{"x":1}"#).await;
    let refused = device.receive().await;
    assert_eq!(refused.topic, "$iothub/twin/res/412/?$rid=3");
    assert_eq!(json_of(&refused)["errorCode"], json!(412_001));
    device.publish("$iothub/twin/PATCH/properties/reported/?$rid=4", r#"{"good":1,"$bad":1}"#).await;
    assert_eq!(device.receive().await.topic, "$iothub/twin/res/400/?$rid=4");

    let twin = world.twin("d1").await.body;
    assert_eq!(twin["properties"]["reported"]["live"], json!({"value": 1, "ac": 200, "av": 3}));
    assert_eq!(twin["properties"]["reported"].get("good"), None);
    assert_eq!(twin["connectionState"], json!("Connected"));
    world.end().await;
}

#[tokio::test]
async fn a_method_goes_to_the_device_and_back() {
    let world = World::start().await;
    let key = world.make("d1").await;
    let mut device = world.connect("d1", &key).await;
    device.subscribe("$iothub/methods/POST/#").await;
    for payload in [Value::Null, json!(""), json!("foo"), json!({"k1": "v1"}), json!({})] {
        let body = json!({"methodName": "echo", "payload": payload});
        let call = world.ask(Method::POST, "/twins/d1/methods", &[], body);
        let answer = async {
            let asked = device.receive().await;
            let rid = asked.topic.strip_prefix("$iothub/methods/POST/echo/?$rid=").unwrap().to_owned();
            let text = String::from_utf8(asked.payload.to_vec()).unwrap();
            device.publish(&format!("$iothub/methods/res/299/?$rid={rid}"), &text).await;
            device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
        };
        let (called, ()) = tokio::join!(call, answer);
        assert_eq!((called.status, called.body), (StatusCode::OK, json!({"status": 299, "payload": payload})));
    }
    world.end().await;
}

#[tokio::test]
async fn a_job_reaches_the_device_and_a_command_is_answered() {
    let world = World::start().await;
    let key = world.make("d1").await;
    world.make("d2").await;
    let mut device = world.connect("d1", &key).await;
    device.subscribe("$iothub/methods/POST/#").await;
    let answer = async |device: &mut Device, method: &str, body: &str| {
        let asked = device.receive().await;
        let rid = asked.topic.strip_prefix(&format!("$iothub/methods/POST/{method}/?$rid=")).unwrap().to_owned();
        device.publish(&format!("$iothub/methods/res/200/?$rid={rid}"), body).await;
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    };
    let job = json!({"jobId": "j1", "type": "scheduleDeviceMethod", "queryCondition": "*",
        "cloudToDeviceMethod": {"methodName": "m", "payload": {}}, "maxExecutionTimeInSeconds": 60});
    let made = world.ask(Method::PUT, "/jobs/v2/j1", &[], job).await;
    assert_eq!((made.status, &made.body["status"]), (StatusCode::OK, &json!("queued")));
    answer(&mut device, "m", "7").await;
    let job = timeout(PATIENCE, async {
        loop {
            let job = world.ask(Method::GET, "/jobs/v2/j1", &[], Value::Null).await.body;
            if job["status"] == json!("completed") {
                return job;
            }
        }
    });
    let statistics = job.await.expect("the job is over in time")["deviceJobStatistics"].clone();
    assert_eq!((&statistics["succeededCount"], &statistics["failedCount"]), (&json!(1), &json!(1)));
    let body = json!({"query": "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1'"});
    let rows = world.ask(Method::POST, "/devices/query", &[], body).await.body;
    assert_eq!(rows[0]["outcome"]["deviceMethodResponse"], json!({"status": 200, "payload": 7}));
    assert_eq!(rows[1]["error"]["code"], json!("404103"));
    let path = "/digitaltwins/d1/components/thermo/commands/reboot";
    let command = world.ask(Method::POST, path, &[], json!({"delay": 1}));
    let (command, ()) = tokio::join!(command, answer(&mut device, "thermo*reboot", "{\"done\":true}"));
    assert_eq!((command.status, command.body), (StatusCode::OK, json!({"done": true})));
    world.end().await;
}

#[tokio::test]
async fn a_query_goes_on_where_its_page_ended() {
    let world = World::start().await;
    for id in ["a", "b", "c", "d", "e"] {
        world.make(id).await;
    }
    let (mut found, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut headers = vec![("x-ms-max-item-count", "2")];
        headers.extend(token.as_deref().map(|token| ("x-ms-continuation", token)));
        let body = json!({"query": "SELECT deviceId FROM devices WHERE deviceId != 'c'"});
        let page = world.ask(Method::POST, "/devices/query", &headers, body).await;
        found.extend(page.body.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()));
        token = page.header("x-ms-continuation").map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "d", "e"]);
    world.end().await;
}

#[tokio::test]
async fn a_second_connection_takes_the_place_of_the_first() {
    let world = World::start().await;
    let key = world.make("d1").await;
    let mut first = world.connect("d1", &key).await;
    let _second = world.connect("d1", &key).await;
    first.is_closed().await;
    assert_eq!(world.twin("d1").await.body["connectionState"], json!("Connected"));
    world.end().await;
}

#[tokio::test]
async fn an_undocumented_topic_closes_the_link() {
    let world = World::start().await;
    let key = world.make("d1").await;
    let mut device = world.connect("d1", &key).await;
    device.publish("devices/d2/messages/events/", "x").await;
    device.is_closed().await;
    world.end().await;
}

#[tokio::test]
async fn only_a_device_with_its_key_is_let_in_and_a_disabled_one_is_cut() {
    let world = World::start().await;
    let key = world.make("d1").await;
    let other = world.make("d2").await;
    for (id, key) in [("d1", &other), ("nobody", &key)] {
        let refused = world.dial(id, key).poll().await.unwrap_err();
        let expected = ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized);
        assert_eq!(refused.to_string(), expected.to_string(), "{id}");
    }
    let mut device = world.connect("d1", &key).await;
    let identity = world.ask(Method::GET, "/devices/d1", &[], Value::Null).await.body;
    assert_eq!(identity["connectionState"], json!("Connected"));
    let disabled = json!({"deviceId": "d1", "status": "disabled", "authentication": identity["authentication"]});
    let written = world.ask(Method::PUT, "/devices/d1", &[("if-match", "*")], disabled).await;
    assert_eq!(written.status, StatusCode::OK);
    device.is_closed().await;
    assert!(world.dial("d1", &key).poll().await.is_err());
    world.end().await;
}

#[tokio::test]
async fn a_device_with_a_certificate_needs_no_token() {
    let world = World::start().await;
    let certify = || {
        let made = rcgen::generate_simple_self_signed(vec!["x1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        (made.cert.der().clone(), key)
    };
    let (certificate, key) = certify();
    let mut thumbprint = String::new();
    for byte in Sha256::digest(&certificate) {
        write!(thumbprint, "{byte:02X}").unwrap();
    }
    let thumbprints = json!({"primaryThumbprint": thumbprint, "secondaryThumbprint": null});
    let body = json!({"deviceId": "x1", "authentication": {"type": "selfSigned", "x509Thumbprint": thumbprints}});
    let made = world.ask(Method::PUT, "/devices/x1", &[], body).await;
    assert_eq!(made.body["authentication"]["x509Thumbprint"], thumbprints);
    let mut device = world.dial_with("x1", &certificate, key);
    device.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
    let (other, key) = certify();
    assert!(world.dial_with("x1", &other, key).poll().await.is_err());
    world.end().await;
}

#[tokio::test]
async fn clients_may_speak_http_2() {
    let mut world = World::start().await;
    world.tls.alpn_protocols = vec![b"h2".to_vec()];
    world.http = reqwest::Client::builder().tls_backend_preconfigured(world.tls.clone()).no_proxy().build().unwrap();
    let version = world.http.get(format!("https://{}/healthz", world.service.host)).send().await.unwrap().version();
    assert_eq!(version, reqwest::Version::HTTP_2);
    world.make("d1").await;
    assert_eq!(world.twin("d1").await.status, StatusCode::OK);
    world.end().await;
}

#[tokio::test]
async fn a_restart_keeps_devices_twins_keys_and_subscriptions() {
    let world = World::start().await;
    let key = world.make("d1").await;
    let written = world.patch("d1", json!({"properties": {"desired": {"a": 1}}}), "*").await.body;
    let mut device = world.connect("d1", &key).await;
    device.subscribe("$iothub/twin/PATCH/properties/desired/#").await;
    let service = world.service.to_connection_string();
    let folder = world.end().await;
    device.is_closed().await;
    drop(device);

    let world = World::start_in(folder).await;
    let ServiceCredential::Key { key: owner, .. } = &world.service.credential else { panic!("a key") };
    assert!(service.reveal().contains(owner.reveal()));
    let twin = world.twin("d1").await.body;
    assert_eq!((&twin["properties"], &twin["etag"]), (&written["properties"], &written["etag"]));
    assert_eq!(twin["connectionState"], json!("Disconnected"));
    assert_ne!(twin["lastActivityTime"], json!("0001-01-01T00:00:00Z"));
    let mut device = world.connect("d1", &key).await;
    world.patch("d1", json!({"properties": {"desired": {"b": 2}}}), "*").await;
    assert_eq!(json_of(&device.receive().await), json!({"b": 2, "$version": 3}));
    world.end().await;
}

#[tokio::test]
async fn two_hubs_do_not_share_a_state_folder_and_its_secrets_are_read_without_one() {
    let world = World::start().await;
    let state = world.folder.path().join("state");
    assert!(matches!(Hub::open(Config::local(&state)).await, Err(HubError::State { .. })));
    let found = offline::service_connection_string(&state, "iothubowner").unwrap();
    assert_eq!(found, world.service.to_connection_string());
    assert_eq!(offline::addresses(&state).unwrap().mqtt.port(), world.mqtt_port);
    assert!(offline::ca_pem_path(&state).is_some());
    assert!(matches!(offline::service_connection_string(&state, "boss"), Err(HubError::NoPolicy(_))));
    let folder = world.end().await;
    assert_eq!(offline::service_connection_string(&state, "iothubowner").unwrap(), found);
    let none = offline::service_connection_string(&folder.path().join("none"), "iothubowner");
    assert!(matches!(none, Err(HubError::NoHub(_))));
}

#[tokio::test]
async fn a_device_is_made_for_its_connection_string() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::open(Config::local(folder.path())).await.unwrap();
    let id = DeviceId::new("d1").unwrap();
    assert!(matches!(hub.device_connection_string(&id, false).await, Err(HubError::Device { .. })));
    let made = hub.device_connection_string(&id, true).await.unwrap();
    let parsed = DeviceConnection::parse(made.reveal()).unwrap();
    assert_eq!((parsed.host, parsed.device_id.as_str()), (hub.hostname().clone(), "d1"));
    assert!(matches!(parsed.credential, DeviceCredential::Key(_)));
    assert_eq!(hub.device_connection_string(&id, false).await.unwrap(), made);
}

#[tokio::test]
async fn a_device_registers_and_connects_to_the_hub_that_it_is_told() {
    let world = World::start().await;
    let scope = offline::id_scope(&world.folder.path().join("state")).unwrap();
    let group = Key::from_bytes(&[7; 32]).unwrap();
    let keys = json!({"primaryKey": group.reveal(), "secondaryKey": group.reveal()});
    let body = json!({"attestation": {"type": "symmetricKey", "symmetricKey": keys},
        "initialTwin": {"properties": {"desired": {"fw": 1}}}});
    assert_eq!(world.ask(Method::PUT, "/enrollmentGroups/g1", &[], body).await.status, StatusCode::OK);

    let key = group.derive("dev-1");
    let visit = |key: &Key| {
        let mut options = MqttOptions::new("dev-1", "localhost", world.mqtt_port);
        let token = sign(&format!("{scope}/registrations/dev-1"), key, FOREVER, Some("registration"));
        options.set_credentials(format!("{scope}/registrations/dev-1/api-version=2019-03-31&ClientVersion=x"), token);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(world.tls.clone()))));
        Device::new(options)
    };
    assert!(visit(&group).poll().await.is_err(), "the group's own key is no device's");
    let mut visitor = visit(&key);
    visitor.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
    visitor.subscribe("$dps/registrations/res/#").await;
    visitor.publish("$dps/registrations/PUT/iotdps-register/?$rid=1", r#"{"registrationId":"dev-1"}"#).await;
    let begun = visitor.receive().await;
    assert_eq!(begun.topic, "$dps/registrations/res/202/?$rid=1&retry-after=1");
    let operation = json_of(&begun)["operationId"].as_str().unwrap().to_owned();
    let poll = format!("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
    visitor.publish(&poll, " ").await;
    let over = visitor.receive().await;
    assert_eq!(over.topic, "$dps/registrations/res/200/?$rid=2");
    let state = json_of(&over)["registrationState"].clone();
    assert_eq!((&state["assignedHub"], &state["deviceId"]), (&json!("localhost"), &json!("dev-1")));

    let _device = world.connect("dev-1", &key).await;
    assert_eq!(world.twin("dev-1").await.body["properties"]["desired"]["fw"], json!(1));
    let folder = world.end().await;
    assert_eq!(offline::id_scope(&folder.path().join("state")).unwrap(), scope);
    let world = World::start_in(folder).await;
    assert_eq!(offline::id_scope(&world.folder.path().join("state")).unwrap(), scope, "it is written into devices");
    world.end().await;
}
