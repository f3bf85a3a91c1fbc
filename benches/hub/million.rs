//! One million twins.

use std::{path::Path, time::Instant};

use crate::{
    devices,
    process::Hub,
    rest::Rest,
    support::{Folder, figure, heading},
};

pub(crate) async fn run(count: u64) {
    heading(&format!("{count} twins"));
    let folder = Folder::new("million");
    let hub = Hub::start(folder.path(), &[]);
    let start = Instant::now();
    devices::register(&hub, count).await;
    figure("registered in bulk, 100 a request", count as f64 / start.elapsed().as_secs_f64(), "devices/s", "20,000");
    figure("  on disk", size(&folder.path().join("state")) / 1e6, "MB", "-");
    figure("  memory of the hub, at most", hub.peak() / 1e6, "MB", "1,000");
    hub.kill();
    let start = Instant::now();
    let hub = Hub::start(folder.path(), &[]);
    let mut rest = Rest::open(hub.http, hub.tls(), &hub.token()).await;
    let path = format!("/twins/{}", devices::name(7));
    assert_eq!(rest.call("GET", &path, b"", "").await.0, 200);
    figure("restart after a kill, to the first answer", start.elapsed().as_secs_f64(), "s", "5");
    many_times(&mut rest, "query by a tag, 200 twins", |site| format!("tags.site = 'site-{site}'")).await;
    many_times(&mut rest, "  by one of 20 tags and another one", |site| {
        let sites: Vec<String> = (0..20).map(|other| format!("'site-{}'", site * 20 + other)).collect();
        format!("tags.site IN [{}] AND tags.ring = '{}'", sites.join(", "), site % 4)
    })
    .await;
    many_times(&mut rest, "  by the beginning of a tag", |site| {
        format!("STARTSWITH(tags.site, 'site-42{}')", site % 10)
    })
    .await;
    many_times(&mut rest, "  by the beginning of an id", |site| format!("STARTSWITH(deviceId, 'kiosk-0000{site:02}')"))
        .await;
    let took = once(&mut rest, "SELECT COUNT() AS n FROM devices").await;
    figure("all counted", took * 1e3, "ms", "-");
    let took = once(&mut rest, "SELECT COUNT() AS n FROM devices WHERE tags.ring = '1'").await;
    figure("those with a tag counted", took * 1e3, "ms", "-");
    let took = once(&mut rest, "SELECT tags.ring AS ring, COUNT() AS n FROM devices GROUP BY tags.ring").await;
    figure("all grouped by a tag", took * 1e3, "ms", "-");
    for (what, path) in
        [("a desired", "properties.desired.telemetry.every"), ("a reported", "properties.reported.none")]
    {
        let took = once(&mut rest, &format!("SELECT COUNT() AS n FROM devices WHERE {path} = 1")).await;
        figure(&format!("looked at for {what} property"), count as f64 / took, "twins/s", "370,000");
    }
    figure("memory of the hub, at most", hub.peak() / 1e6, "MB", "1,000");
}

/// How long one query takes, in seconds.
async fn once(rest: &mut Rest, query: &str) -> f64 {
    let body = serde_json::json!({ "query": query }).to_string();
    let start = Instant::now();
    let (status, _) = rest.call("POST", "/devices/query", body.as_bytes(), "x-ms-max-item-count: 1000\r\n").await;
    let took = start.elapsed();
    assert_eq!(status, 200, "{query}");
    took.as_secs_f64()
}

/// Fifty queries for different twins.
async fn many_times(rest: &mut Rest, what: &str, condition: impl Fn(u32) -> String) {
    let mut times = Vec::new();
    for round in 0..50 {
        let took = once(rest, &format!("SELECT * FROM devices WHERE {}", condition(round))).await;
        times.push(std::time::Duration::from_secs_f64(took));
    }
    times.sort_unstable();
    figure(&format!("{what}: half within"), crate::load::percentile(&times, 50.0), "ms", "50");
    figure("    longest", crate::load::percentile(&times, 100.0), "ms", "-");
}

fn size(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).expect("the state").map_while(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|entry| entry.len() as f64).sum()
}
