//! A real hub, and agents of made-up devices in this process.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::timeout};
use twinops::{
    agent::{self, AgentError, Config, Identity, Platform, Profile, Provisioning},
    hub,
    iothub::{DeviceConnection, DeviceCredential, Key},
    task::Stop,
};

use crate::world::{PATIENCE, World};

pub(crate) struct Stage {
    pub(crate) world: World,
}

/// An agent that runs.
pub(crate) struct Agent {
    stop: Stop,
    running: JoinHandle<Result<(), AgentError>>,
}

impl Agent {
    pub(crate) fn start(config: Config) -> Self {
        let stop = Stop::new();
        Self { running: tokio::spawn(agent::run(config, stop.clone())), stop }
    }

    pub(crate) async fn end(self) {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = hub::Config::local(folder.path().join("hub"));
        Self { world: World::open(folder, config).await }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.folder.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        hub::offline::ca_pem_path(&self.path("hub")).unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        let answer = self.world.ask(Method::PUT, path, &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// Registers a device, or a module `device/modules/module`, with a key.
    pub(crate) async fn with_key(&self, id: &str) -> DeviceConnection {
        let made = self.put(&format!("/devices/{id}"), json!({})).await;
        let key = Key::parse(made["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap();
        self.connection(id, DeviceCredential::Key(key))
    }

    pub(crate) fn connection(&self, id: &str, credential: DeviceCredential) -> DeviceConnection {
        let (device, module) = id.split_once("/modules/").map_or((id, None), |(device, module)| (device, Some(module)));
        DeviceConnection {
            host: self.world.service.host.clone(),
            gateway: None,
            device_id: device.to_owned(),
            module_id: module.map(str::to_owned),
            credential,
        }
    }

    /// A made-up device that keeps its state in a folder of this name.
    pub(crate) fn config(&self, identity: impl Into<Identity>, name: &str) -> Config {
        let mut config = Config::new(identity, self.path(name), Platform::Simulated(Profile::default()));
        config.ca = Some(self.ca());
        config.mqtt = Some(format!("localhost:{}", self.world.mqtt_port).parse().unwrap());
        config
    }

    /// One that asks where it belongs.
    pub(crate) fn config_of(&self, asking: Provisioning) -> Config {
        self.config(Identity::Provisioned(asking), "state")
    }

    /// Asks again until the hub has the device; the test's own time limit ends it otherwise.
    pub(crate) async fn until_known(&self, id: &str) {
        while self.world.ask(Method::GET, &format!("/devices/{id}"), &[], Value::Null).await.status != StatusCode::OK {}
    }

    pub(crate) async fn desire(&self, id: &str, desired: Value) {
        let body = json!({"properties": {"desired": desired}});
        let answer = self.world.ask(Method::PATCH, &format!("/twins/{id}"), &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    /// What the agent reports once it has seen to everything; waits for it to connect.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let call =
            json!({"methodName": "twinops*recheck", "connectTimeoutInSeconds": 30, "responseTimeoutInSeconds": 30});
        let path = format!("/twins/{id}");
        loop {
            let answer = self.world.ask(Method::POST, &format!("{path}/methods"), &[], call.clone()).await;
            // A call that reaches the device as it leaves a connection finds nobody.
            if answer.status == StatusCode::OK {
                assert_eq!(answer.body["status"], 200, "{}", answer.body);
                break;
            }
        }
        let twin = self.world.ask(Method::GET, &path, &[], Value::Null).await;
        twin.body["properties"]["reported"].clone()
    }

    /// Declares a value and sees that the agent has it.
    pub(crate) async fn is_served(&self, id: &str) {
        self.desire(id, json!({"lamp": {"__t": "c", "level": 7}})).await;
        let reported = self.settled(id).await;
        assert_eq!(reported["lamp"]["level"]["ac"], 200, "{reported}");
    }
}
