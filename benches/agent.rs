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
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttc::{ConnAck, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, SubscribeReasonCode};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};
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
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/?$version=";
/// How long it is watched doing nothing.
const MINUTE: Duration = Duration::from_mins(1);
/// Desired patches, one after the other was answered.
const PATCHES: u32 = 200;
/// Looks at everything.
const PASSES: u32 = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let named = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let program = PathBuf::from(named.unwrap_or_else(|| USUAL.to_owned()));
    let Ok(about) = std::fs::metadata(&program) else {
        println!("there is no {}; build it first, or name another", program.display());
        return;
    };
    heading(&program.display().to_string());
    figure("size of the program", megabytes(about.len()), "MB", "5");
    let folder = Folder::new("agent");
    let (listener, acceptor) = hub(folder.path()).await;
    let start = Instant::now();
    let mut agent = Agent::start(&program, folder.path(), &listener);
    let stream = listener.accept().await.expect("the agent connects").0;
    let mut peer = Peer { stream: acceptor.accept(stream).await.expect("TLS"), buffer: BytesMut::new(), reported: 0 };
    peer.until_idle().await;
    figure("from its start to a method answered", start.elapsed().as_secs_f64() * 1e3, "ms", "-");
    let process = agent.0.id().to_string();
    figure("memory when idle, connected over TLS", memory_mb(&process, "VmRSS:"), "MB", "8");
    figure("  of that its own, not of the program's file", memory_mb(&process, "RssAnon:"), "MB", "-");
    figure("most memory held", memory_mb(&process, "VmHWM:"), "MB", "-");
    at_work(&mut peer, &process, folder.path()).await;
    assert!(agent.0.try_wait().expect("a child").is_none(), "it still runs");
}

/// What it costs to stay, to answer a patch, and to look at everything.
async fn at_work(peer: &mut Peer, process: &str, folder: &Path) {
    let before = wake_ups(process);
    tokio::time::sleep(MINUTE).await;
    figure("wake-ups in a minute, idle", wake_ups(process) - before, "", "0");
    let before = cpu_seconds(process);
    for version in 2..PATCHES + 2 {
        peer.patch(version, json!({ "twinops": { "revision": format!("{version:040}") } })).await;
    }
    let each = (cpu_seconds(process) - before) / f64::from(PATCHES);
    figure("CPU of a desired patch, receipt to ack", each * 1e6, "us", "300");
    peer.patch(PATCHES + 2, everything(folder)).await;
    let (before, programs) = (cpu_seconds(process), children_seconds(process));
    for _ in 0..PASSES {
        peer.publish(METHOD, "null".to_owned()).await;
        while !peer.step().await {}
    }
    let each = |seconds: f64| seconds / f64::from(PASSES) * 1e3;
    figure("CPU of a pass, every component declared, nothing differs", each(cpu_seconds(process) - before), "ms", "50");
    figure("  of the programs that it ran", each(children_seconds(process) - programs), "ms", "-");
}

/// Something for every component. What needs a running system is answered from an image without a look.
fn everything(folder: &Path) -> Value {
    let zone = folder.join("usr/share/zoneinfo/Europe/Berlin");
    std::fs::create_dir_all(zone.parent().expect("a folder")).expect("room on the disk");
    std::fs::write(zone, "TZif").expect("room on the disk");
    let files: serde_json::Map<String, Value> = (0..10)
        .map(|at| (format!("f{at}"), json!({ "path": format!("/managed/{at}"), "content": "x".repeat(500) })))
        .collect();
    json!({
        "apps": { "__t": "c", "line": { "type": "deb", "version": "1.0.0" } },
        "certificates": { "__t": "c" },
        "files": files,
        "packages": { "__t": "c", "jq": { "name": "jq" } },
        "reboot": { "__t": "c", "once": "2099-01-01T00:00:00Z" },
        "services": { "__t": "c", "cron": { "startup": "auto" } },
        "telemetry": { "__t": "c", "level": "disabled" },
        "time": { "__t": "c", "timeZone": "Europe/Berlin" },
        "updates": { "__t": "c", "mode": "manual" },
        "wifi": { "__t": "c", "plant": { "ssid": "plant", "security": "open" } }
    })
}

/// How often the threads of a process went to sleep so far, and so were woken.
fn wake_ups(process: &str) -> f64 {
    let field = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<f64>().ok()).unwrap_or(0.0)
    };
    threads(process, "status").map(field).sum()
}

/// Processor time of a process so far, to the nanosecond.
fn cpu_seconds(process: &str) -> f64 {
    let field = |stat: String| stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0);
    threads(process, "schedstat").map(field).sum::<f64>() / 1e9
}

/// Processor time of the programs that a process ran to their end, in hundredths.
fn children_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    after_name.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A file of each thread.
fn threads(process: &str, file: &'static str) -> impl Iterator<Item = String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    threads.flatten().filter_map(move |thread| std::fs::read_to_string(thread.path().join(file)).ok())
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
            .args([
                "--mqtt",
                &format!("localhost:{port}"),
                "--report-only",
                "--files-root",
                "/managed",
                "--service",
                "*",
            ])
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
    /// Reports so far.
    reported: u64,
}

impl Peer {
    /// Answers the agent until it has reported, and has answered a method after that.
    async fn until_idle(&mut self) {
        while self.reported < 1 {
            self.step().await;
        }
        self.publish(METHOD, "null".to_owned()).await;
        while !self.step().await {}
    }

    /// Hands the agent a patch, and waits until it has answered that.
    async fn patch(&mut self, version: u32, patch: Value) {
        let mut patch = patch;
        patch["$version"] = version.into();
        self.publish(&format!("{DESIRED}{version}"), patch.to_string()).await;
        let before = self.reported;
        while self.reported == before {
            self.step().await;
        }
    }

    /// Answers one packet of the agent; whether it was the answer to a method.
    async fn step(&mut self) -> bool {
        match self.read().await {
            Packet::Connect(_) => {
                self.write(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
            }
            Packet::Subscribe(subscribe) => {
                let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
                self.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
            }
            Packet::Publish(message) if message.topic.starts_with(ANSWER) => return true,
            Packet::Publish(message) => self.answer(&message).await,
            Packet::PingReq => self.write(Packet::PingResp).await,
            _ => {}
        }
        false
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
            self.reported += 1;
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
