//! A device with the Windows IoT Azure DM client, as far as its twin is concerned (Windows reference 1, 3.1 to 3.4): it
//! takes what arrives of a component for all there is of it, fills in what is missing, and chokes on `null`.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use rumqttc::{Client, Connection, Event, Incoming, MqttOptions, Publish, QoS, TlsConfiguration, Transport};
use serde_json::{Map, Value, json};
use twinops::iothub::{DeviceConnection, DeviceCredential, sign};

use super::super::stage::Stage;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// An expiry that no test sees, in seconds since 1970.
const FOREVER: u64 = 4_000_000_000;

/// What became of one component that arrived.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) component: String,
    /// As it arrived.
    pub(crate) received: Value,
    /// `pending` for one that is being replaced, `completed` or `failed`.
    pub(crate) state: &'static str,
}

/// The device; it goes with its owner.
pub(crate) struct DmClient {
    told: mpsc::Receiver<Told>,
    link: Client,
    thread: Option<JoinHandle<()>>,
}

impl DmClient {
    /// Connects, fetches the twin and obeys.
    pub(crate) fn start(stage: &Stage, device: &str) -> Self {
        let connection = DeviceConnection::parse(&stage.device_connection(device)).unwrap();
        let DeviceCredential::Key(key) = &connection.credential else { panic!("a key") };
        let (host, port) = stage.mqtt.rsplit_once(':').unwrap();
        let mut options = MqttOptions::new(device, host, port.parse().unwrap());
        let user = &connection.host;
        let token = sign(&format!("{user}/devices/{device}"), key, FOREVER, None);
        options.set_credentials(format!("{user}/{device}/?api-version=2021-04-12"), token);
        let ca = fs::read(stage.ca()).unwrap();
        options.set_transport(Transport::Tls(TlsConfiguration::Simple { ca, alpn: None, client_auth: None }));
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (link, connection) = Client::new(options, 64);
        let (tell, told) = mpsc::channel();
        let mut session = Session::new(link.clone(), connection, tell);
        let thread = std::thread::spawn(move || session.run());
        Self { told, link, thread: Some(thread) }
    }

    /// The next component that the device is done with.
    pub(crate) fn next(&self) -> Told {
        self.told.recv_timeout(PATIENCE).expect("a component arrives")
    }
}

impl Drop for DmClient {
    fn drop(&mut self) {
        // The hub may be gone.
        let _ = self.link.disconnect();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

struct Session {
    link: Client,
    connection: Connection,
    tell: mpsc::Sender<Told>,
    waiting: VecDeque<Publish>,
    /// The last `$version` that was seen.
    version: Option<u64>,
    installed: BTreeSet<String>,
}

impl Session {
    fn new(link: Client, connection: Connection, tell: mpsc::Sender<Told>) -> Self {
        let (waiting, installed) = (VecDeque::new(), BTreeSet::new());
        Self { link, connection, tell, waiting, version: None, installed }
    }

    fn run(&mut self) {
        for filter in ["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"] {
            self.link.subscribe(filter, QoS::AtLeastOnce).unwrap();
        }
        self.fetch();
        while let Some(message) = self.waiting.pop_front().or_else(|| self.hear()) {
            let patch: Map<String, Value> = serde_json::from_slice(&message.payload).unwrap();
            let version = patch["$version"].as_u64().unwrap();
            // A patch without `windows` is passed over with its version: the next one then looks like a gap.
            let (Some(windows), Some(last)) = (patch.get("windows"), self.version) else { continue };
            match version {
                seen if seen <= last => {}
                next if next == last + 1 => self.apply(windows, version),
                _ => self.fetch(),
            }
        }
    }

    fn fetch(&mut self) {
        let twin = self.ask("$iothub/twin/GET/?$rid=1", "");
        let version = twin["desired"]["$version"].as_u64().unwrap();
        self.apply(&twin["desired"]["windows"], version);
    }

    /// Nothing is tried again: the version counts as seen whatever comes of it.
    fn apply(&mut self, windows: &Value, version: u64) {
        self.version = Some(version);
        for (component, value) in windows.as_object().into_iter().flatten() {
            self.report(component, &json!({ "lastChange": "refreshing" }));
            self.report(component, &json!({ "lastChange": { "state": "pending" } }));
            let state = if value == "refreshing" { "pending" } else { self.handle(component, value) };
            // Whoever listens may have heard enough.
            let _ = self.tell.send(Told { component: component.clone(), received: value.clone(), state });
        }
    }

    fn handle(&mut self, component: &str, value: &Value) -> &'static str {
        let done = match component {
            "timeService" => time_service(value),
            "windowsTelemetry" => telemetry(value),
            "certificates" => self.certificates(value),
            other => panic!("`{other}` is not part of this device"),
        };
        let (state, said) = match done {
            Some(said) => ("completed", said),
            None => ("failed", json!({})),
        };
        self.report(component, &said);
        self.report(component, &json!({ "lastChange": { "state": state, "errContext": if state == "failed" { json!("invalid value") } else { Value::Null } } }));
        state
    }

    /// All eight stores have to be there, and every entry has to be one.
    fn certificates(&mut self, value: &Value) -> Option<Value> {
        let stores = value.as_object().filter(|stores| stores.len() == 8)?;
        for (store, entries) in stores {
            for (print, entry) in entries.as_object()? {
                let key = format!("{store}/{}", print.to_uppercase());
                match entry.as_object()?.get("state")?.as_str()? {
                    "installed" => _ = self.installed.insert(key),
                    _ => _ = self.installed.remove(&key),
                }
            }
        }
        self.report_over("certificates");
        let prints = |store: &str| {
            let of_store = self.installed.iter().filter_map(|key| key.strip_prefix(store)?.strip_prefix('/'));
            of_store.map(|print| (print.to_owned(), json!(""))).collect::<Map<_, _>>()
        };
        Some(stores.keys().map(|store| (store.clone(), Value::Object(prints(store)))).collect())
    }

    fn report(&mut self, component: &str, said: &Value) {
        let patch = json!({ "windows": { component: said } });
        self.ask("$iothub/twin/PATCH/properties/reported/?$rid=2", &patch.to_string());
    }

    /// Lists are replaced: the word first.
    fn report_over(&mut self, component: &str) {
        self.report(component, &json!("refreshing"));
    }

    /// Publishes and awaits the answer.
    fn ask(&mut self, topic: &str, body: &str) -> Value {
        self.link.publish(topic, QoS::AtLeastOnce, false, body).unwrap();
        loop {
            let message = self.hear().expect("the hub answers");
            if message.topic.starts_with("$iothub/twin/res/") {
                assert!(message.topic.starts_with("$iothub/twin/res/20"), "{}", message.topic);
                return serde_json::from_slice(&message.payload).unwrap_or_default();
            }
            self.waiting.push_back(message);
        }
    }

    /// The next message; `None` when the link has ended.
    fn hear(&mut self) -> Option<Publish> {
        loop {
            match self.connection.recv().ok()?.ok()? {
                Event::Incoming(Incoming::Publish(message)) => return Some(message),
                Event::Outgoing(rumqttc::Outgoing::Disconnect) => return None,
                _ => {}
            }
        }
    }
}

/// A text that is missing is `<not found>`, and what is not `yes` stops the service.
fn time_service(value: &Value) -> Option<Value> {
    let text = |name: &str| match value.as_object()?.get(name) {
        None => Some("<not found>".to_owned()),
        Some(found) => found.as_str().map(str::to_owned),
    };
    let started = if text("started")? == "yes" { "yes" } else { "no" };
    Some(json!({ "enabled": text("enabled")?, "startup": text("startup")?, "started": started }))
}

fn telemetry(value: &Value) -> Option<Value> {
    let level = value.as_object()?.get("level")?.as_str()?;
    ["security", "basic", "enhanced", "full"].contains(&level).then(|| json!({ "level": level }))
}
