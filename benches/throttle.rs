//! Carrying out a plan below the throttles of an Azure IoT Hub: what share of its limit a run reaches.
//!
//! `cargo bench --bench throttle` writes twins to a hub of a few lines that throttles as S1 and S3 do: a bucket of
//! tokens, one second's worth of the limit on twin writes, refilled at that limit; 429 when it is empty, and never a
//! word on when to come again. Each run takes 98 % of the throttle, once with the hub for itself and once beside
//! devices that take a fifth of it: then nobody can know the limit, and 429 has to be lived with. A number on the command
//! line is how many seconds of work there is.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use support::{
    figure, heading, size,
    twins::{Never, client, hub, plan},
};
use tokio::runtime::Runtime;
use twinops::{
    fleet::{HubSpec, Sku},
    plan::quota::{Operation, Throttles},
    reconcile::{Event, Limits, apply},
    task::Stop,
};

const SHARE: f64 = 0.98;
/// What devices take of the limit in the second run.
const DEVICES: f64 = 0.2;

fn main() {
    let seconds = size(20);
    let runtime = Runtime::new().expect("a runtime");
    for (name, sku, units) in [("S1", Sku::S1, 1), ("S3", Sku::S3, 1), ("10 units of S3", Sku::S3, 10)] {
        let throttles = Throttles::of(Some(&HubSpec { hostname: None, sku: Some(sku), units: Some(units) }));
        let throttles = throttles.expect("an edition");
        let limit = throttles.rate(Operation::TwinWrite);
        heading(&format!("{name}: {limit} twin writes a second, for {seconds} s"));
        runtime.block_on(run("alone", throttles.at(SHARE), limit, 0.0, seconds));
        runtime.block_on(run("beside devices that take a fifth", throttles.at(SHARE), limit, DEVICES, seconds));
    }
}

async fn run(what: &str, throttles: Throttles, limit: f64, taken: f64, seconds: u64) {
    let left = limit * (1.0 - taken);
    let count = seconds * whole(left);
    let (bucket, refused) = (Mutex::new(Bucket::new(left)), Arc::new(AtomicU64::new(0)));
    let seen = Arc::clone(&refused);
    let address = hub(move || {
        let taken = bucket.lock().expect("no panic").take();
        seen.fetch_add(u64::from(!taken), Ordering::Relaxed);
        taken
    })
    .await;
    let (client, stop) = (client(address), Stop::new());
    let limits = Limits { throttles: Some(throttles), ..Limits::default() };
    let (outcome, cost) =
        support::timed_async(apply(plan(count), &client, &Never, limits, &|_: Event| {}, &stop)).await;
    assert_eq!((outcome.applied, outcome.failed.len()), (count, 0), "no device fails for a throttle");
    figure(&format!("{what}: share of the limit reached"), cost.rate(count) / left * 100.0, "%", "95");
    figure(
        "  answers of 429 on the way",
        f64::from(u32::try_from(refused.load(Ordering::Relaxed)).unwrap_or(u32::MAX)),
        "",
        "-",
    );
    figure("  devices that failed for it", 0.0, "", "0");
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
const fn whole(rate: f64) -> u64 {
    rate as u64
}

/// Tokens, a second's worth of them at most.
struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        Self { rate, tokens: rate, filled: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.tokens = (self.tokens + (now - self.filled).as_secs_f64() * self.rate).min(self.rate);
        self.filled = now;
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }
}
