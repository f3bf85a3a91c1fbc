//! Carrying out a plan: PATCH requests per second against a hub that answers at once.
//!
//! `cargo bench --bench reconcile` writes 100,000 twins over HTTP on this machine, each under its etag and with its
//! outcome counted, 32 at a time. The hub is a few lines that read a request and answer a twin of 1 KB; it runs on
//! the same processors. The peer beside it is the HTTP library in a bare loop: no credentials, no outcome, nobody who slows down
//! when the hub asks for it.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{net::SocketAddr, sync::Arc};

use futures_util::{StreamExt as _, stream};
use serde_json::{json, value::RawValue};
use support::{again, figure, heading, peak_mb, size};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use twinops::{
    client::{HubClient, Options},
    iothub::ServiceConnection,
    plan::{Group, GroupKind, Plan, PlannedDevice},
    reconcile::{
        Event, Limits, apply,
        ports::{Replan, Replanned, TwinText},
    },
    task::Stop,
    twin::DeviceId,
};

const IN_FLIGHT: usize = 32;
const ETAG: &str = "AAAAAAAAAAE=";
/// Key of the policy: of a hub that checks nothing.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn main() {
    if let Some(words) = support::words() {
        let [what, size] = words.as_slice() else { unreachable!("two words, below") };
        let size = size.parse().expect("a number, below");
        let runtime = Runtime::new().expect("a runtime");
        return runtime.block_on(async { if what == "peer" { run_peer(size).await } else { run(size).await } });
    }
    let size = size(100_000);
    heading(&format!("{size} twins to write, {IN_FLIGHT} at a time"));
    again(&["reconcile", &size.to_string()]);
    again(&["peer", &size.to_string()]);
}

async fn run(size: u64) {
    let address = hub().await;
    let text = format!("HostName=hub.example;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}");
    let connection = ServiceConnection::parse(&text).expect("a connection string");
    let client = HubClient::connect_plain(address, &connection, Options::default()).expect("a client");
    let limits = Limits { concurrency: IN_FLIGHT, ..Limits::default() };
    let (plan, stop) = (plan(size), Stop::new());
    let work = apply(plan, &client, &Never, limits, &|_: Event| {}, &stop);
    let (outcome, cost) = support::timed_async(work).await;
    assert_eq!((outcome.applied, outcome.is_complete()), (size, true), "every twin is written");
    figure("reconcile", cost.rate(size), "twins/s", "20,000");
    figure("  processor time a twin, the hub's included", cost.each(size), "us", "100 (two processors)");
    figure("  most memory held", peak_mb(), "MB", "-");
}

async fn run_peer(size: u64) {
    let address = hub().await;
    let _first_choice_stands = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = bytes::Bytes::from(patch().get().to_owned());
    let write = |index: u64| {
        let url = format!("http://{address}/twins/device-{index:07}?api-version=2021-04-12");
        let request = client.patch(url).header("if-match", format!("\"{ETAG}\"")).body(body.clone());
        async move {
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success());
            answer.bytes().await.expect("a body").len()
        }
    };
    let work = stream::iter(0..size).map(write).buffer_unordered(IN_FLIGHT).count();
    let (count, cost) = support::timed_async(work).await;
    assert_eq!(count as u64, size);
    figure("peer: the HTTP library in a bare loop", cost.rate(size), "twins/s", "-");
    figure("  processor time a twin, the hub's included", cost.each(size), "us", "-");
    figure("  most memory held", peak_mb(), "MB", "-");
}

/// Nothing moves on here, so nothing is planned afresh.
struct Never;

impl Replan for Never {
    fn replan(&self, _: &TwinText) -> Result<Option<Replanned>, String> {
        Err("no twin moves on here".to_owned())
    }
}

fn patch() -> Arc<RawValue> {
    let patch = json!({
        "tags": { "twinops": { "bench": { "revision": "1".repeat(40), "sources": ["Profile/base", "Profile/kiosk"] } } },
        "properties": { "desired": { "time": { "__t": "c", "timeZone": "Europe/Berlin" } } }
    });
    RawValue::from_string(patch.to_string()).expect("JSON").into()
}

fn plan(size: u64) -> Plan {
    let planned = |index| PlannedDevice {
        device: DeviceId::new(&format!("device-{index:07}")).expect("an id"),
        etag: Some(ETAG.into()),
        managed: true,
        register: None,
    };
    let devices = (0..size).map(planned).collect();
    let group = Group { kind: GroupKind::Change, deltas: Arc::default(), patch: patch(), before: None, devices };
    Plan { fleet: "bench".to_owned(), revision: "1".repeat(40), groups: vec![group], ..Plan::default() }
}

/// A hub that answers every request with the same twin; where it listens.
async fn hub() -> SocketAddr {
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
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.clone()));
        }
    });
    address
}

/// Answers until the other side has gone.
async fn serve(mut stream: TcpStream, answer: Arc<[u8]>) {
    let mut read = Vec::with_capacity(8 << 10);
    stream.set_nodelay(true).expect("a connection takes options");
    while let Ok(1..) = stream.read_buf(&mut read).await {
        while let Some(length) = request_length(&read).filter(|length| *length <= read.len()) {
            read.drain(..length);
            if stream.write_all(&answer).await.is_err() {
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
