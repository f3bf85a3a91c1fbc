//! Simulated devices as a hub sees them, beside the agent.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};
use twinops::{
    agent::{self, MqttAddress, Platform, Profile},
    client::{HubClient, Options},
    hub::{Config, Hub},
    iothub::{DeviceConnection, ServiceConnection},
    reconcile::{self, Patience, Standing, ports::TwinRead as _, ports::TwinWrite as _},
    task::Stop,
    twin::{DeviceId, Map, TwinRow},
};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_mins(1);

struct World {
    folder: tempfile::TempDir,
    ca: PathBuf,
    service: String,
    client: HubClient,
    mqtt: u16,
    plain: u16,
    stop: Stop,
    running: JoinHandle<()>,
}

impl World {
    /// A hub with devices that have these desired properties; the connection strings of all in a file.
    async fn start(devices: &[(&str, &Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = Some(([127, 0, 0, 1], 0).into());
        let config = Config { mqtt_plain: plain, drain: Duration::ZERO, ..Config::local(folder.path().join("hub")) };
        let hub = Hub::open(config).await.unwrap();
        let mut keys = String::new();
        for (id, desired) in devices {
            let (id, none) = (DeviceId::new(id).unwrap(), Map::new());
            let device = hub.seed(&id, &none, desired.as_object().unwrap(), &none).await.unwrap();
            keys = keys + device.reveal() + "\n";
        }
        fs::write(folder.path().join("keys"), keys).unwrap();
        let service = hub.service_connection_string("iothubowner").unwrap().reveal().to_owned();
        let ca = hub.ca_pem_path().unwrap().to_owned();
        let options = Options { ca: Some(ca.clone()), ..Options::default() };
        let client = HubClient::connect(&ServiceConnection::parse(&service).unwrap(), options).unwrap();
        let (mqtt, plain) = (hub.addresses().mqtt.port(), hub.plain_address().unwrap().port());
        let stop = Stop::new();
        let running = tokio::spawn(hub.run(stop.clone()));
        Self { folder, ca, service, client, mqtt, plain, stop, running }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// Starts `twinops simulate` with these words.
    fn simulate(&self, words: &[&str], profile: Option<&str>) -> Simulation {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command.args(["simulate", "--format", "json", "--every", "20ms"]).args(words);
        if let Some(text) = profile {
            let path = self.folder.path().join("profile.yaml");
            fs::write(&path, text).unwrap();
            command.arg("--profile").arg(path);
        }
        command.env("IOTHUB_CONNECTION_STRING", &self.service).env("TWINOPS_CA", &self.ca);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Simulation { child, lines }
    }

    /// What two devices report, once `is_there` says so of both.
    async fn reported(&self, ids: [&str; 2], is_there: impl Fn(&Value) -> bool + Sync) -> [Value; 2] {
        let reported = |row: &TwinRow<'_>| Value::Object(row.properties.reported.values().unwrap());
        let standing = |row: &TwinRow<'_>| if is_there(&reported(row)) { Standing::Done } else { Standing::Waiting };
        let patience = Patience {
            total: LIMIT,
            first: Duration::from_millis(10),
            longest: Duration::from_millis(50),
            settled: Duration::ZERO,
        };
        let ids = ids.map(|id| DeviceId::new(id).unwrap());
        let came = reconcile::converge(&self.client, ids.clone(), &standing, patience, &|_, _| (), &self.stop).await;
        assert_eq!(came.unwrap().done.len(), 2, "both answer");
        let mut both = Vec::new();
        for id in &ids {
            let text = self.client.twin(id).await.unwrap().unwrap();
            both.push(reported(&TwinRow::parse(std::str::from_utf8(&text.0).unwrap()).unwrap()));
        }
        both.try_into().unwrap()
    }

    async fn count(&self) -> usize {
        let mut found = 0;
        let pages = self.client.twins("SELECT * FROM devices");
        futures_util::pin_mut!(pages);
        while let Some(page) = futures_util::StreamExt::next(&mut pages).await {
            page.unwrap().for_each(|_| found += 1).unwrap();
        }
        found
    }

    async fn end(self) {
        self.stop.request();
        timeout(LIMIT, self.running).await.unwrap().unwrap();
    }
}

struct Simulation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Simulation {
    /// The next event that fits.
    async fn event(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let next = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("it goes on");
                let event: Value = serde_json::from_str(&line).unwrap();
                if fits(&event) {
                    return event;
                }
            }
        };
        timeout(LIMIT, next).await.expect("it happens in time")
    }

    /// Presses Ctrl-C; the last event and the exit code.
    async fn interrupt(mut self) -> (Value, Option<i32>) {
        let id = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let ended = self.event(|event| event["event"] == "ended").await;
        (ended, timeout(LIMIT, self.child.wait()).await.unwrap().unwrap().code())
    }
}

/// What depends on who the device is and on when it spoke is left out.
fn comparable(mut reported: Value) -> Value {
    // Nothing can be commanded of a device that is only played.
    let commands = &["twinops", "capabilities", "commands"][..];
    for path in [&["deviceInfo"][..], &["windows", "deviceInfo"], &["twinops", "summary", "at"], commands] {
        let (last, above) = path.split_last().unwrap();
        let place = above.iter().try_fold(&mut reported, |place, key| place.get_mut(*key));
        assert!(place.unwrap().as_object_mut().unwrap().remove(*last).is_some(), "{path:?} is reported");
    }
    for section in reported["windows"].as_object_mut().unwrap().values_mut() {
        section["lastChange"].as_object_mut().unwrap().remove("time").expect("the time of the change");
    }
    reported
}

async fn play_agent(connection: &str, world: &World, stop: Stop) {
    let connection = DeviceConnection::parse(connection).unwrap();
    let platform = Platform::Simulated(Profile::default());
    let mut config = agent::Config::new(connection, world.folder.path().join("agent"), platform);
    config.mqtt = Some(MqttAddress { host: "localhost".to_owned(), port: world.mqtt });
    config.ca = Some(world.ca.clone());
    agent::run(config, stop).await.unwrap();
}

#[tokio::test]
async fn a_simulated_device_answers_as_the_agent_does() {
    let desired = json!({
        "time": { "__t": "c", "timeZone": "Europe/Berlin", "ntp": { "servers": ["ntp.example"] } },
        "deviceInfo": { "__t": "c", "model": "cannot be set" },
        "lobby": { "__t": "c", "greeting": { "text": "hello", "size": 3 } },
        "brightness": 80,
        "windows": { "timeInfo": { "timeZoneBias": 60 }, "deviceInfo": {} },
        "twinops": { "__t": "c", "revision": "1".repeat(40), "policy": { "time": { "onDrift": "report" } } }
    });
    let world = World::start(&[("played", &desired), ("real", &desired)]).await;
    let keys = fs::read_to_string(world.keys()).unwrap();
    let (address, file, ends) = (format!("localhost:{}", world.mqtt), world.keys(), Stop::new());
    let words = ["--keys", file.to_str().unwrap(), "--devices", "1", "--mqtt", &address];
    let mut simulation = world.simulate(&words, None);
    let look = async {
        let answered = |reported: &Value| reported["twinops"]["revision"]["ac"].as_u64().is_some_and(|ac| ac != 202);
        let [played, real] = world.reported(["played", "real"], answered).await;
        assert_eq!(played["time"]["timeZone"], json!({ "value": "Europe/Berlin", "ac": 200, "av": 2 }));
        assert_eq!(comparable(played), comparable(real));
        let patch = json!({ "properties": { "desired": {
            "time": { "timeZone": "Nowhere/Land" }, "lobby": null, "brightness": 81
        } } });
        let patch = serde_json::value::to_raw_value(&patch).unwrap();
        for id in ["played", "real"] {
            world.client.patch(&DeviceId::new(id).unwrap(), "*", &patch).await.unwrap();
        }
        let answered = |reported: &Value| {
            reported["time"]["timeZone"]["ac"] == 400 && reported["brightness"] == 81 && reported.get("lobby").is_none()
        };
        let [played, real] = world.reported(["played", "real"], answered).await;
        assert_eq!(comparable(played), comparable(real));
        ends.request();
    };
    tokio::join!(look, play_agent(keys.lines().nth(1).unwrap(), &world, ends.clone()));
    simulation.event(|event| event["failed"] == 1).await;
    simulation.interrupt().await;
    world.end().await;
}

#[tokio::test]
async fn devices_are_made_and_removed_and_leave_at_ctrl_c() {
    let world = World::start(&[("kiosk-003", &json!({}))]).await;
    let address = format!("localhost:{}", world.mqtt);
    let words = ["--devices", "20", "--id", "kiosk-{:03}", "--create", "--delete", "--mqtt", &address];
    let mut simulation = world.simulate(&words, Some("tags: { role: kiosk }\n"));
    let started = simulation.event(|event| event["event"] == "started").await;
    assert_eq!((&started["devices"], &started["created"]), (&json!(20), &json!(19)));
    simulation.event(|event| event["settled"] == 20).await;
    assert_eq!(world.count().await, 20);
    let twin = world.client.twin(&DeviceId::new("kiosk-019").unwrap()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&twin.0).contains(r#""tags":{"role":"kiosk"}"#));
    let (ended, code) = simulation.interrupt().await;
    assert_eq!((&ended["deleted"], &ended["lost"], code), (&json!(19), &json!(0), Some(0)));
    assert_eq!(world.count().await, 1, "the one that was there before stays");
    world.end().await;
}

#[tokio::test]
async fn a_profile_is_played_and_methods_are_answered() {
    let desired = json!({ "time": { "__t": "c", "timeZone": "UTC" }, "lobby": { "__t": "c", "text": "x" } });
    let world = World::start(&[("d-0", &desired), ("d-1", &desired)]).await;
    let address = format!("mqtt://127.0.0.1:{}", world.plain);
    let profile = "\
apply: 600ms
reject: { share: 100%, components: [time] }
fail: { share: 100%, components: [lobby.text] }
methods: { reboot: { status: 202, payload: { accepted: true } } }
";
    let mut simulation = world.simulate(&["--devices", "2", "--id", "d-{}", "--mqtt", &address], Some(profile));
    // Still at work, and told so.
    simulation.event(|event| event["reports"] == 2 && event["connected"] == 2 && event["failed"] == 0).await;
    simulation.event(|event| event["failed"] == 2).await;
    let [reported, _] = world.reported(["d-0", "d-1"], |reported| reported["lobby"]["text"]["ac"] == 500).await;
    assert_eq!(reported["time"]["timeZone"]["ac"], 403);
    assert_eq!(reported["twinops"]["summary"]["failed"], json!(["lobby", "time"]));
    let id = DeviceId::new("d-0").unwrap();
    let ask = |method: &'static str| {
        let (client, id) = (&world.client, &id);
        async move { client.invoke_method(id, method, &Value::Null, Duration::ZERO, Duration::from_secs(20)).await.unwrap() }
    };
    let answer = ask("reboot").await;
    assert_eq!((answer.status, answer.payload), (202, json!({ "accepted": true })));
    assert_eq!(ask("twinops*recheck").await.payload, json!({ "failed": ["lobby", "time"] }));
    assert_eq!(ask("dance").await.status, 501);
    simulation.event(|event| event["methods"] == 3).await;
    simulation.interrupt().await;
    world.end().await;
}

#[tokio::test]
async fn devices_that_flap_come_back_and_those_that_are_offline_do_not() {
    let world = World::start(&[]).await;
    let address = format!("mqtt://127.0.0.1:{}", world.plain);
    let profile = "offline: 40%\nflapping: { share: 100%, connected: 40ms, away: 20ms }\n";
    let mut simulation = world.simulate(&["--devices", "20", "--create", "--mqtt", &address], Some(profile));
    simulation.event(|event| event["connects"].as_u64().is_some_and(|connects| connects > 100)).await;
    let (ended, _) = simulation.interrupt().await;
    assert!(ended["away"].as_u64().is_some_and(|away| (1..20).contains(&away)), "{ended}");
    assert_eq!(ended["lost"], 0);
    world.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let world = World::start(&[]).await;
    let simulate = |words: &'static [&str], profile: &'static str| {
        let path = world.folder.path().join("wrong.yaml");
        fs::write(&path, profile).unwrap();
        said(path, words, &world)
    };
    let text = simulate(&[], "slow: { share: 5% }\n").await;
    assert!(text.contains("wrong.yaml: slow: missing field `apply` at line 1"), "{text}");
    let text = simulate(&["--devices", "1"], "").await;
    assert!(text.contains("does not know `simulated-00000`") && text.contains("--create"), "{text}");
    let text = simulate(&["--devices", "1", "--create", "--mqtt", "mqtt://127.0.0.1:1", "--for", "1s"], "").await;
    assert!(text.contains("no device was let in: `127.0.0.1:1` cannot be reached: Connection refused"), "{text}");
    world.end().await;
}

async fn said(profile: PathBuf, words: &[&str], world: &World) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.arg("simulate").arg("--profile").arg(&profile as &Path).args(words);
    command.env("IOTHUB_CONNECTION_STRING", &world.service).env("TWINOPS_CA", &world.ca);
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
