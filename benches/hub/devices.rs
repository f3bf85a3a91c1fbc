//! Devices for the hub, registered a hundred at a time.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::task::JoinSet;

use crate::{process::Hub, rest::Rest};

/// Most entries of a request.
const AT_ONCE: u64 = 100;
/// Requests under way.
const CLIENTS: usize = 32;
/// One key for all of them: what is measured is the hub, not the making of keys.
pub(crate) const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub(crate) fn name(number: u64) -> String {
    format!("kiosk-{number:07}")
}

/// Reads the twins of `count` devices, so that the hub has in memory what it keeps of them.
pub(crate) async fn read(hub: &Hub, count: u64) {
    each(hub, count, 1, |number, _| ("GET", format!("/twins/{}", name(number)), String::new())).await;
}

/// Registers `count` devices with tags and properties that make twins of about 1.7 KB.
pub(crate) async fn register(hub: &Hub, count: u64) {
    each(hub, count, AT_ONCE, |first, end| ("POST", "/devices".to_owned(), entries(first, end))).await;
}

/// Sends the request for each `step` devices, from the first of them to before the end, which succeeds.
async fn each(hub: &Hub, count: u64, step: u64, request: fn(u64, u64) -> (&'static str, String, String)) {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut rest = Rest::open(hub.http, hub.tls(), &hub.token()).await;
        let next = Arc::clone(&next);
        clients.spawn(async move {
            loop {
                let first = next.fetch_add(step, Ordering::Relaxed);
                if first >= count {
                    return;
                }
                let (method, path, body) = request(first, (first + step).min(count));
                let (status, answer) = rest.call(method, &path, body.as_bytes(), "").await;
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("a client ends well");
    }
}

fn entries(first: u64, end: u64) -> String {
    let mut body = "[".to_owned();
    for number in first..end {
        let between = if number > first { "," } else { "" };
        let text = "The quick brown fox jumps over the lazy dog and asks what else it is to do today.";
        write!(
            body,
            r#"{between}{{"id":"{}","importMode":"create","status":"enabled","authentication":{{"type":"sas","symmetricKey":{{"primaryKey":"{KEY}","secondaryKey":"{KEY}"}}}},"tags":{{"role":"kiosk","site":"site-{}","ring":"{}","floor":{}}},"properties":{{"desired":{{"windows":{{"timeInfo":{{"ntpServer":"time.contoso.example","timeZone":"W. Europe Standard Time"}},"updates":{{"ring":"broad","defer":7,"hours":[8,18]}}}},"files":{{"motd":{{"path":"/etc/motd","content":"{text}"}}}},"telemetry":{{"level":"basic","every":{}}}}}}}}}"#,
            name(number),
            number % 5000,
            number % 4,
            number % 40,
            number % 600,
        )
        .expect("a text grows");
    }
    body.push(']');
    body
}
