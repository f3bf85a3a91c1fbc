//! A whole hub on sockets: who gets in, and who is turned away.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    tls::{self, sample::Signer},
    *,
};
use crate::{
    iothub::{ServiceConnection, ServiceCredential, sign},
    task::Stop,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

struct World {
    _folder: tempfile::TempDir,
    addresses: Addresses,
    plain: SocketAddr,
    roots: RootCertStore,
    service: ServiceConnection,
    stop: Stop,
    running: JoinHandle<()>,
}

impl World {
    async fn start(limits: ConnectionLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mqtt_plain = Some("127.0.0.1:0".parse().unwrap());
        let hub = Hub::open(Config { mqtt_plain, limits, ..Config::local(folder.path()) }).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(hub.ca_pem_path().unwrap()).unwrap()).unwrap();
        let service = hub.service_connection_string("iothubowner").unwrap();
        let service = ServiceConnection::parse(service.reveal()).unwrap();
        let (addresses, plain, stop) = (hub.addresses(), hub.plain_address().unwrap(), Stop::new());
        let running = tokio::spawn(hub.run(stop.clone()));
        Self { _folder: folder, addresses, plain, roots, service, stop, running }
    }

    async fn end(self) {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    /// A connection with a client's certificates, or none, in one version of TLS.
    async fn dial(
        &self,
        port: u16,
        version: &'static SupportedProtocolVersion,
        chain: &[&Signer],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.dial_speaking(&[], port, version, chain).await
    }

    /// The same by a client that says what it speaks.
    async fn dial_speaking(
        &self,
        protocols: &[&str],
        port: u16,
        version: &'static SupportedProtocolVersion,
        chain: &[&Signer],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let config = config.with_root_certificates(self.roots.clone());
        let mut config = match chain.first() {
            None => config.with_no_client_auth(),
            Some(own) => config.with_client_auth_cert(chain.iter().map(|one| one.der()).collect(), own.key()).unwrap(),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// The status of an answer over REST.
    async fn ask(&self, version: &'static SupportedProtocolVersion, request: &str, body: &str, key: bool) -> u16 {
        let ServiceCredential::Key { policy, key: owner } = &self.service.credential else { panic!("a key") };
        let token = if key { sign("localhost", owner, 4_000_000_000, Some(policy)) } else { "none".to_owned() };
        let head = format!(
            "{request}?api-version=2021-04-12 HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = self.dial(self.addresses.http.port(), version, &[]).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer)[9..12].parse().unwrap()
    }

    /// What CONNACK says to a device that shows certificates and no token.
    async fn connect(
        &self,
        version: &'static SupportedProtocolVersion,
        id: &str,
        chain: &[&Signer],
    ) -> std::io::Result<u8> {
        let mut stream = self.dial(self.addresses.mqtt.port(), version, chain).await?;
        let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
        let username = format!("localhost/{id}/?api-version=2021-04-12");
        let rest = [text("MQTT"), vec![4, 0x80, 0, 60], text(id), text(&username)].concat();
        let packet = [vec![0x10, u8::try_from(rest.len()).unwrap()], rest].concat();
        stream.write_all(&packet).await?;
        let mut answer = [0; 4];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap()?;
        assert_eq!(answer[..3], [0x20, 2, 0]);
        Ok(answer[3])
    }
}

#[tokio::test]
async fn an_authority_lets_devices_in_over_both_versions_of_tls() {
    let world = World::start(ConnectionLimits::default()).await;
    let root = Signer::root("root");
    let (middle, device) = (root.authority("middle"), root.device("d1"));
    let deep = middle.device("d1");
    let authority = json!({"properties": {"certificate": tls::to_text(&root.der()), "isVerified": true}}).to_string();
    let identity = json!({"deviceId": "d1", "authentication": {"type": "certificateAuthority"}}).to_string();
    for version in VERSIONS {
        let (put, replaced) = ("PUT /certificates/plant", "DELETE /certificates/plant");
        assert_eq!(world.ask(version, put, &authority, true).await, 200);
        let _made_already = world.ask(version, "PUT /devices/d1", &identity, true).await;
        assert_eq!(world.connect(version, "d1", &[&device]).await.unwrap(), 0);
        assert_eq!(world.connect(version, "d1", &[&deep, &middle]).await.unwrap(), 0);
        assert_eq!(world.connect(version, "d1", &[&deep]).await.unwrap(), 5);
        assert_eq!(world.connect(version, "d1", &[&root.device("d2")]).await.unwrap(), 5);
        assert_eq!(world.connect(version, "d1", &[]).await.unwrap(), 5);
        assert_eq!(world.ask(version, replaced, "", true).await, 204);
        assert_eq!(world.connect(version, "d1", &[&device]).await.unwrap(), 5);
    }
    world.end().await;
}

#[tokio::test]
async fn whoever_guesses_is_turned_away_on_all_sides_for_a_while() {
    let limits = ConnectionLimits { failures_per_minute: 4, exempt: vec![], ..ConnectionLimits::default() };
    let world = World::start(limits).await;
    let version = VERSIONS[1];
    assert_eq!(world.ask(version, "GET /devices", "", false).await, 401);
    assert_eq!(world.ask(version, "POST /devices/d1/messages/events", "", false).await, 401);
    let mut kept = world.dial(world.addresses.http.port(), version, &[]).await.unwrap();
    assert_eq!(world.connect(version, "d1", &[]).await.unwrap(), 5);
    assert_eq!(world.connect(version, "d1", &[]).await.unwrap(), 5);
    assert!(world.connect(version, "d1", &[]).await.is_err(), "not even a handshake");
    assert!(world.dial(world.addresses.http.port(), version, &[]).await.is_err());
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("ThrottlingException"), "{answer}");
    world.end().await;
}

#[tokio::test]
async fn a_hub_that_is_full_keeps_room_for_operators() {
    let limits = ConnectionLimits { connections: Some(8), ..ConnectionLimits::default() };
    let world = World::start(limits).await;
    let (http, mqtt, version) = (world.addresses.http.port(), world.addresses.mqtt.port(), VERSIONS[1]);
    let mut held = Vec::new();
    for _ in 0..7 {
        held.push(world.dial(mqtt, version, &[]).await.unwrap());
    }
    assert!(world.dial(mqtt, version, &[]).await.is_err());
    assert_eq!(world.ask(version, "GET /devices", "", true).await, 200);
    held.push(world.dial(http, version, &[]).await.unwrap());
    assert!(world.dial(http, version, &[]).await.is_err());
    world.end().await;
}

#[tokio::test]
async fn a_websocket_opens_whatever_its_client_says_that_it_speaks() {
    let world = World::start(ConnectionLimits::default()).await;
    let request = "GET /$iothub/websocket HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-protocol: mqtt\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // The last one is a client that lets its TLS offer both, and then speaks HTTP/1.1 whatever was agreed.
    for (protocols, agreed) in [(&[][..], None), (&["http/1.1"], Some("http/1.1")), (&["h2", "http/1.1"], Some("h2"))] {
        let (port, version) = (world.addresses.http.port(), VERSIONS[1]);
        let mut stream = world.dial_speaking(protocols, port, version, &[]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101", "{protocols:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn devices_that_register_are_told_a_host_alone() {
    for (name, is_one) in
        [("hub.example", true), ("hub.example:8883", false), ("https://hub.example", false), ("", false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let opened = Hub::open(Config { assigned_hub: Some(name.to_owned()), ..Config::local(folder.path()) }).await;
        assert_eq!(opened.is_ok(), is_one, "{name}");
        assert!(is_one || matches!(opened, Err(HubError::Name(_))), "{name}");
    }
}

#[tokio::test]
async fn connections_behind_a_proxy_count_like_all_others() {
    let limits = ConnectionLimits { connections: Some(8), ..ConnectionLimits::default() };
    let world = World::start(limits).await;
    let mut held = Vec::new();
    for _ in 0..7 {
        held.push(TcpStream::connect(world.plain).await.unwrap());
    }
    let mut eighth = TcpStream::connect(world.plain).await.unwrap();
    assert_eq!(timeout(PATIENCE, eighth.read(&mut [0])).await.unwrap().unwrap_or_default(), 0, "dropped at once");
    assert!(world.dial(world.addresses.mqtt.port(), VERSIONS[1], &[]).await.is_err());
    assert_eq!(world.ask(VERSIONS[1], "GET /devices", "", true).await, 200);
    world.end().await;
}
