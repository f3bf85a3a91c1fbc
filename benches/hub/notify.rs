//! From the answer of a PATCH to the device that hears of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    time::{interval_at, timeout},
};

use crate::{
    devices, idle, load, mqtt,
    process::Hub,
    rest::Rest,
    support::{Folder, Numbers, figure, heading},
};

/// Writes a second.
const PACE: u64 = 2_000;
const SECONDS: u64 = 15;
const WRITERS: u64 = 64;
/// For a write to be heard of at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happened to a write: its number, and when.
pub(crate) type Moment = (u64, Instant);

pub(crate) async fn run(count: u64) {
    heading(&format!("desired patches, {PACE} a second, to {count} devices over TLS"));
    let folder = Folder::new("notify");
    let hub = idle::start(folder.path(), &[], &[]);
    devices::register(&hub, count).await;
    let (address, tls) = (hub.mqtt, hub.tls());
    let links = idle::connect_all(0..count, move |number| mqtt::over_tls(address, Arc::clone(&tls), number)).await;
    let (heard, mut hearings) = mpsc::unbounded_channel::<Moment>();
    for (_, mut device) in links {
        let heard = heard.clone();
        tokio::spawn(async move {
            while let Some(patch) = device.published().await {
                let Ok(write) = write_number(&patch) else { return };
                if heard.send((write, Instant::now())).is_err() {
                    return;
                }
            }
        });
    }
    let answers = write(&hub, count, PACE).await;
    let waits = waits(answers, &mut hearings).await;
    figure("half of them heard within", load::percentile(&waits, 50.0), "ms", "-");
    figure("99 of 100 heard within", load::percentile(&waits, 99.0), "ms", "10");
}

/// Patches at a steady pace through `hub`; when each was answered.
pub(crate) async fn write(hub: &Hub, count: u64, pace: u64) -> Vec<Moment> {
    let (answered, mut answers) = mpsc::unbounded_channel::<Moment>();
    let mut connections = Vec::new();
    for _ in 0..WRITERS {
        connections.push(Rest::open(hub.http, hub.tls(), &hub.token()).await);
    }
    for (writer, rest) in (0..).zip(connections) {
        tokio::spawn(write_paced(rest, writer, count, pace, answered.clone()));
    }
    drop(answered);
    let mut all = Vec::new();
    while let Some(answer) = answers.recv().await {
        all.push(answer);
    }
    all
}

async fn write_paced(mut rest: Rest, writer: u64, count: u64, pace: u64, answered: mpsc::UnboundedSender<Moment>) {
    let mut numbers = Numbers::new(writer);
    let each = Duration::from_secs(1) * u32::try_from(WRITERS).expect("few") / u32::try_from(pace).expect("few");
    // One after the other, not all at once.
    let first =
        tokio::time::Instant::now() + each * u32::try_from(writer).expect("few") / u32::try_from(WRITERS).expect("few");
    let mut turn = interval_at(first, each);
    for round in 0..pace * SECONDS / WRITERS {
        turn.tick().await;
        let write = round * WRITERS + writer;
        let path = format!("/twins/{}", devices::name(numbers.below(count)));
        let body = format!("{{\"properties\":{{\"desired\":{{\"write\":{write}}}}}}}");
        let (status, answer) = rest.call("PATCH", &path, body.as_bytes(), "").await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
        answered.send((write, Instant::now())).expect("somebody counts");
    }
}

/// How long after its answer each write was heard of, in order; not at all before it counts as nothing.
pub(crate) async fn waits(answers: Vec<Moment>, hearings: &mut mpsc::UnboundedReceiver<Moment>) -> Vec<Duration> {
    let mut heard = std::collections::HashMap::with_capacity(answers.len());
    while heard.len() < answers.len() {
        let (write, when) = timeout(PATIENCE, hearings.recv()).await.ok().flatten().expect("every write is heard of");
        heard.insert(write, when);
    }
    let mut waits: Vec<Duration> =
        answers.iter().map(|(write, answered)| heard[write].saturating_duration_since(*answered)).collect();
    waits.sort_unstable();
    waits
}

/// The number that a patch carries.
pub(crate) fn write_number(patch: &[u8]) -> Result<u64, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Patch {
        write: u64,
    }
    serde_json::from_slice(patch).map(|Patch { write }| write)
}
