//! Many clients that write at once, and what they waited.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    devices,
    process::Hub,
    rest::Rest,
    support::{Numbers, figure},
};

/// What a run came to.
pub(crate) struct Load {
    /// Writes a second.
    pub(crate) rate: f64,
    /// How long each took, in order.
    waits: Vec<Duration>,
}

impl Load {
    /// The wait that `percent` of them stayed below, in milliseconds.
    pub(crate) fn wait(&self, percent: f64) -> f64 {
        percentile(&self.waits, percent)
    }
}

/// A percentile of sorted times, in milliseconds.
pub(crate) fn percentile(sorted: &[Duration], percent: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let at = (sorted.len() as f64 * percent / 100.0) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
}

/// Makes what a twin is patched with.
pub(crate) type Body = fn(&mut Numbers) -> String;

/// One value.
pub(crate) fn value(numbers: &mut Numbers) -> String {
    format!("{{\"properties\":{{\"desired\":{{\"telemetry\":{{\"every\":{}}}}}}}}}", numbers.below(600))
}

/// Patches random twins with `clients` clients spread over `hubs`, for `time`.
pub(crate) async fn patches(hubs: &[&Hub], devices: u64, clients: u64, time: Duration, body: Body) -> Load {
    let written = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let hub = hubs[usize::try_from(client).expect("few clients") % hubs.len()];
        let rest = Rest::open(hub.http, hub.tls(), &hub.token()).await;
        let written = Arc::clone(&written);
        let numbers = Numbers::new(client);
        tasks.spawn(write(rest, numbers, devices, time, written, body));
    }
    let start = Instant::now();
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done.expect("a client ends well"));
    }
    waits.sort_unstable();
    Load { rate: written.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64(), waits }
}

async fn write(
    mut rest: Rest,
    mut numbers: Numbers,
    devices: u64,
    time: Duration,
    written: Arc<AtomicU64>,
    body: Body,
) -> Vec<Duration> {
    let mut waits = Vec::with_capacity(100_000);
    let end = Instant::now() + time;
    while Instant::now() < end {
        let path = format!("/twins/{}", devices::name(numbers.below(devices)));
        let body = body(&mut numbers);
        let start = Instant::now();
        let (status, answer) = rest.call("PATCH", &path, body.as_bytes(), "").await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
        waits.push(start.elapsed());
        written.fetch_add(1, Ordering::Relaxed);
    }
    waits
}

/// Prints rate and waits of a run.
pub(crate) fn print(what: &str, load: &Load, rate: &str, wait: &str) {
    figure(what, load.rate, "writes/s", rate);
    figure("  half of them within", load.wait(50.0), "ms", "-");
    figure("  99 of 100 within", load.wait(99.0), "ms", wait);
}
