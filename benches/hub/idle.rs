//! What links cost that do nothing, and what it costs to make them.
//!
//! Memory is what the resident set of a new server process grew by, divided by the links, once it has come to rest. The
//! first half of the links does not count: it fills what is free in the heap, and the caches of the store. What the
//! kernel holds for the sockets is not in the figures, nor what the hub's allocator would keep for a while of what was
//! freed: it is told to give it back at once.

use std::{
    net::{SocketAddr, TcpListener},
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustls::ClientConfig;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    broker::Broker,
    devices, handshake,
    mqtt::{self, Device},
    process::{self, Hub},
    support::{Folder, figure, heading},
};

/// Handshakes under way.
const AT_ONCE: usize = 32;
/// Most links in one run: clients and server may have 20,000 open files each.
const MOST: u64 = 19_000;
/// Links that are made first, and closed: they make what all others share.
const FIRST: u64 = 20;
/// Links of the peer; what one of them costs does not depend on their number.
const OF_PEER: u64 = 5_000;
/// The allocator gives back at once what is freed.
const FRUGAL: &[(&str, &str)] = &[("MIMALLOC_PURGE_DELAY", "0")];
/// Memory that changes by less than this in a second has come to rest, in bytes.
const REST: f64 = 64.0 * 1024.0;

/// Memory of idle links.
pub(crate) async fn memory(count: u64) {
    let count = count.min(MOST);
    heading(&format!("{count} idle links, each with two subscriptions"));
    let folder = Folder::new("idle");
    let plain = free_address();
    let hub = start(folder.path(), &["--mqtt-plain", &plain.to_string()], FRUGAL);
    devices::register(&hub, count).await;
    drop(hub);
    let hub = start(folder.path(), &["--mqtt-plain", &plain.to_string()], FRUGAL);
    let (address, tls) = (hub.mqtt, hub.tls());
    let grown = grown_by(hub.id(), count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
    figure("memory of a link with TLS", grown, "bytes", "13,000");
    drop(hub);
    let hub = start(folder.path(), &["--mqtt-plain", &plain.to_string()], FRUGAL);
    let grown = grown_by(hub.id(), count, move |number| mqtt::plain(plain, number)).await;
    figure("memory of a plain link, for use behind a TLS proxy", grown, "bytes", "2,000");
    drop(hub);
    if let Some(broker) = Broker::start(folder.path()).await {
        let (address, tls, count) = (broker.address, broker.tls(), count.min(OF_PEER));
        try_out(address, &tls).await;
        let grown = grown_by(broker.id(), count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
        figure("memory of a link with TLS, mosquitto", grown, "bytes", "-");
    }
}

/// Processor time of connects.
pub(crate) async fn connects(count: u64) {
    let count = count.min(MOST);
    heading(&format!("{count} connects over TLS, with token and two subscriptions"));
    let folder = Folder::new("connect");
    handshake::alone();
    let hub = start(folder.path(), &[], &[]);
    devices::register(&hub, count).await;
    warm(&hub, count).await;
    let (used, rate) = used_by(hub.id(), count, hub.mqtt, hub.tls()).await;
    figure("the hub's processor time for each", used, "us", "250");
    figure("connects, clients on the same processors", rate, "connects/s", "-");
    let (used, _) = used_by(hub.id(), count, hub.mqtt, hub.tls()).await;
    figure("the same again, by devices whose session is known", used, "us", "-");
    drop(hub);
    if let Some(broker) = Broker::start(folder.path()).await {
        try_out(broker.address, &broker.tls()).await;
        let (used, _) = used_by(broker.id(), count.min(OF_PEER), broker.address, broker.tls()).await;
        figure("mosquitto's processor time for each", used, "us", "-");
    }
}

/// A hub that takes so many links.
pub(crate) fn start(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Hub {
    // An eighth of all connections is for the REST side alone.
    let most = (MOST * 8 / 7 + 64).to_string();
    Hub::start_with(folder, &[&["--max-connections", &most], more].concat(), variables)
}

/// What each of so many links makes the memory of a process grow by, in bytes.
async fn grown_by<T: Send + 'static, F>(
    process: u32,
    count: u64,
    connect: impl Fn(u64) -> F + Clone + Send + 'static,
) -> f64
where
    F: Future<Output = Device<T>> + Send + 'static,
{
    let first = connect_all(0..count / 2, connect.clone()).await;
    let before = rested(process).await;
    let counted = connect_all(count / 2..count, connect).await;
    let grown = (rested(process).await - before) / counted.len() as f64;
    drop((first, counted));
    grown
}

/// The memory of a process that has come to rest.
async fn rested(process: u32) -> f64 {
    let mut before = process::memory(process);
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = process::memory(process);
        if (now - before).abs() < REST {
            return now;
        }
        before = now;
    }
}

/// Processor time of a process for each of so many connects, in millionths of a second, and how many there were in a
/// second.
async fn used_by(process: u32, count: u64, address: SocketAddr, tls: Arc<ClientConfig>) -> (f64, f64) {
    let (before, start) = (process::cpu(process), Instant::now());
    let links = connect_all(0..count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
    let (time, used) = (start.elapsed().as_secs_f64(), process::cpu(process) - before);
    drop(links);
    // The links that end are no part of the next figure.
    sleep(Duration::from_secs(2)).await;
    (used * 1e6 / count as f64, count as f64 / time)
}

/// Has the hub read every twin once, and make what all links share.
pub(crate) async fn warm(hub: &Hub, count: u64) {
    devices::read(hub, count).await;
    try_out(hub.mqtt, &hub.tls()).await;
}

async fn try_out(address: SocketAddr, tls: &Arc<ClientConfig>) {
    for number in 0..FIRST {
        drop(mqtt::over_tls(address, Arc::clone(tls), number).await);
    }
}

/// Connects devices, a few at a time, and keeps them.
pub(crate) async fn connect_all<T: Send + 'static, F>(
    numbers: Range<u64>,
    connect: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Vec<(u64, Device<T>)>
where
    F: Future<Output = Device<T>> + Send + 'static,
{
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, connect) = (Arc::clone(&next), connect.clone());
        tasks.spawn(async move {
            let mut links = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return links;
                }
                links.push((number, connect(number).await));
            }
        });
    }
    let mut links = Vec::new();
    while let Some(done) = tasks.join_next().await {
        links.extend(done.expect("devices connect"));
    }
    links
}

pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}
