//! A hub as a process that can be killed, and its clients.

#[path = "../support/device.rs"]
mod device;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use device::FOREVER;
pub(crate) use device::{Device, PATIENCE};
use reqwest::{Method, StatusCode};
use rumqttc::{Event, Incoming};
use rustls::ClientConfig;
use serde_json::{Value, json};
use twinops::iothub::{HostName, Key, ServiceConnection, ServiceCredential, sign};

const RESPONSES: &str = "$iothub/twin/res/#";

/// What the log says of an end in disorder, and of what was found after it.
pub(crate) const DISORDER: &str = "the hub was not stopped in good order";
pub(crate) const SOUND: &str = "the store is sound";

/// Killed with the test.
pub(crate) struct Hub {
    pub(crate) state: PathBuf,
    pub(crate) service: Service,
    process: Child,
    mqtt_port: u16,
    log: tempfile::NamedTempFile,
}

impl Hub {
    /// Starts one; what it says when it does not start.
    pub(crate) fn try_start(state: &Path) -> Result<Self, String> {
        // Not beside the state, whose disk may be full.
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut process = twinops()
            .args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        let said: Vec<String> = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| line != "ready")
            .collect();
        let find = |word| said.iter().find_map(|line| line.strip_prefix(word)).map(str::trim);
        let Some(mqtt) = find("mqtt") else {
            assert!(!process.wait().unwrap().success());
            return Err(fs::read_to_string(log.path()).unwrap());
        };
        let mqtt_port = mqtt.rsplit_once(':').unwrap().1.parse().unwrap();
        let host = find("rest").unwrap().split_once("https://").unwrap().1.split(' ').next().unwrap();
        let service = Service::new(state, host.parse().unwrap());
        Ok(Self { state: state.to_owned(), service, process, mqtt_port, log })
    }

    pub(crate) fn start(state: &Path) -> Self {
        Self::try_start(state).unwrap_or_else(|said| panic!("the hub does not start: {said}"))
    }

    /// Without a chance to say goodbye.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// In good order.
    pub(crate) fn stop(mut self) {
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        assert!(self.process.wait().unwrap().success(), "{}", self.log());
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// Connects as a device, which listens to the answers to what it reports.
    pub(crate) async fn connect(&self, id: &str, key: &Key) -> Device {
        let options = device::options(&self.service.host, self.mqtt_port, &self.service.tls, id, key);
        let mut device = Device::new(options);
        device.subscribe(RESPONSES).await;
        device
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// The REST side of a hub; every clone that is [`Service::apart`] has connections of its own.
#[derive(Clone)]
pub(crate) struct Service {
    host: HostName,
    credential: ServiceCredential,
    tls: ClientConfig,
    http: reqwest::Client,
}

/// What a REST request was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) errorcode: Option<String>,
    pub(crate) body: Value,
}

impl Service {
    fn new(state: &Path, host: HostName) -> Self {
        let said = run(&["connection-string"], state);
        let connection = ServiceConnection::parse(String::from_utf8(said.stdout).unwrap().trim()).unwrap();
        let tls = device::client(&state.join("ca.pem")).with_no_client_auth();
        let http = http(&tls);
        Self { host, credential: connection.credential, tls, http }
    }

    pub(crate) fn apart(&self) -> Self {
        Self { http: http(&self.tls), ..self.clone() }
    }

    /// Nothing when the hub is gone before it has answered.
    pub(crate) async fn try_ask(&self, method: Method, path: &str, body: &Value) -> Option<Answer> {
        let ServiceCredential::Key { policy, key } = &self.credential else { panic!("a key") };
        let token = sign(&self.host.to_string(), key, FOREVER, Some(policy));
        let uri = format!("https://{}{path}?api-version=2021-04-12", self.host);
        let mut request = self.http.request(method, uri).header("authorization", token).timeout(PATIENCE);
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let errorcode = response.headers().get("iothub-errorcode").map(|code| code.to_str().unwrap().to_owned());
        let text = response.text().await.ok()?;
        Some(Answer { status, errorcode, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.try_ask(method, path, body).await.unwrap()
    }

    /// Makes a device; its key.
    pub(crate) async fn make(&self, id: &str) -> Key {
        let made = self.ask(Method::PUT, &format!("/devices/{id}"), &json!({"deviceId": id})).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        Key::parse(made.body["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap()
    }

    pub(crate) async fn patch(&self, id: &str, body: &Value) -> Option<Answer> {
        self.try_ask(Method::PATCH, &format!("/twins/{id}"), body).await
    }

    pub(crate) async fn twin(&self, id: &str) -> Value {
        self.ask(Method::GET, &format!("/twins/{id}"), &Value::Null).await.body
    }
}

fn http(tls: &ClientConfig) -> reqwest::Client {
    reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).no_proxy().build().unwrap()
}

impl Device {
    /// Sends a patch of the reported properties under a number, without waiting for its answer.
    pub(crate) fn report(&self, number: u64, body: &Value) -> impl Future<Output = ()> + use<> {
        let topic = format!("$iothub/twin/PATCH/properties/reported/?$rid={number}");
        self.publish(&topic, &body.to_string())
    }

    /// The next answer: its status, the number of the patch, and the version that it made. Nothing when the hub is gone.
    pub(crate) async fn answer(&mut self) -> Option<(u16, u64, Option<u64>)> {
        loop {
            if let Event::Incoming(Incoming::Publish(publish)) = self.poll().await.ok()? {
                let (status, parameters) =
                    publish.topic.strip_prefix("$iothub/twin/res/").unwrap().split_once("/?$rid=").unwrap();
                let (number, version) = match parameters.split_once("&$version=") {
                    Some((number, version)) => (number, Some(version.parse().unwrap())),
                    None => (parameters, None),
                };
                return Some((status.parse().unwrap(), number.parse().unwrap(), version));
            }
        }
    }
}

fn twinops() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("TWINOPS_HUB_STORE").env_remove("TWINOPS_LOG");
    command
}

/// A command that has to do with the hub of a folder, and succeeds.
pub(crate) fn run(words: &[&str], state: &Path) -> Output {
    let output = twinops().arg("hub").args(words).arg("--state").arg(state).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
