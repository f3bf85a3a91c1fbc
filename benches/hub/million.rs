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
    hub.kill();
    let start = Instant::now();
    let hub = Hub::start(folder.path(), &[]);
    let mut rest = Rest::open(hub.http, hub.tls(), &hub.token()).await;
    let path = format!("/twins/{}", devices::name(7));
    assert_eq!(rest.call("GET", &path, b"", "").await.0, 200);
    figure("restart after a kill, to the first answer", start.elapsed().as_secs_f64(), "s", "5");
    let mut times = Vec::new();
    for site in 0..50 {
        let body = format!("{{\"query\":\"SELECT * FROM devices WHERE tags.site = 'site-{site}'\"}}");
        let start = Instant::now();
        let (status, _) = rest.call("POST", "/devices/query", body.as_bytes(), "x-ms-max-item-count: 1000\r\n").await;
        times.push(start.elapsed());
        assert_eq!(status, 200);
    }
    times.sort_unstable();
    figure("query by a tag, 200 twins, half of them within", crate::load::percentile(&times, 50.0), "ms", "50");
    figure("  longest", crate::load::percentile(&times, 100.0), "ms", "-");
    let body = r#"{"query":"SELECT tags.ring AS ring, COUNT() AS n FROM devices GROUP BY tags.ring"}"#;
    let start = Instant::now();
    assert_eq!(rest.call("POST", "/devices/query", body.as_bytes(), "").await.0, 200);
    figure("all twins looked at", count as f64 / start.elapsed().as_secs_f64(), "twins/s", "-");
    figure("memory of the hub", hub.memory() / 1e6, "MB", "1,000");
}

fn size(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).expect("the state").map_while(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|entry| entry.len() as f64).sum()
}
