//! Hubs as processes, and devices that talk to them.

#[path = "../support/device.rs"]
mod device;

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use device::FOREVER;
pub(crate) use device::{Device, PATIENCE};
use reqwest::{Method, Response, StatusCode};
use rumqttc::{Incoming, mqttbytes::v4::Publish};
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use twinops::iothub::{Key, ServiceConnection, ServiceCredential, sign};

use crate::postgres::Postgres;

pub(crate) const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
pub(crate) const RESPONSES: &str = "$iothub/twin/res/#";

/// A hub process.
pub(crate) struct Hub {
    pub(crate) folder: tempfile::TempDir,
    process: Child,
    pub(crate) service: ServiceConnection,
    mqtt_port: u16,
    tls: ClientConfig,
    http: reqwest::Client,
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("TWINOPS_HUB_STORE");
    command
}

impl Hub {
    pub(crate) fn start(database: &Postgres) -> Self {
        Self::start_at(&database.url())
    }

    /// With this address of the store.
    pub(crate) fn start_at(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = program()
            .args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"])
            .arg(folder.path())
            .env("TWINOPS_HUB_STORE", store)
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
        let tls = device::client(&ca.unwrap()).with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).no_proxy().build().unwrap();
        let service = connection_string(&folder);
        Self { folder, process, service, mqtt_port: mqtt.unwrap(), tls, http }
    }

    /// The answer as it comes; nothing when there is none.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Option<Response> {
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
        request.send().await.ok()
    }

    pub(crate) async fn try_ask(&self, method: Method, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        let response = self.send(method, path, &body).await?;
        let status = response.status();
        let text = response.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.try_ask(method, path, body).await.unwrap()
    }

    pub(crate) async fn make(&self, id: &str) -> Key {
        let (status, body) = self.ask(Method::PUT, &format!("/devices/{id}"), json!({"deviceId": id})).await;
        assert_eq!(status, StatusCode::OK);
        Key::parse(body["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap()
    }

    pub(crate) async fn desire(&self, id: &str, desired: Value) -> StatusCode {
        let body = json!({"properties": {"desired": desired}});
        self.ask(Method::PATCH, &format!("/twins/{id}"), body).await.0
    }

    pub(crate) async fn twin(&self, id: &str) -> Value {
        self.ask(Method::GET, &format!("/twins/{id}"), Value::Null).await.1
    }

    pub(crate) fn dial(&self, id: &str, key: &Key) -> Device {
        let mut options = device::options(&self.service.host, self.mqtt_port, &self.tls, id, key);
        options.set_clean_session(false);
        Device::new(options)
    }

    pub(crate) async fn connect(&self, id: &str, key: &Key) -> Device {
        let mut device = self.dial(id, key);
        device.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
        device
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn close(mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    /// The same while others talk to it.
    pub(crate) fn kill_now(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
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

impl Device {
    pub(crate) async fn receive(&mut self) -> Publish {
        self.next(|packet| if let Incoming::Publish(publish) = packet { Some(publish) } else { None }).await
    }

    /// The version of the next desired patch.
    pub(crate) async fn told(&mut self) -> u64 {
        let publish = self.receive().await;
        let body: Value = serde_json::from_slice(&publish.payload).unwrap();
        body["$version"].as_u64().unwrap()
    }

    /// Waits until the other side ends the link.
    pub(crate) async fn is_closed(&mut self) {
        while self.poll().await.is_ok() {}
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn state(hub: &Hub, id: &str) -> Value {
    hub.twin(id).await["connectionState"].clone()
}
