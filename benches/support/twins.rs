//! A hub of a few lines that answers every write with the same twin, and a plan for it.

use std::{net::SocketAddr, sync::Arc};

use serde_json::{json, value::RawValue};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use twinops::{
    client::{HubClient, Options},
    iothub::ServiceConnection,
    plan::{Group, GroupKind, Plan, PlannedDevice},
    reconcile::ports::{Replan, Replanned, TwinText},
    twin::DeviceId,
};

/// The etag of every twin.
pub const ETAG: &str = "AAAAAAAAAAE=";
/// Key of the policy: of a hub that checks nothing.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A client for the hub at this address.
pub fn client(address: SocketAddr) -> HubClient {
    let text = format!("HostName=hub.example;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}");
    let connection = ServiceConnection::parse(&text).expect("a connection string");
    HubClient::connect_plain(address, &connection, Options::default()).expect("a client")
}

/// Nothing moves on here, so nothing is planned afresh.
pub struct Never;

impl Replan for Never {
    fn replan(&self, _: &TwinText) -> Result<Option<Replanned>, String> {
        Err("no twin moves on here".to_owned())
    }
}

/// The body of every write.
pub fn patch() -> Arc<RawValue> {
    let patch = json!({
        "tags": { "twinops": { "bench": { "revision": "1".repeat(40), "sources": ["Profile/base", "Profile/kiosk"] } } },
        "properties": { "desired": { "time": { "__t": "c", "timeZone": "Europe/Berlin" } } }
    });
    RawValue::from_string(patch.to_string()).expect("JSON").into()
}

/// A write for so many devices.
pub fn plan(size: u64) -> Plan {
    let planned = |index| PlannedDevice {
        device: DeviceId::new(&format!("device-{index:07}")).expect("an id"),
        etag: Some(ETAG.into()),
        managed: true,
        register: None,
    };
    let devices = (0..size).map(planned).collect();
    let group = Group {
        kind: GroupKind::Change,
        deltas: Arc::default(),
        patch: patch(),
        before: None,
        redacted: None,
        goes_back: false,
        devices,
    };
    Plan { fleet: "bench".to_owned(), revision: "1".repeat(40), groups: vec![group], ..Plan::default() }
}

/// A hub that answers every request with the same twin, or with 429 when `takes` says so; where it listens.
pub async fn hub(takes: impl Fn() -> bool + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let twin = json!({
        "deviceId": "device", "etag": ETAG, "version": 5, "status": "enabled", "connectionState": "Connected",
        "tags": { "role": "kiosk", "site": "berlin" },
        "properties": { "desired": { "notes": "x".repeat(800), "$version": 4 }, "reported": { "$version": 1 } }
    });
    let twin = twin.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nETag: \"{ETAG}\"\r\nContent-Length: {}\r\n\r\n",
        twin.len()
    );
    let answer: Arc<[u8]> = (head + &twin).into_bytes().into();
    let takes: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(takes);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.clone(), takes.clone()));
        }
    });
    address
}

/// As the hub refuses what comes too fast: without a word on when to come again (protocol reference 14).
const THROTTLED: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";

/// Answers until the other side has gone.
async fn serve(mut stream: TcpStream, answer: Arc<[u8]>, takes: Arc<dyn Fn() -> bool + Send + Sync>) {
    let mut read = Vec::with_capacity(8 << 10);
    stream.set_nodelay(true).expect("a connection takes options");
    while let Ok(1..) = stream.read_buf(&mut read).await {
        while let Some(length) = request_length(&read).filter(|length| *length <= read.len()) {
            read.drain(..length);
            let answer: &[u8] = if takes() { &answer } else { THROTTLED };
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

/// Head and body of the first request, once its head is here. Its etag has to be there as well.
fn request_length(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let lines = std::str::from_utf8(&read[..head]).expect("heads are texts").split("\r\n");
    let (mut body, mut is_conditional) = (0, false);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.parse().expect("a length");
        }
        is_conditional |= name.eq_ignore_ascii_case("if-match");
    }
    assert!(is_conditional, "every write rests on an etag");
    Some(head + body)
}
