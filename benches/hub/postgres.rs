//! Durable writes over HTTPS by hubs that share a PostgreSQL, and what it does alone.

use std::time::Duration;

use crate::{
    alone, devices, load,
    process::Hub,
    server::Postgres,
    support::{Folder, figure, heading},
};

const CLIENTS: u64 = 64;
const TIME: Duration = Duration::from_secs(15);

pub(crate) async fn run(count: u64) {
    let Some(database) = Postgres::start() else { return };
    let folder = Folder::new("postgres");
    let first = start(&folder, "first", &database);
    devices::register(&first, count).await;
    heading(&format!(
        "PATCH of {count} twins on PostgreSQL, {CLIENTS} clients at each hub over HTTPS, each answered when durable"
    ));
    measure("one hub", &[&first], count, &database).await;
    let second = start(&folder, "second", &database);
    measure("two hubs over one database", &[&first, &second], count, &database).await;
    // Their connections are for the clients below.
    drop((first, second));
    alone::run(&database.url(), count, CLIENTS, TIME).await;
}

/// A hub with a state folder of its own.
pub(crate) fn start(folder: &Folder, name: &str, database: &Postgres) -> Hub {
    let own = folder.path().join(name);
    std::fs::create_dir_all(&own).expect("a folder");
    Hub::start(&own, &["--store", &database.url()])
}

async fn measure(what: &str, hubs: &[&Hub], count: u64, database: &Postgres) {
    let clients = CLIENTS * hubs.len() as u64;
    load::patches(hubs, count, clients, TIME / 5, load::value).await;
    let used = || hubs.iter().map(|hub| hub.cpu()).sum::<f64>();
    let (cpu, commits) = (used(), alone::commits(&database.url()).await);
    let done = load::patches(hubs, count, clients, TIME, load::value).await;
    let written = done.rate * TIME.as_secs_f64();
    load::print(what, &done, "6,000", "-");
    figure("  the hubs' processor time for each", (used() - cpu) * 1e6 / written, "us", "-");
    figure("  transactions for each", (alone::commits(&database.url()).await - commits) / written, "", "-");
}
