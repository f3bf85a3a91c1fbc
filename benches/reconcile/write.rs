//! PATCH requests per second against a hub that answers at once.
//!
//! Writes twins over HTTP on this machine, each under its etag and with its outcome counted, 32 at a time. The hub is a
//! few lines that read a request and answer a twin of 1 KB; it runs on the same processors. The peer beside it is the
//! HTTP library in a bare loop: no credentials, no outcome, nobody who slows down when the hub asks for it.

use futures_util::{StreamExt as _, stream};
use twinops::{
    reconcile::{Event, Limits, apply},
    task::Stop,
};

use crate::support::{
    again, figure, heading, peak_mb, timed_async,
    twins::{ETAG, Never, client, hub, patch, plan},
};

const IN_FLIGHT: usize = 32;

/// Each in a process of its own.
pub(crate) fn both(size: u64) {
    heading(&format!("{size} twins to write, {IN_FLIGHT} at a time"));
    again(&["write", &size.to_string()]);
    again(&["peer", &size.to_string()]);
}

pub(crate) async fn run(size: u64) {
    let client = client(hub(|| true).await);
    let limits = Limits { concurrency: IN_FLIGHT, ..Limits::default() };
    let (plan, stop) = (plan(size), Stop::new());
    let work = apply(plan, &client, &Never, limits, &|_: Event| {}, &stop);
    let (outcome, cost) = timed_async(work).await;
    assert_eq!((outcome.applied, outcome.is_complete()), (size, true), "every twin is written");
    figure("reconcile", cost.rate(size), "twins/s", "20,000");
    figure("  processor time a twin, the hub's included", cost.each(size), "us", "100 (two processors)");
    figure("  most memory held", peak_mb(), "MB", "-");
}

pub(crate) async fn run_peer(size: u64) {
    let address = hub(|| true).await;
    let _first_choice_stands = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = bytes::Bytes::from(patch().get().to_owned());
    let write = |index: u64| {
        let url = format!("http://{address}/twins/device-{index:07}?api-version=2021-04-12");
        let request = client.patch(url).header("if-match", format!("\"{ETAG}\"")).body(body.clone());
        async move {
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success());
            answer.bytes().await.expect("a body").len()
        }
    };
    let work = stream::iter(0..size).map(write).buffer_unordered(IN_FLIGHT).count();
    let (count, cost) = timed_async(work).await;
    assert_eq!(count as u64, size);
    figure("peer: the HTTP library in a bare loop", cost.rate(size), "twins/s", "-");
    figure("  processor time a twin, the hub's included", cost.each(size), "us", "-");
    figure("  most memory held", peak_mb(), "MB", "-");
}
