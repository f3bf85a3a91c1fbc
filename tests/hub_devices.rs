//! The device side of a hub as devices see it: MQTT over WebSocket and without TLS, and HTTPS, over real sockets.

#![cfg(feature = "hub")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "support/wire.rs"]
mod wire;

use std::{net::SocketAddr, sync::Arc};

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};
use twinops::{
    hub::{Config, Hub, HubError},
    iothub::{DeviceConnection, DeviceCredential, Key, ServiceConnection, ServiceCredential, sign},
    task::Stop,
    twin::DeviceId,
};
use wire::{Answer, PATIENCE, Tls, subscribe};

const FOREVER: u64 = 4_000_000_000;

struct World {
    tls: ClientConfig,
    http: SocketAddr,
    plain: SocketAddr,
    /// A token that may do everything.
    owner: String,
    host: String,
    key: Key,
    stop: Stop,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let hub = Hub::open(Config { mqtt_plain: plain, ..Config::local(folder.path()) }).await.unwrap();
        let host = hub.hostname().to_string();
        let owner = hub.service_connection_string("iothubowner").unwrap();
        let ServiceCredential::Key { policy, key } = ServiceConnection::parse(owner.reveal()).unwrap().credential
        else {
            panic!("a key")
        };
        let owner = sign(&host, &key, FOREVER, Some(&policy));
        let device = hub.device_connection_string(&DeviceId::new("d1").unwrap(), true).await.unwrap();
        let DeviceCredential::Key(key) = DeviceConnection::parse(device.reveal()).unwrap().credential else {
            panic!("a key")
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(hub.ca_pem_path().unwrap()).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (http, plain) = (hub.addresses().http, hub.plain_address().unwrap());
        let stop = Stop::new();
        let running = tokio::spawn(hub.run(stop.clone()));
        Self { tls, http, plain, owner, host, key, stop, running, _folder: folder }
    }

    async fn end(self) {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    fn token(&self) -> String {
        sign(&format!("{}/devices/d1", self.host), &self.key, FOREVER, None)
    }

    async fn ask(&self, method: &str, path: &str, token: &str, headers: &str, body: &str) -> Answer {
        wire::ask(wire::dial(&self.tls, self.http).await, method, path, token, headers, body).await
    }

    async fn websocket(&self, path: &str, protocol: &str) -> Result<WebSocketStream<Tls>, Error> {
        wire::websocket(wire::dial(&self.tls, self.http).await, path, protocol).await
    }
}

fn connect(world: &World, token: &str) -> Vec<u8> {
    wire::connect("d1", &format!("{}/d1/?api-version=2021-04-12", world.host), token)
}

/// The next `count` bytes inside messages.
async fn receive(socket: &mut WebSocketStream<Tls>, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Binary(part) => bytes.extend_from_slice(&part),
            other => panic!("{other:?}"),
        }
    }
    bytes
}

#[tokio::test]
async fn a_device_talks_mqtt_over_websocket() {
    let world = World::start().await;
    let mut socket = world.websocket("/$iothub/websocket?iothub-no-client-cert=true", "mqtt").await.unwrap();
    // In two parts, as anybody may cut a stream.
    let hello = connect(&world, &world.token());
    for part in [&hello[..9], &hello[9..]] {
        socket.send(Message::Binary(part.to_vec().into())).await.unwrap();
    }
    assert_eq!(receive(&mut socket, 4).await, b"\x20\x02\0\0");
    socket.send(Message::Ping(b"?".to_vec().into())).await.unwrap();
    assert_eq!(timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap(), Message::Pong(b"?".to_vec().into()));
    socket.send(Message::Binary(subscribe("devices/d1/messages/devicebound/#").into())).await.unwrap();
    assert_eq!(receive(&mut socket, 5).await, b"\x90\x03\0\x01\x01");

    let sent =
        world.ask("POST", "/devices/d1/messages/deviceBound", &world.owner, "iothub-messageid: m1\r\n", "hi").await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let message = receive(&mut socket, 2).await;
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("devices/d1/messages/devicebound/%24.mid=m1") && text.ends_with("hi"), "{text}");

    world.stop.request();
    let last = timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(matches!(last, Some(Ok(Message::Close(_)))), "{last:?}");
    world.end().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_in_mqtt_and_other_protocols_in_http() {
    let world = World::start().await;
    let mut socket = world.websocket("/$iothub/websocket", "mqtt").await.unwrap();
    socket.send(Message::Binary(connect(&world, &world.owner).into())).await.unwrap();
    assert_eq!(receive(&mut socket, 4).await, b"\x20\x02\0\0", "the owner may be any device");
    let mut socket = world.websocket("/$iothub/websocket", "mqtt").await.unwrap();
    let wrong = sign(&format!("{}/devices/d2", world.host), &world.key, FOREVER, None);
    socket.send(Message::Binary(connect(&world, &wrong).into())).await.unwrap();
    assert_eq!(receive(&mut socket, 4).await, b"\x20\x02\0\x05");
    for (path, protocol) in [("/$iothub/websocket", "AMQPWSB10"), ("/devices/d1", "mqtt")] {
        let refused = world.websocket(path, protocol).await.unwrap_err();
        assert!(matches!(refused, Error::Http(answer) if answer.status().is_client_error()));
    }
    assert_eq!(world.ask("GET", "/$iothub/websocket", "", "", "").await.status, 400);
    world.end().await;
}

#[tokio::test]
async fn a_proxy_on_this_machine_talks_mqtt_without_tls_and_nobody_else_may() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.plain).await.unwrap();
    stream.write_all(&connect(&world, &world.token())).await.unwrap();
    let mut answer = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, *b"\x20\x02\0\0");
    world.end().await;
    let folder = tempfile::tempdir().unwrap();
    let open = Some(SocketAddr::from(([0, 0, 0, 0], 0)));
    let refused = Hub::open(Config { mqtt_plain: open, ..Config::local(folder.path()) }).await;
    assert!(matches!(refused, Err(HubError::NotLoopback(_))));
}

#[tokio::test]
async fn a_device_sends_and_fetches_messages_over_https() {
    let world = World::start().await;
    let (token, queue) = (world.token(), "/devices/d1/messages/deviceBound");
    let event = world.ask("POST", "/devices/d1/messages/events", &token, "iothub-app-k: v\r\n", "{}").await;
    assert_eq!((event.status, event.body.as_str()), (204, ""));
    assert_eq!(world.ask("GET", queue, &token, "", "").await.status, 204);
    let headers = "iothub-app-k: v 1\r\niothub-ack: full\r\niothub-contenttype: text/plain\r\n";
    assert_eq!(world.ask("POST", queue, &world.owner, headers, "hello").await.status, 200);
    let message = world.ask("GET", queue, &token, "", "").await;
    assert_eq!((message.status, message.body.as_str()), (200, "hello"));
    let said = ["iothub-app-k", "iothub-ack", "content-type", "iothub-deliverycount", "iothub-to"];
    let said = said.map(|name| message.header(name).unwrap());
    assert_eq!(said, ["v 1", "full", "text/plain", "1", "/devices/d1/messages/devicebound"]);
    let lock = message.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(world.ask("POST", &format!("{queue}/{lock}/abandon"), &token, "", "").await.status, 204);
    let lost = world.ask("DELETE", &format!("{queue}/{lock}"), &token, "", "").await;
    assert_eq!((lost.status, lost.header("iothub-errorcode")), (412, Some("DeviceMessageLockLost")));
    let again = world.ask("GET", "/devices/d1/messages/devicebound", &token, "", "").await;
    let lock = again.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(world.ask("DELETE", &format!("{queue}/{lock}?reject="), &token, "", "").await.status, 204);
    let feedback = world.ask("GET", "/messages/serviceBound/feedback", &world.owner, "", "").await;
    assert!(feedback.status == 200 && feedback.body.contains("\"Rejected\""), "{}", feedback.body);
    let lock = feedback.header("etag").unwrap().trim_matches('"').to_owned();
    let over = world.ask("DELETE", &format!("/messages/serviceBound/feedback/{lock}"), &world.owner, "", "").await;
    assert_eq!(over.status, 204);
    assert_eq!(world.ask("GET", "/messages/serviceBound/feedback", &world.owner, "", "").await.status, 204);
    let purged = world.ask("DELETE", "/devices/d1/commands", &world.owner, "", "").await;
    assert_eq!(purged.body, r#"{"deviceId":"d1","moduleId":null,"totalMessagesPurged":0}"#);
    world.end().await;
}

#[tokio::test]
async fn files_of_devices_have_no_place_here() {
    let world = World::start().await;
    let files = world.ask("POST", "/devices/d1/files", &world.token(), "", r#"{"blobName":"x"}"#).await;
    assert_eq!((files.status, files.header("iothub-errorcode")), (403, Some("OperationNotAvailableInCurrentTier")));
    world.end().await;
}
