//! Several hubs over one database: real processes, real sockets, a real PostgreSQL.

#![cfg(all(unix, feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod postgres;

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use postgres::Postgres;
use reqwest::{Method, StatusCode};
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions, QoS, TlsConfiguration, Transport, mqttbytes::v4::Publish,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use twinops::iothub::{Key, ServiceConnection, ServiceCredential, sign};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);
const FOREVER: u64 = 4_000_000_000;
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const RESPONSES: &str = "$iothub/twin/res/#";

/// A hub process.
struct Hub {
    folder: tempfile::TempDir,
    process: Child,
    service: ServiceConnection,
    mqtt_port: u16,
    tls: ClientConfig,
    http: reqwest::Client,
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("TWINOPS_HUB_STORE");
    command
}

impl Hub {
    fn start(database: &Postgres) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = program()
            .args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"])
            .arg(folder.path())
            .env("TWINOPS_HUB_STORE", database.url())
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let (mut mqtt, mut ca) = (None, None);
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
                Some(("mqtt", address)) => mqtt = Some(address.rsplit_once(':').unwrap().1.parse().unwrap()),
                Some(("ca", path)) => ca = Some(PathBuf::from(path)),
                _ if line == "ready" => break,
                _ => {}
            }
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca.unwrap()).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).no_proxy().build().unwrap();
        let service = connection_string(&folder);
        Self { folder, process, service, mqtt_port: mqtt.unwrap(), tls, http }
    }

    async fn try_ask(&self, method: Method, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        let ServiceCredential::Key { policy, key } = &self.service.credential else { panic!("a key") };
        let host = &self.service.host;
        let token = sign(&host.to_string(), key, FOREVER, Some(policy));
        let uri = format!("https://{host}{path}?api-version=2021-04-12");
        let mut request = self.http.request(method, uri).header("authorization", token).timeout(PATIENCE);
        if path.starts_with("/devices/") && !body["etag"].is_null() {
            request = request.header("if-match", "*");
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.try_ask(method, path, body).await.unwrap()
    }

    async fn make(&self, id: &str) -> Key {
        let (status, body) = self.ask(Method::PUT, &format!("/devices/{id}"), json!({"deviceId": id})).await;
        assert_eq!(status, StatusCode::OK);
        Key::parse(body["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap()
    }

    async fn desire(&self, id: &str, desired: Value) -> StatusCode {
        let body = json!({"properties": {"desired": desired}});
        self.ask(Method::PATCH, &format!("/twins/{id}"), body).await.0
    }

    async fn twin(&self, id: &str) -> Value {
        self.ask(Method::GET, &format!("/twins/{id}"), Value::Null).await.1
    }

    fn dial(&self, id: &str, key: &Key) -> Device {
        let host = &self.service.host;
        let mut options = MqttOptions::new(id, "localhost", self.mqtt_port);
        let token = sign(&format!("{host}/devices/{id}"), key, FOREVER, None);
        options.set_credentials(format!("{host}/{id}/?api-version=2021-04-12"), token);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(self.tls.clone()))));
        options.set_clean_session(false).set_max_packet_size(1 << 20, 1 << 20);
        let (client, events) = AsyncClient::new(options, 32);
        Device { client, events }
    }

    async fn connect(&self, id: &str, key: &Key) -> Device {
        let mut device = self.dial(id, key);
        device.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
        device
    }

    /// Ends it without a word.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

fn connection_string(folder: &tempfile::TempDir) -> ServiceConnection {
    let said = program().args(["hub", "connection-string", "--state"]).arg(folder.path()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    ServiceConnection::parse(String::from_utf8(said.stdout).unwrap().trim()).unwrap()
}

/// A device's side of a link.
struct Device {
    client: AsyncClient,
    events: EventLoop,
}

impl Device {
    async fn next<T>(&mut self, wanted: impl Fn(Incoming) -> Option<T>) -> T {
        loop {
            let event = timeout(PATIENCE, self.events.poll()).await.expect("something happens in time").unwrap();
            if let Event::Incoming(packet) = event
                && let Some(found) = wanted(packet)
            {
                return found;
            }
        }
    }

    async fn subscribe(&mut self, filter: &str) {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.next(|packet| matches!(packet, Incoming::SubAck(_)).then_some(())).await;
    }

    async fn publish(&self, topic: &str, body: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, body).await.unwrap();
    }

    async fn receive(&mut self) -> Publish {
        self.next(|packet| if let Incoming::Publish(publish) = packet { Some(publish) } else { None }).await
    }

    /// The version of the next desired patch.
    async fn told(&mut self) -> u64 {
        let publish = self.receive().await;
        let body: Value = serde_json::from_slice(&publish.payload).unwrap();
        body["$version"].as_u64().unwrap()
    }

    /// Waits until the other side ends the link.
    async fn is_closed(&mut self) {
        while timeout(PATIENCE, self.events.poll()).await.expect("the link ends in time").is_ok() {}
    }
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn state(hub: &Hub, id: &str) -> Value {
    hub.twin(id).await["connectionState"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_at_one_hub_is_reached_through_the_other() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let mut device = a.connect("d1", &key).await;
    device.subscribe(DESIRED).await;
    assert_eq!((state(&a, "d1").await, state(&b, "d1").await), (json!("Connected"), json!("Connected")));

    // In order, whoever writes.
    let writes = async {
        for n in 0..60 {
            let hub = if n % 3 == 0 { &a } else { &b };
            assert_eq!(hub.desire("d1", json!({"n": n})).await, StatusCode::OK);
        }
    };
    let hears = async {
        for version in 2..62 {
            assert_eq!(device.told().await, version);
        }
    };
    tokio::join!(writes, hears);

    device.subscribe("$iothub/methods/POST/#").await;
    let body = json!({"methodName": "echo", "payload": {"k": 1.0}, "responseTimeoutInSeconds": 20});
    let call = b.ask(Method::POST, "/twins/d1/methods", body);
    let answer = async {
        let asked = device.receive().await;
        let rid = asked.topic.strip_prefix("$iothub/methods/POST/echo/?$rid=").unwrap().to_owned();
        let text = String::from_utf8(asked.payload.to_vec()).unwrap();
        device.publish(&format!("$iothub/methods/res/299/?$rid={rid}"), &text).await;
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    };
    let ((status, body), ()) = tokio::join!(call, answer);
    assert_eq!((status, body), (StatusCode::OK, json!({"status": 299, "payload": {"k": 1.0}})));

    let (_, rows) = b
        .ask(
            Method::POST,
            "/devices/query",
            json!({"query": "SELECT deviceId FROM devices WHERE connectionState = 'Connected'"}),
        )
        .await;
    assert_eq!(rows, json!([{"deviceId": "d1"}]));
    device.client.disconnect().await.unwrap();
    device.is_closed().await;
    until("the other hub sees it go", async || state(&b, "d1").await == json!("Disconnected")).await;
    let (status, _) = b.ask(Method::POST, "/twins/d1/methods", json!({"methodName": "echo"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_waits_for_a_device_to_connect_to_any_hub() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let body = json!({"methodName": "late", "connectTimeoutInSeconds": 20, "responseTimeoutInSeconds": 20});
    let call = a.ask(Method::POST, "/twins/d1/methods", body);
    let answer = async {
        let mut device = b.connect("d1", &key).await;
        device.subscribe("$iothub/methods/POST/#").await;
        let asked = device.receive().await;
        let rid = asked.topic.rsplit_once('=').unwrap().1.to_owned();
        device.publish(&format!("$iothub/methods/res/200/?$rid={rid}"), "null").await;
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
        device
    };
    let ((status, body), _device) = tokio::join!(call, answer);
    assert_eq!((status, body), (StatusCode::OK, json!({"status": 200, "payload": null})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_one_link_among_all_hubs() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let mut first = a.connect("d1", &key).await;
    let mut second = b.connect("d1", &key).await;
    first.is_closed().await;
    second.subscribe(DESIRED).await;
    assert_eq!(a.desire("d1", json!({"x": 1})).await, StatusCode::OK);
    assert_eq!(second.told().await, 2);
    assert_eq!((state(&a, "d1").await, state(&b, "d1").await), (json!("Connected"), json!("Connected")));

    let disable = json!({"deviceId": "d1", "status": "disabled", "etag": "*",
        "authentication": {"symmetricKey": {"primaryKey": key.reveal(), "secondaryKey": key.reveal()}}});
    assert_eq!(a.ask(Method::PUT, "/devices/d1", disable).await.0, StatusCode::OK);
    second.is_closed().await;
    until("it is gone", async || state(&a, "d1").await == json!("Disconnected")).await;
    assert!(timeout(PATIENCE, b.dial("d1", &key).events.poll()).await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_over_one_store_have_one_authority_and_one_set_of_keys() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let read = |hub: &Hub| std::fs::read_to_string(hub.folder.path().join("ca.pem")).unwrap();
    assert_eq!(read(&a), read(&b));
    assert_eq!(a.service.credential, b.service.credential);
    assert_ne!(a.service.host, b.service.host);
    let remembered = std::fs::metadata(a.folder.path().join("hub.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&remembered.permissions()) & 0o077, 0);
    assert!(!a.folder.path().join("hub.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_cannot_use_the_database_says_why_and_not_the_password() {
    let Some(database) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().replace("/postgres", "/none");
    let said = program().args(["hub", "--store", &url, "--state"]).arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(!said.status.success() && text.contains("\"none\" does not exist"), "{text}");
    assert!(!text.contains(Postgres::password()) && !text.contains(url.as_str()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_with_a_hub() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let mut devices = Vec::new();
    for n in 0..5 {
        let id = format!("d{n}");
        let key = b.make(&id).await;
        let mut device = a.connect(&id, &key).await;
        device.subscribe(RESPONSES).await;
        devices.push((id, key, device, 0_u64));
    }
    let silent = b.make("silent").await;
    let _silent = a.connect("silent", &silent).await;
    assert_eq!(state(&b, "silent").await, json!("Connected"));
    for round in 1..=20 {
        for (_, _, device, acknowledged) in &mut devices {
            let body = json!({"n": round}).to_string();
            device.publish(&format!("$iothub/twin/PATCH/properties/reported/?$rid={round}"), &body).await;
            let answer = device.receive().await;
            assert!(answer.topic.starts_with("$iothub/twin/res/204/"), "{}", answer.topic);
            *acknowledged = round;
        }
    }
    a.kill();
    for (id, key, device, acknowledged) in &mut devices {
        assert_eq!(b.twin(id).await["properties"]["reported"]["n"], json!(acknowledged));
        *device = b.connect(id, key).await;
        // The session survives the hub: the subscription holds.
        device.publish("$iothub/twin/GET/?$rid=1", "").await;
        assert_eq!(device.receive().await.topic, "$iothub/twin/res/200/?$rid=1");
        assert_eq!(state(&b, id).await, json!("Connected"));
    }
    until("a dead hub's links are gone", async || state(&b, "silent").await == json!("Disconnected")).await;
    // A letter to nobody does no harm, and another hub can join.
    assert_eq!(b.desire("silent", json!({"x": 1})).await, StatusCode::OK);
    let c = Hub::start(&database);
    let mut device = c.connect("silent", &silent).await;
    device.subscribe(DESIRED).await;
    assert_eq!(b.desire("silent", json!({"x": 2})).await, StatusCode::OK);
    assert_eq!(device.told().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_live_through_the_death_of_the_database() {
    let Some(mut database) = Postgres::start() else { return };
    let hubs = [Hub::start(&database), Hub::start(&database)];
    let key = hubs[0].make("d1").await;
    let mut device = hubs[0].connect("d1", &key).await;
    device.subscribe(DESIRED).await;
    let mut acknowledged = [0_u64; 2];
    let write = async |hub: usize, n: u64| {
        let name = ["a", "b"][hub];
        let body = json!({"properties": {"desired": {name: n}}});
        hubs[hub].try_ask(Method::PATCH, "/twins/d1", body).await.map(|(status, _)| status)
    };
    for n in 1..=20 {
        for (hub, last) in acknowledged.iter_mut().enumerate() {
            assert_eq!(write(hub, n).await, Some(StatusCode::OK));
            *last = n;
        }
    }
    database.kill();
    for hub in 0..2 {
        let status = write(hub, 1000).await;
        assert!(status.is_some_and(|status| status.is_server_error()), "{status:?}");
    }
    database.serve();
    for (hub, last) in acknowledged.iter_mut().enumerate() {
        until("the hub writes again", async || write(hub, 2000).await == Some(StatusCode::OK)).await;
        *last = 2000;
    }
    for hub in &hubs {
        let desired = &hub.twin("d1").await["properties"]["desired"];
        assert_eq!((&desired["a"], &desired["b"]), (&json!(acknowledged[0]), &json!(acknowledged[1])));
    }
    // The link was never cut, and hears of what both hubs wrote, in order.
    let (mut last, current) = (0, hubs[0].twin("d1").await["properties"]["desired"]["$version"].as_u64().unwrap());
    while last < current {
        let version = device.told().await;
        assert!(version > last);
        last = version;
    }
    assert_eq!((state(&hubs[1], "d1").await, last), (json!("Connected"), current));
}
