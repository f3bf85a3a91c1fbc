//! The device side of a hub as devices see it: MQTT over WebSocket and without TLS, and HTTPS, over real sockets.

#![cfg(feature = "hub")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};
use twinops::{
    hub::{Config, Hub, HubError},
    iothub::{DeviceConnection, DeviceCredential, Key, ServiceConnection, ServiceCredential, sign},
    task::Stop,
    twin::DeviceId,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
const FOREVER: u64 = 4_000_000_000;

struct World {
    tls: TlsConnector,
    http: SocketAddr,
    plain: SocketAddr,
    /// Tokens of the owner, and of a policy that may do all but connect devices.
    owner: String,
    service: String,
    host: String,
    key: Key,
    stop: Stop,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plain = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let hub = Hub::open(Config { mqtt_plain: plain, ..Config::local(folder.path()) }).await.unwrap();
        let host = hub.hostname().to_string();
        let token = |policy| {
            let connection = hub.service_connection_string(policy).unwrap();
            let ServiceCredential::Key { policy, key } =
                ServiceConnection::parse(connection.reveal()).unwrap().credential
            else {
                panic!("a key")
            };
            sign(&host, &key, FOREVER, Some(&policy))
        };
        let (owner, service) = (token("iothubowner"), token("service"));
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
        let tls = TlsConnector::from(Arc::new(tls));
        Self { tls, http, plain, owner, service, host, key, stop, running, _folder: folder }
    }

    async fn end(self) {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    async fn dial(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.http).await.unwrap();
        self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    fn token(&self) -> String {
        sign(&format!("{}/devices/d1", self.host), &self.key, FOREVER, None)
    }

    async fn ask(&self, method: &str, path: &str, token: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.dial().await;
        let query = if path.contains('?') { '&' } else { '?' };
        let request = format!(
            "{method} {path}{query}api-version=2021-04-12 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: {token}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn websocket(&self, path: &str, protocol: &str) -> Result<WebSocketStream<TlsStream<TcpStream>>, Error> {
        let mut request = format!("wss://localhost:{}{path}", self.http.port()).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (stream, answer) = timeout(PATIENCE, client_async(request, self.dial().await)).await.unwrap()?;
        assert_eq!(answer.headers()["sec-websocket-protocol"], "mqtt");
        Ok(stream)
    }
}

/// A field with its length in front.
fn field(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    assert!(length < 1 << 14);
    let [low, high] = [(length & 0x7F) | 0x80, length >> 7].map(|part| part.to_le_bytes()[0]);
    [&[first, low, high], body].concat()
}

fn connect(world: &World, token: &str) -> Vec<u8> {
    let name = format!("{}/d1/?api-version=2021-04-12", world.host);
    packet(0x10, &[b"\0\x04MQTT\x04\xC0\0\x3C".as_slice(), &field("d1"), &field(&name), &field(token)].concat())
}

fn subscribe(filter: &str) -> Vec<u8> {
    packet(0x82, &[b"\0\x01".as_slice(), &field(filter), &[1]].concat())
}

/// The next `count` bytes inside messages.
async fn receive(socket: &mut WebSocketStream<TlsStream<TcpStream>>, count: usize) -> Vec<u8> {
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
async fn a_device_touches_nothing_but_itself() {
    let world = World::start().await;
    let (device, service) = (world.token(), world.service.clone());
    for (method, path, token) in [
        ("GET", "/devices/d2/messages/deviceBound", &device),
        ("POST", "/devices/d1/messages/events", &service),
        ("GET", "/devices/d1/messages/deviceBound", &String::new()),
        ("POST", "/devices/d1/messages/deviceBound", &device),
        ("DELETE", "/devices/d1/commands", &device),
        ("GET", "/twins/d1", &device),
        ("GET", "/messages/serviceBound/feedback", &device),
    ] {
        assert_eq!(world.ask(method, path, token, "", "").await.status, 401, "{method} {path}");
    }
    let files = world.ask("POST", "/devices/d1/files", &device, "", r#"{"blobName":"x"}"#).await;
    assert_eq!((files.status, files.header("iothub-errorcode")), (403, Some("OperationNotAvailableInCurrentTier")));
    world.end().await;
}
