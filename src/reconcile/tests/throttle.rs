//! Runs against a hub that throttles by a bucket of tokens, as Azure does (protocol reference 14).

use super::*;
use crate::{
    fleet::{HubSpec, Sku},
    plan::quota::Throttles,
};

/// A hub that takes so many writes a second.
struct Bucket {
    hub: Hub,
    rate: f64,
    /// Tokens, and when they were counted.
    state: Mutex<(f64, Instant)>,
    refused: AtomicUsize,
    /// How long a write takes.
    delay: Duration,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        let state = Mutex::new((rate, Instant::now()));
        Self { hub: Hub::default(), rate, state, refused: AtomicUsize::new(0), delay: Duration::ZERO }
    }

    fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        let tokens = (state.0 + (now - state.1).as_secs_f64() * self.rate).min(self.rate);
        *state = (if tokens >= 1.0 { tokens - 1.0 } else { tokens }, now);
        tokens >= 1.0
    }
}

impl TwinRead for Bucket {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        self.hub.twin(device).await
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        self.hub.twins(statement)
    }
}

impl TwinWrite for Bucket {
    async fn patch(&self, device: &DeviceId, etag: &str, patch: &RawValue) -> Result<TwinText, HubError> {
        if !self.take() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(HubError::Throttled { retry_after: None });
        }
        tokio::time::sleep(self.delay).await;
        self.hub.patch(device, etag, patch).await
    }

    async fn register(&self, device: &DeviceId, identity: &IdentitySpec) -> Result<(), HubError> {
        self.hub.register(device, identity).await
    }
}

/// Writes so many twins with a share of what S1 allows; how many a second that was.
async fn rate(bucket: &Bucket, share: f64, count: u32) -> f64 {
    let hub = HubSpec { hostname: None, sku: Some(Sku::S1), units: None };
    let throttles = Throttles::of(Some(&hub)).map(|throttles| throttles.at(share));
    let names: Vec<String> = (0..count).map(|n| format!("d{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (start, limits) = (Instant::now(), Limits { throttles, ..Limits::default() });
    let outcome = apply(plan(&names), bucket, &Planner, limits, &|_: Event| {}, &bucket.hub.stop).await;
    assert_eq!(outcome, Outcome { applied: count.into(), ..Outcome::default() });
    f64::from(count) / start.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_run_comes_close_to_the_limit_and_is_never_refused() {
    let bucket = Bucket::new(50.0);
    let reached = rate(&bucket, 0.98, 2000).await / 50.0;
    assert!((0.95..=1.0).contains(&reached), "{reached}");
    assert_eq!(bucket.refused.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_devices_take_of_the_limit_slows_a_run_down_and_fails_nobody() {
    let bucket = Bucket::new(40.0);
    let reached = rate(&bucket, 1.0, 2000).await / 40.0;
    assert!((0.6..=1.05).contains(&reached), "{reached}");
    assert!(bucket.refused.load(Ordering::Relaxed) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_delays_answers_is_asked_for_less() {
    let quick = rate(&Bucket::new(1000.0), 1.0, 1000).await;
    // Enough devices are in flight to go on at the full rate.
    let steady = Bucket { delay: Duration::from_millis(400), ..Bucket::new(1000.0) };
    let steady = rate(&steady, 1.0, 1000).await;
    assert!((quick - steady).abs() < 3.0, "{quick} and {steady} a second");
}
