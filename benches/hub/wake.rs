//! From the answer of a PATCH at one hub to the device at another that hears of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use crate::{
    alone, devices, load, mqtt, notify, postgres,
    process::Hub,
    server::Postgres,
    support::{Folder, figure, heading},
};

/// Writes a second.
const PACE: u64 = 5_000;
/// Handshakes under way.
const AT_ONCE: usize = 32;

pub(crate) async fn run(count: u64) {
    let Some(database) = Postgres::start() else { return };
    heading(&format!("desired patches at one hub, {PACE} a second, to {count} devices at another"));
    let folder = Folder::new("wake");
    let (near, far) = (postgres::start(&folder, "near", &database), postgres::start(&folder, "far", &database));
    devices::register(&near, count).await;
    let (heard, mut hearings) = mpsc::unbounded_channel();
    let links = connect(&far, count, &heard).await;
    let commits = alone::commits(&database.url()).await;
    let answers = notify::write(&near, count, PACE).await;
    let (written, time) = (answers.len() as f64, span(&answers).as_secs_f64());
    let commits = alone::commits(&database.url()).await - commits;
    let waits = notify::waits(answers, &mut hearings).await;
    figure("writes answered", written / time, "writes/s", "5,000");
    figure("half of them heard within", load::percentile(&waits, 50.0), "ms", "-");
    figure("99 of 100 heard within", load::percentile(&waits, 99.0), "ms", "25");
    figure("transactions for each write", commits / written, "", "-");
    drop(links);
}

/// From the first answer to the last one: connections were made before.
fn span(answers: &[notify::Moment]) -> Duration {
    let times = || answers.iter().map(|(_, when)| *when);
    times().max().zip(times().min()).map_or(Duration::ZERO, |(last, first)| last - first)
}

/// Devices that say what they hear.
async fn connect(hub: &Hub, count: u64, heard: &mpsc::UnboundedSender<notify::Moment>) -> JoinSet<()> {
    let (turns, mut links) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let (there, mut all) = mpsc::unbounded_channel();
    for number in 0..count {
        let (turns, heard, there, address, tls) =
            (Arc::clone(&turns), heard.clone(), there.clone(), hub.mqtt, hub.tls());
        links.spawn(async move {
            let turn = turns.acquire().await;
            let mut device = mqtt::over_tls(address, tls, number).await;
            drop(turn);
            there.send(()).expect("somebody counts");
            while let Some(patch) = device.published().await {
                let Ok(write) = notify::write_number(&patch) else { return };
                if heard.send((write, Instant::now())).is_err() {
                    return;
                }
            }
        });
    }
    for _ in 0..count {
        all.recv().await.expect("a device connects");
    }
    links
}
