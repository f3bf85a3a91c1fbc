//! The small agent: how large it is, and what it holds when it has nothing to do.
//!
//! `cargo bench --bench agent [-- PROGRAM]` measures a `twinops-agent` that was built before:
//! `cargo build --profile agent --no-default-features --features agent --bin twinops-agent`. The program is started against
//! a hub of a few lines, over TLS on this machine; when it has its twin, has reported and has answered a method, it is
//! idle, and its memory is read.

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]

mod support;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Instant,
};

use bytes::BytesMut;
use rumqttc::{ConnAck, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, SubscribeReasonCode};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde_json::json;
use support::{Folder, figure, heading, memory_mb};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const USUAL: &str = "target/agent/twinops-agent";
const LIMIT: usize = 1 << 20;
/// A device of a hub that checks nothing.
const CONNECTION: &str = "HostName=localhost;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const TWIN: &str = "$iothub/twin/GET/?$rid=";
const REPORTED: &str = "$iothub/twin/PATCH/properties/reported/?$rid=";
const METHOD: &str = "$iothub/methods/POST/twinops*recheck/?$rid=1";
const ANSWER: &str = "$iothub/methods/res/";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let named = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let program = PathBuf::from(named.unwrap_or_else(|| USUAL.to_owned()));
    let Ok(about) = std::fs::metadata(&program) else {
        println!("there is no {}; build it first, or name another", program.display());
        return;
    };
    heading(&program.display().to_string());
    figure("size of the program", megabytes(about.len()), "MB", "6");
    let folder = Folder::new("agent");
    let (listener, acceptor) = hub(folder.path()).await;
    let start = Instant::now();
    let mut agent = Agent::start(&program, folder.path(), &listener);
    let stream = listener.accept().await.expect("the agent connects").0;
    let mut peer = Peer { stream: acceptor.accept(stream).await.expect("TLS"), buffer: BytesMut::new() };
    peer.until_idle().await;
    figure("from its start to a method answered", start.elapsed().as_secs_f64() * 1e3, "ms", "-");
    let process = agent.0.id().to_string();
    figure("memory when idle, connected over TLS", memory_mb(&process, "VmRSS:"), "MB", "10");
    figure("  of that its own, not of the program's file", memory_mb(&process, "RssAnon:"), "MB", "-");
    figure("most memory held", memory_mb(&process, "VmHWM:"), "MB", "-");
    assert!(agent.0.try_wait().expect("a child").is_none(), "it still runs");
}

#[expect(clippy::cast_precision_loss, reason = "a program is no terabyte")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A running agent; ends with this value.
struct Agent(Child);

impl Agent {
    fn start(program: &Path, folder: &Path, listener: &TcpListener) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let child = Command::new(program)
            .env("IOTHUB_DEVICE_CONNECTION_STRING", CONNECTION)
            .env("TWINOPS_LOG", "error")
            .args(["--mqtt", &format!("localhost:{port}"), "--report-only"])
            .arg("--ca")
            .arg(folder.join("ca.pem"))
            .arg("--state")
            .arg(folder.join("state"))
            .arg("--root")
            .arg(folder)
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("the agent starts"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _no_zombie = self.0.wait();
    }
}

/// Where the agent connects to, with a certificate made for the purpose.
async fn hub(folder: &Path) -> (TcpListener, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("ca.pem"), made.cert.pem()).expect("room on the disk");
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).expect("TLS");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    (listener, TlsAcceptor::from(Arc::new(config)))
}

/// The hub's end of the agent's connection.
struct Peer {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

impl Peer {
    /// Answers the agent until it has reported, and has answered a method after that.
    async fn until_idle(&mut self) {
        loop {
            match self.read().await {
                Packet::Connect(_) => {
                    self.write(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
                }
                Packet::Subscribe(subscribe) => {
                    let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
                    self.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
                }
                Packet::Publish(message) if message.topic.starts_with(ANSWER) => return,
                Packet::Publish(message) => self.answer(&message).await,
                Packet::PingReq => self.write(Packet::PingResp).await,
                _ => {}
            }
        }
    }

    async fn answer(&mut self, message: &Publish) {
        if message.pkid != 0 {
            self.write(Packet::PubAck(PubAck::new(message.pkid))).await;
        }
        if let Some(rid) = message.topic.strip_prefix(TWIN) {
            let desired = json!({ "twinops": { "__t": "c", "revision": "1".repeat(40) }, "$version": 1 });
            let twin = json!({ "desired": desired, "reported": { "$version": 1 } });
            self.publish(&format!("$iothub/twin/res/200/?$rid={rid}"), twin.to_string()).await;
        } else if let Some(rid) = message.topic.strip_prefix(REPORTED) {
            self.publish(&format!("$iothub/twin/res/204/?$rid={rid}&$version=2"), String::new()).await;
            self.publish(METHOD, "null".to_owned()).await;
        }
    }

    async fn read(&mut self) -> Packet {
        loop {
            match Packet::read(&mut self.buffer, LIMIT) {
                Ok(packet) => return packet,
                Err(rumqttc::Error::InsufficientBytes(_)) => {
                    let read = self.stream.read_buf(&mut self.buffer).await.expect("the agent stays");
                    assert_ne!(read, 0, "the agent stays");
                }
                Err(fault) => panic!("the agent speaks MQTT: {fault}"),
            }
        }
    }

    async fn publish(&mut self, topic: &str, body: String) {
        self.write(Packet::Publish(Publish::new(topic, QoS::AtMostOnce, body))).await;
    }

    async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, LIMIT).expect("a packet");
        self.stream.write_all(&bytes).await.expect("the agent stays");
        self.stream.flush().await.expect("the agent stays");
    }
}
