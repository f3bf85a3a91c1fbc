//! Durable writes over HTTPS.

use std::time::Duration;

use crate::{
    devices, load, peer,
    process::Hub,
    support::{Folder, figure, heading, timed_async},
};

const CLIENTS: u64 = 64;
const TIME: Duration = Duration::from_secs(15);

pub(crate) async fn run(count: u64) {
    let folder = Folder::new("patch");
    let hub = Hub::start(folder.path(), &[]);
    devices::register(&hub, count).await;
    heading(&format!("PATCH of {count} twins, {CLIENTS} clients over HTTPS, each answered after it is on disk"));
    load::patches(&[&hub], count, CLIENTS, TIME / 5, load::value).await;
    let cpu = hub.cpu();
    let (done, clients) = timed_async(load::patches(&[&hub], count, CLIENTS, TIME, load::value)).await;
    let written = done.rate * clients.time.as_secs_f64();
    load::print("the hub, embedded store", &done, "12,000", "50");
    figure("  the hub's processor time for each", (hub.cpu() - cpu) * 1e6 / written, "us", "-");
    figure("  the clients' processor time for each", clients.cpu * 1e6 / written, "us", "-");
    drop(hub);
    peer::sqlite(folder.path(), CLIENTS, TIME);
}
