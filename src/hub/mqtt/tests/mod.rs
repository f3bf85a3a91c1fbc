//! Sentences about links: raw packets on one side, a core that remembers everything on the other.

mod connect;
mod core;
mod downward;
mod endings;
mod laws;
mod mail;
#[cfg(feature = "agent")]
mod peer;
mod provisioning;
mod sizes;
mod upward;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
};

use self::core::Core;
use super::{
    Limits, LinkTable, Server,
    codec::client::{self, ConnectPacket},
};
use crate::{
    hub::ports::{LinkId, PeerCertificates},
    task::Stop,
    twin::DeviceId,
};

const RESPONSES: &str = "$iothub/twin/res/#";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const METHODS: &str = "$iothub/methods/POST/#";
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

fn link(name: &str) -> LinkId {
    let (device, module) = name.split_once('/').map_or((name, None), |(device, module)| (device, Some(module)));
    LinkId { device: DeviceId::new(device).unwrap(), module: module.map(Into::into) }
}

/// A hub without a listener.
struct Hub {
    core: Arc<Core>,
    links: Arc<LinkTable>,
    server: Arc<Server<Core>>,
    stop: Stop,
}

impl Hub {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let (core, links) = (Arc::new(Core::default()), Arc::new(LinkTable::new()));
        let server = Arc::new(Server::new(Arc::clone(&core), Arc::clone(&links), limits));
        Self { core, links, server, stop: Stop::new() }
    }

    /// A stream that nothing has been said on.
    fn open(&self) -> Device {
        self.open_with(None, 1 << 20)
    }

    fn open_with(&self, certificate: Option<&[u8]>, buffer: usize) -> Device {
        let (stream, far) = duplex(buffer);
        let certificates = certificate.map(|der| CertificateDer::from(der.to_vec()));
        let certificates = PeerCertificates(certificates.into_iter().collect());
        let serve = Arc::clone(&self.server).serve_link(far, certificates, PEER, self.stop.clone());
        Device { stream, task: tokio::spawn(serve) }
    }

    /// A device that was let in.
    async fn connect(&self, packet: &ConnectPacket) -> Device {
        let mut device = self.open();
        device.send(&packet.bytes()).await;
        assert_eq!(device.receive().await, Packet::of(0x20, b"\0\0"));
        device
    }

    /// A device that was let in and has subscribed to `filters`, all with `qos`.
    async fn subscribed(&self, name: &str, filters: &[&str], qos: u8) -> Device {
        let mut device = self.connect(&ConnectPacket { clean: true, ..ConnectPacket::of(name) }).await;
        let filters = filters.iter().map(|filter| (*filter, qos)).collect::<Vec<_>>();
        device.send(&client::subscribe(1, &filters)).await;
        assert_eq!(device.receive().await.first, 0x90);
        device
    }
}

/// The far end of a link.
struct Device {
    stream: DuplexStream,
    task: JoinHandle<()>,
}

/// A server's packet.
#[derive(Debug, PartialEq, Eq)]
struct Packet {
    first: u8,
    body: Vec<u8>,
}

impl Packet {
    fn of(first: u8, body: &[u8]) -> Self {
        Self { first, body: body.to_vec() }
    }

    /// Topic, packet identifier and payload of a PUBLISH.
    fn published(&self) -> (String, Option<u16>, String) {
        let qos = match self.first {
            0x30 => 0,
            0x32 => 2,
            other => panic!("no PUBLISH: {other:x}"),
        };
        let (length, rest) = self.body.split_first_chunk().unwrap();
        let (topic, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        let (id, payload) = rest.split_at(qos);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(topic), id.first_chunk().map(|id| u16::from_be_bytes(*id)), text(payload))
    }
}

impl Device {
    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn publish(&mut self, topic: &str, payload: &str) {
        self.send(&client::publish(topic, None, false, payload.as_bytes())).await;
    }

    async fn receive(&mut self) -> Packet {
        let first = self.stream.read_u8().await.unwrap();
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.unwrap();
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Packet { first, body }
    }

    async fn published(&mut self) -> (String, Option<u16>, String) {
        self.receive().await.published()
    }

    /// Topic and payload of the next message, which asks for no acknowledgement.
    async fn message(&mut self) -> (String, String) {
        let (topic, id, payload) = self.published().await;
        assert_eq!(id, None);
        (topic, payload)
    }

    /// Nothing came after everything said so far was dealt with.
    async fn hears_nothing(&mut self) {
        self.send(&client::PINGREQ).await;
        assert_eq!(self.receive().await, Packet::of(0xD0, b""));
    }

    /// What came before the hub closed the stream; the link's task has ended then.
    async fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        (&mut self.task).await.unwrap();
        rest
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
