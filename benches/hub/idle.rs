//! What links cost that do nothing, and what it costs to make them.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::task::JoinSet;

use crate::{
    devices,
    mqtt::{self, Device},
    process::Hub,
    support::{Folder, figure, heading},
};

/// Handshakes under way.
const AT_ONCE: usize = 32;

/// Memory of idle links.
pub(crate) async fn memory(count: u64) {
    heading(&format!("{count} idle links, each with two subscriptions"));
    let folder = Folder::new("idle");
    let plain = free_address();
    let hub = Hub::start(folder.path(), &["--mqtt-plain", &plain.to_string()]);
    devices::register(&hub, count).await;
    warm(&hub).await;
    let before = hub.memory();
    let (address, tls) = (hub.mqtt, hub.tls());
    let links = connect_all(count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
    figure("memory of a link with TLS", (hub.memory() - before) / count as f64, "bytes", "13,000");
    drop(links);
    drop(hub);
    let hub = Hub::start(folder.path(), &["--mqtt-plain", &plain.to_string()]);
    warm(&hub).await;
    let before = hub.memory();
    let links = connect_all(count, move |number| mqtt::plain(plain, number)).await;
    figure(
        "memory of a plain link, for use behind a TLS proxy",
        (hub.memory() - before) / count as f64,
        "bytes",
        "2,000",
    );
    drop(links);
}

/// Processor time of connects.
pub(crate) async fn connects(count: u64) {
    heading(&format!("{count} connects over TLS, with token and two subscriptions"));
    let folder = Folder::new("connect");
    let hub = Hub::start(folder.path(), &[]);
    devices::register(&hub, count).await;
    warm(&hub).await;
    let cpu = hub.cpu();
    let start = std::time::Instant::now();
    let (address, tls) = (hub.mqtt, hub.tls());
    let links = connect_all(count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
    let time = start.elapsed().as_secs_f64();
    figure("the hub's processor time for each", (hub.cpu() - cpu) * 1e6 / count as f64, "us", "250");
    figure("connects, clients on the same processors", count as f64 / time, "connects/s", "-");
    drop(links);
}

/// The first links make what all of them share.
async fn warm(hub: &Hub) {
    for number in 0..20 {
        drop(mqtt::over_tls(hub.mqtt, hub.tls(), number).await);
    }
}

/// Connects devices, a few at a time, and keeps them.
pub(crate) async fn connect_all<T: Send + 'static, F>(
    count: u64,
    connect: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Vec<(u64, Device<T>)>
where
    F: Future<Output = Device<T>> + Send + 'static,
{
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, connect) = (Arc::clone(&next), connect.clone());
        tasks.spawn(async move {
            let mut links = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
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

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}
