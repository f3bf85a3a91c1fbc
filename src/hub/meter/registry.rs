//! The names of what is counted.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::{
    metrics::{
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Metric, Registry},
};

use super::Meter;

impl Default for Meter {
    fn default() -> Self {
        let mut new = New(Registry::with_prefix("twinops_hub"));
        new.about();
        Self {
            requests: new.add("requests", "Requests answered over HTTP"),
            request_seconds: new.family("request_seconds", "Time to answer a request over HTTP", seconds),
            commit_seconds: new.put("store_commit_seconds", "Time of one commit of the store", seconds()),
            commit_changes: new.put("store_commit_batches", "Batches of changes in one commit", sizes()),
            commit_failures: new.add("store_commit_failures", "Commits that the store could not do"),
            store_waiting: new.put("store_waiting", "Batches of changes that wait for the store", Gauge::default()),
            connections: new.add("connections", "Connections accepted"),
            refused: new.add("refused", "Connections and requests that were not let in"),
            links: new.put("links", "Devices and modules that are connected", Gauge::default()),
            ended: new.add("links_ended", "Links of devices that ended"),
            twin_writes: new.add("twin_writes", "Writes of twins"),
            notifications: new.add("notifications", "Patches of desired properties handed to the links"),
            methods: new.add("methods", "Calls of direct methods"),
            telemetry: new.add("telemetry", "Messages from devices"),
            events: new.add("events", "Events and messages that left the hub"),
            events_dropped: new.add("events_dropped", "Events that nobody will see"),
            events_waiting: new.put("events_waiting", "Events and messages that wait to leave", Gauge::default()),
            passes: new.add("engine_passes", "Passes of the engines in the background"),
            pass_seconds: new.family("engine_pass_seconds", "Time of one pass of an engine", seconds),
            registry: new.0,
        }
    }
}

/// A registry that is being filled.
struct New(Registry);

impl New {
    fn put<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.put(name, help, M::default())
    }

    fn family<const N: usize>(&mut self, name: &str, help: &str, make: fn() -> Histogram) -> super::Histograms<N> {
        self.put(name, help, Family::new_with_constructor(make))
    }

    /// Which program this is, and since when it runs.
    fn about(&mut self) {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        self.0.register("build", "The program", Info::new(version));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = ConstGauge::new(now.as_secs_f64());
        self.0.register("start_time_seconds", "When the hub started, in seconds since 1970", start);
    }
}

/// From half a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 17))
}

fn sizes() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 10))
}
