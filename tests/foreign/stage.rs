//! A hub with a victim, and with others who have credentials of their own.

use std::{fs, net::SocketAddr, path::PathBuf};

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode};
use rumqttc::{Event, Incoming};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use twinops::{
    hub::{Config, ConnectionLimits, EventFile, EventKind, EventTarget, Events, offline},
    iothub::{Key, ServiceConnection, ServiceCredential, sign},
};

use crate::{
    wire::{self, Tls},
    world::{Device, FOREVER, PATIENCE, World},
};

/// Where the victim speaks, with a property that tells it from others who would speak in its name.
const OWN: &str = "devices/victim/messages/events/is=victim";

/// What there is and should stay as it is.
const THINGS: &[&str] = &[
    "/devices",
    "/devices/victim",
    "/devices/victim/modules",
    "/devices/mine/modules",
    "/twins/victim",
    "/twins/victim/modules/m1",
    "/configurations",
    "/certificates",
    "/jobs/v2/query",
    "/statistics/devices",
    "/enrollments/victim",
    "/enrollmentGroups/group",
];

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) id_scope: String,
    pub(crate) http: SocketAddr,
    pub(crate) victim: Device,
    home: PathBuf,
    events: PathBuf,
    things: Vec<Value>,
}

/// How packets of MQTT get to the hub.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Mqtt,
    WebSocket,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Mqtt, Self::WebSocket];
}

pub(crate) enum Link {
    Mqtt(Box<Tls>),
    WebSocket(Box<WebSocketStream<Tls>>),
}

impl Link {
    pub(crate) async fn send(&mut self, packet: Vec<u8>) {
        match self {
            Self::Mqtt(stream) => stream.write_all(&packet).await.unwrap(),
            Self::WebSocket(stream) => stream.send(Message::Binary(packet.into())).await.unwrap(),
        }
    }

    /// What comes next; nothing once the hub has ended the link.
    pub(crate) async fn receive(&mut self) -> Vec<u8> {
        let received = async {
            match self {
                Self::Mqtt(stream) => {
                    let mut bytes = vec![0; 1024];
                    let length = stream.read(&mut bytes).await.unwrap_or(0);
                    bytes.truncate(length);
                    bytes
                }
                Self::WebSocket(stream) => match stream.next().await {
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    _ => Vec::new(),
                },
            }
        };
        timeout(PATIENCE, received).await.expect("the hub answers or ends the link")
    }

    /// All that comes until the hub ends the link.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let bytes = self.receive().await;
            if bytes.is_empty() {
                return all;
            }
            all.extend(bytes);
        }
    }
}

fn config(state: PathBuf, events: PathBuf) -> Config {
    let target = EventTarget::File(EventFile { path: events, most_bytes: 1 << 30, keep: 1 });
    Config {
        events: Some(Events { target, kinds: vec![EventKind::Telemetry] }),
        // Very many attempts fail here.
        limits: ConnectionLimits { failures_per_minute: 0, ..ConnectionLimits::default() },
        ..Config::local(state)
    }
}

/// Keys that everybody can make from a number.
pub(crate) fn key(number: u8) -> Key {
    Key::from_bytes(&[number; 32]).unwrap()
}

/// Whose key has which number.
pub(crate) const VICTIM: u8 = 1;
pub(crate) const VICTIM_MODULE: u8 = 2;
pub(crate) const MINE: u8 = 3;
pub(crate) const MY_MODULE: u8 = 4;
pub(crate) const MY_OTHER_MODULE: u8 = 5;
pub(crate) const MY_ENROLLMENT: u8 = 6;
pub(crate) const VICTIMS_ENROLLMENT: u8 = 7;
pub(crate) const GROUP: u8 = 8;

fn keys(number: u8) -> Value {
    let key = key(number).reveal().to_owned();
    json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": key, "secondaryKey": key } })
}

fn identity(number: u8) -> Value {
    json!({ "authentication": { "type": "sas", "symmetricKey": keys(number)["symmetricKey"] } })
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (home, events) = (folder.path().join("state"), folder.path().join("events"));
        let world = World::open(folder, config(home.clone(), events.clone())).await;
        for (path, body) in [
            ("/devices/victim", identity(VICTIM)),
            ("/devices/victim/modules/m1", identity(VICTIM_MODULE)),
            ("/devices/mine", identity(MINE)),
            ("/devices/mine/modules/m1", identity(MY_MODULE)),
            ("/devices/mine/modules/m2", identity(MY_OTHER_MODULE)),
            ("/enrollments/mine", json!({ "registrationId": "mine", "attestation": keys(MY_ENROLLMENT) })),
            ("/enrollments/victim", json!({ "registrationId": "victim", "attestation": keys(VICTIMS_ENROLLMENT) })),
            ("/enrollmentGroups/group", json!({ "enrollmentGroupId": "group", "attestation": keys(GROUP) })),
        ] {
            let made = world.ask(Method::PUT, path, &[], body).await;
            assert_eq!(made.status, StatusCode::OK, "{path}: {}", made.body);
        }
        let twin = json!({ "tags": { "secret": 1 }, "properties": { "desired": { "secret": 2 } } });
        assert_eq!(world.ask(Method::PATCH, "/twins/victim", &[], twin).await.status, StatusCode::OK);
        let message = world.ask(Method::POST, "/devices/victim/messages/deviceBound", &[], json!("secret")).await;
        assert_eq!(message.status, StatusCode::OK);

        let mut victim = Device::new(world.options("victim", &key(VICTIM)));
        victim.next(|packet| matches!(packet, Incoming::ConnAck(_)).then_some(())).await;
        for filter in ["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#", "$iothub/methods/POST/#"] {
            victim.subscribe(filter).await;
        }
        let id_scope = offline::id_scope(&home).unwrap();
        let http = offline::addresses(&home).unwrap().http;
        let mut stage = Self { world, id_scope, http, victim, home, events, things: Vec::new() };
        stage.things = stage.look().await;
        stage
    }

    /// What there is, but for what comes and goes by itself.
    async fn look(&self) -> Vec<Value> {
        let mut things = Vec::new();
        for path in THINGS {
            let answer = self.world.ask(Method::GET, path, &[], Value::Null).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.header("iothub-errorcode"));
            things.push(lasting(answer.body));
        }
        things
    }

    /// Nothing has changed, and the victim is still there and has heard of nothing.
    pub(crate) async fn is_untouched(&mut self, by: &str) {
        self.victim.publish(OWN, "{}").await;
        loop {
            match self.victim.poll().await {
                Ok(Event::Incoming(Incoming::PubAck(_))) => break,
                Ok(Event::Incoming(Incoming::Publish(publish))) => panic!("{by}: the victim is told {publish:?}"),
                Ok(_) => {}
                Err(error) => panic!("{by}: the victim's link has ended: {error}"),
            }
        }
        for ((path, before), after) in THINGS.iter().zip(&self.things).zip(self.look().await) {
            assert_eq!(*before, after, "{by}: {path}");
        }
        for line in fs::read_to_string(&self.events).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let device = &line["systemProperties"]["iothub-connection-device-id"];
            assert!(
                device != "victim" || line["properties"]["is"] == "victim",
                "{by}: somebody speaks as the victim: {line}"
            );
        }
    }

    pub(crate) async fn end(self) {
        drop(self.victim);
        self.world.end().await;
    }

    /// `localhost:1234`, as tokens have it.
    pub(crate) fn host(&self) -> String {
        self.world.service.host.to_string()
    }

    /// A token of a policy for a resource of the hub, e.g. `/devices`.
    pub(crate) fn of_policy(&self, policy: &str, resource: &str) -> String {
        let found = offline::service_connection_string(&self.home, policy).unwrap();
        let ServiceCredential::Key { key, .. } = ServiceConnection::parse(found.reveal()).unwrap().credential else {
            panic!("a key")
        };
        sign(&format!("{}{resource}", self.host()), &key, FOREVER, Some(policy))
    }

    /// A token of somebody's own for a resource of the hub.
    pub(crate) fn of_key(&self, number: u8, resource: &str) -> String {
        sign(&format!("{}{resource}", self.host()), &key(number), FOREVER, None)
    }

    /// A token for a registration.
    pub(crate) fn of_enrollment(&self, key: &Key, registration: &str) -> String {
        sign(&format!("{}/registrations/{registration}", self.id_scope), key, FOREVER, Some("registration"))
    }

    pub(crate) async fn dial(&self, way: Way) -> Link {
        match way {
            Way::Mqtt => {
                let address = SocketAddr::from((self.http.ip(), self.world.mqtt_port));
                Link::Mqtt(wire::dial(&self.world.tls, address).await.into())
            }
            Way::WebSocket => {
                let stream = wire::dial(&self.world.tls, self.http).await;
                Link::WebSocket(wire::websocket(stream, "/$iothub/websocket", "mqtt").await.unwrap().into())
            }
        }
    }

    /// The user name of a device, or of a module as `device/module`.
    pub(crate) fn username(&self, id: &str) -> String {
        format!("{}/{id}/?api-version=2021-04-12", self.host())
    }
}

fn lasting(mut thing: Value) -> Value {
    const FLEETING: [&str; 3] = ["lastActivityTime", "connectionState", "connectionStateUpdatedTime"];
    if let Some(items) = thing.as_array_mut() {
        return items.drain(..).map(lasting).collect();
    }
    if let Some(members) = thing.as_object_mut() {
        members.retain(|key, _| !FLEETING.contains(&key.as_str()));
    }
    thing
}
