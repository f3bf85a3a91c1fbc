//! The device side of a hub: MQTT over TCP and WebSocket.

use std::{collections::VecDeque, fmt::Write as _, io};

use bytes::BytesMut;
use futures_util::{SinkExt as _, StreamExt as _};
use rumqttc::mqttbytes::{
    self, QoS,
    v4::{Connect, ConnectReturnCode, Packet, PubAck, Publish, Subscribe},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};
use twinops::iothub::{Key, sign};

use super::support::{FOREVER, PATIENCE, Tls, World};

/// How a device reaches the hub.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Tcp,
    WebSocket,
}

pub(crate) const WAYS: [Way; 2] = [Way::Tcp, Way::WebSocket];

/// What a device shows.
pub(crate) enum Proof<'a> {
    Key(&'a Key),
    Token(&'a str),
    Certificate(&'a Certificate),
}

/// Why a device was not let in.
#[derive(Debug)]
pub(crate) enum Refused {
    Tls(io::Error),
    Code(ConnectReturnCode),
}

impl World {
    /// Connects a device, or a module under `device/module`, which has to be let in.
    pub(crate) async fn connect(&self, id: &str, key: &Key) -> Link {
        self.dial(Way::Tcp, id, "", &Proof::Key(key)).await.unwrap()
    }

    /// Connects with what follows the id in the user's name.
    pub(crate) async fn dial(&self, way: Way, id: &str, more: &str, proof: &Proof<'_>) -> Result<Link, Refused> {
        let certificate = if let Proof::Certificate(certificate) = proof { Some(*certificate) } else { None };
        let stream = match way {
            Way::Tcp => {
                Stream::Tcp(Box::new(self.secure(self.addresses.mqtt, certificate).await.map_err(Refused::Tls)?))
            }
            Way::WebSocket => {
                let stream = self.secure(self.addresses.http, certificate).await.map_err(Refused::Tls)?;
                let mut request = "wss://localhost/$iothub/websocket".into_client_request().unwrap();
                request.headers_mut().insert("sec-websocket-protocol", "mqtt".parse().unwrap());
                Stream::WebSocket(Box::new(client_async(request, stream).await.unwrap().0))
            }
        };
        let mut link = Link { stream, received: BytesMut::new(), heard: VecDeque::new() };
        let password = match proof {
            Proof::Key(key) => {
                sign(&format!("{}/devices/{}", self.host, id.replace('/', "/modules/")), key, FOREVER, None)
            }
            Proof::Token(token) => (*token).to_owned(),
            Proof::Certificate(_) => String::new(),
        };
        let mut hello = Connect::new(id);
        hello.clean_session = false;
        hello.keep_alive = 60;
        hello.set_login(format!("{}/{id}/?api-version=2021-04-12{more}", self.host), password);
        link.send(|bytes| hello.write(bytes)).await;
        match link.packet().await {
            Some(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => Ok(link),
            Some(Packet::ConnAck(answer)) => Err(Refused::Code(answer.code)),
            other => panic!("{other:?}"),
        }
    }
}

/// A certificate that signs itself.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Certificate {
    pub(crate) fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        Self { der: made.cert.der().clone(), key }
    }

    pub(crate) fn thumbprint(&self) -> String {
        Sha256::digest(&self.der).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02X}").unwrap();
            text
        })
    }
}

enum Stream {
    Tcp(Box<Tls>),
    WebSocket(Box<WebSocketStream<Tls>>),
}

impl Stream {
    async fn write(&mut self, bytes: BytesMut) {
        match self {
            Self::Tcp(stream) => stream.write_all(&bytes).await.unwrap(),
            Self::WebSocket(stream) => stream.send(Message::Binary(bytes.freeze())).await.unwrap(),
        }
    }

    /// Whether anything came before the other side closed.
    async fn read(&mut self, into: &mut BytesMut) -> bool {
        match self {
            Self::Tcp(stream) => stream.read_buf(into).await.is_ok_and(|count| count > 0),
            Self::WebSocket(stream) => {
                let Some(Ok(Message::Binary(part))) = stream.next().await else { return false };
                into.extend_from_slice(&part);
                true
            }
        }
    }
}

/// A device's side of a link.
pub(crate) struct Link {
    stream: Stream,
    received: BytesMut,
    heard: VecDeque<Publish>,
}

impl Link {
    pub(crate) async fn subscribe(&mut self, filter: &str) {
        let mut subscribe = Subscribe::new(filter, QoS::AtLeastOnce);
        subscribe.pkid = 1;
        self.send(|bytes| subscribe.write(bytes)).await;
        self.until(|packet| matches!(packet, Packet::SubAck(_))).await;
    }

    /// Publishes, and waits until the hub has it.
    pub(crate) async fn publish(&mut self, topic: &str, body: &str) {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, body);
        publish.pkid = 2;
        self.send(|bytes| publish.write(bytes)).await;
        self.until(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    /// The next message: its topic, and its body, which is null where there is none.
    pub(crate) async fn receive(&mut self) -> (String, Value) {
        let message = self.message().await;
        let body = if message.payload.is_empty() { Value::Null } else { json_of(&message) };
        (message.topic, body)
    }

    async fn message(&mut self) -> Publish {
        self.next_message().await.expect("the link is there")
    }

    async fn next_message(&mut self) -> Option<Publish> {
        while self.heard.is_empty() {
            let packet = self.packet().await?;
            self.keep(packet);
        }
        self.heard.pop_front()
    }

    /// Its own twin; `$iothub/twin/res/#` is subscribed to.
    pub(crate) async fn twin(&mut self) -> Value {
        self.publish("$iothub/twin/GET/?$rid=twin", " ").await;
        let (topic, twin) = self.receive().await;
        assert_eq!(topic, "$iothub/twin/res/200/?$rid=twin");
        twin
    }

    /// Reports a patch: how the answer's topic goes on after `res/`, and its body.
    pub(crate) async fn report(&mut self, patch: Value) -> (String, Value) {
        self.publish("$iothub/twin/PATCH/properties/reported/?$rid=report", &patch.to_string()).await;
        let (topic, body) = self.receive().await;
        (topic.strip_prefix("$iothub/twin/res/").unwrap().to_owned(), body)
    }

    /// Awaits a call and answers it; what was asked. A call always carries JSON: the Node SDK throws at empty text.
    pub(crate) async fn answer(&mut self, method: &str, status: i32, body: impl Fn(&Value) -> String) -> Value {
        let message = self.message().await;
        let asked = json_of(&message);
        let prefix = format!("$iothub/methods/POST/{method}/?$rid=");
        let rid = message.topic.strip_prefix(&prefix).expect(&message.topic);
        self.publish(&format!("$iothub/methods/res/{status}/?$rid={rid}"), &body(&asked)).await;
        asked
    }

    /// Answers every call with what it carries, until the link ends.
    pub(crate) async fn echo(mut self) {
        self.subscribe("$iothub/methods/POST/#").await;
        while let Some(message) = self.next_message().await {
            let (_, rid) = message.topic.split_once("$rid=").unwrap();
            self.publish(&format!("$iothub/methods/res/200/?$rid={rid}"), &json_of(&message).to_string()).await;
        }
    }

    /// Waits until the other side ends the link.
    pub(crate) async fn closed(&mut self) {
        while self.packet().await.is_some() {}
    }

    async fn until(&mut self, wanted: impl Fn(&Packet) -> bool) {
        loop {
            let packet = self.packet().await.expect("the link is there");
            if wanted(&packet) {
                return;
            }
            self.keep(packet);
        }
    }

    fn keep(&mut self, packet: Packet) {
        if let Packet::Publish(message) = packet {
            self.heard.push_back(message);
        }
    }

    async fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> Result<usize, mqttbytes::Error>) {
        let mut bytes = BytesMut::new();
        write(&mut bytes).unwrap();
        self.stream.write(bytes).await;
    }

    /// The next packet, or nothing when the link has ended.
    async fn packet(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.received, 1 << 20) {
                Ok(Packet::Publish(message)) => {
                    if message.qos == QoS::AtLeastOnce {
                        self.send(|bytes| PubAck::new(message.pkid).write(bytes)).await;
                    }
                    return Some(Packet::Publish(message));
                }
                Ok(packet) => return Some(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            if !timeout(PATIENCE, self.stream.read(&mut self.received)).await.expect("something happens in time") {
                return None;
            }
        }
    }
}

fn json_of(message: &Publish) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}
