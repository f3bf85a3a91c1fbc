//! What the hub counts, for Prometheus (`OpenMetrics` text). One [`Meter`] to a hub, passed on by `Arc`; counting is a
//! few atomic operations and never waits for anybody.
//!
//! No label may take values that strangers choose: routes are templates, methods and reasons are from fixed lists,
//! and nothing is ever counted by device.
//!
//! * `registry` names what there is and renders it.

mod registry;

use std::{borrow::Cow, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

type Label = (&'static str, Cow<'static, str>);
type Counters<const N: usize> = Family<[Label; N], Counter>;
type Histograms<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Meter {
    registry: Registry,
    requests: Counters<3>,
    request_seconds: Histograms<2>,
    commit_seconds: Histogram,
    commit_changes: Histogram,
    commit_failures: Counter,
    store_waiting: Gauge,
    connections: Counters<1>,
    refused: Counters<2>,
    links: Gauge,
    ended: Counters<1>,
    twin_writes: Counters<1>,
    notifications: Counter,
    methods: Counters<1>,
    telemetry: Counters<1>,
    events: Counters<1>,
    events_dropped: Counters<1>,
    events_waiting: Gauge,
    passes: Counters<2>,
    pass_seconds: Histograms<1>,
}

/// Which part of a twin was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Tags or desired properties, by the service.
    Service,
    /// Reported properties, by the device.
    Reported,
}

impl Meter {
    /// Counts from nothing.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// A request over HTTP was answered. `route` is the template of the path, never the path itself.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (known_method(method), Cow::Owned(route.to_owned()));
        let status = Cow::Owned(status.to_string());
        let labels = [("method", method.into()), ("route", route), ("status", status)];
        self.requests.get_or_create(&labels).inc();
        let [method, route, _] = labels;
        self.request_seconds.get_or_create(&[method, route]).observe(took.as_secs_f64());
    }

    /// The store committed this many batches of changes at once.
    pub(crate) fn committed(&self, batches: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a group has some hundred batches")]
        self.commit_changes.observe(batches as f64);
    }

    /// The store could not commit a group.
    pub(crate) fn commit_failed(&self) {
        self.commit_failures.inc();
    }

    /// So many more batches wait for the store's writer, or so many fewer.
    pub(crate) fn store_waits(&self, more: i64) {
        self.store_waiting.inc_by(more);
    }

    /// A connection was accepted; `side` is `rest` or `mqtt`.
    pub(crate) fn connection(&self, side: &'static str) {
        count(&self.connections, [("side", side)]);
    }

    /// A connection or a device was not let in.
    pub(crate) fn refused(&self, side: &'static str, reason: &'static str) {
        count(&self.refused, [("side", side), ("reason", reason)]);
    }

    /// So many devices and modules are connected.
    pub(crate) fn links(&self, connected: usize) {
        self.links.set(i64::try_from(connected).unwrap_or(i64::MAX));
    }

    /// A device's link ended.
    pub(crate) fn ended(&self, reason: &'static str) {
        count(&self.ended, [("reason", reason)]);
    }

    /// A twin was written.
    pub(crate) fn twin_written(&self, part: Written) {
        let part = match part {
            Written::Service => "service",
            Written::Reported => "reported",
        };
        count(&self.twin_writes, [("part", part)]);
    }

    /// A device is told of new desired properties, if it is there.
    pub(crate) fn notified(&self) {
        self.notifications.inc();
    }

    /// A method call ended; `outcome` is `answered`, `offline` or `silent`.
    pub(crate) fn method(&self, outcome: &'static str) {
        count(&self.methods, [("outcome", outcome)]);
    }

    /// A message from a device was accepted, or not.
    pub(crate) fn telemetry(&self, is_accepted: bool) {
        count(&self.telemetry, [("outcome", if is_accepted { "accepted" } else { "refused" })]);
    }

    /// Events or messages of a source left the hub.
    pub(crate) fn event(&self, source: &'static str) {
        count(&self.events, [("source", source)]);
    }

    /// An event was dropped, because the queue is full or the sink fails.
    pub(crate) fn event_dropped(&self, source: &'static str) {
        count(&self.events_dropped, [("source", source)]);
    }

    /// So many more events wait to leave, or so many fewer.
    pub(crate) fn events_wait(&self, more: i64) {
        self.events_waiting.inc_by(more);
    }

    /// An engine in the background (configurations, jobs) has done a pass.
    pub(crate) fn pass(&self, engine: &'static str, is_done: bool, took: Duration) {
        count(&self.passes, [("engine", engine), ("outcome", if is_done { "done" } else { "failed" })]);
        self.pass_seconds.get_or_create(&[("engine", engine.into())]).observe(took.as_secs_f64());
    }

    /// All of it as `OpenMetrics` text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn count<const N: usize>(family: &Counters<N>, labels: [(&'static str, &'static str); N]) {
    family.get_or_create(&labels.map(|(name, value)| (name, value.into()))).inc();
}

/// A client may send any word for a method.
fn known_method(method: &str) -> &'static str {
    ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let meter = Meter::new();
        meter.request("GET", "/devices/{id}", 200, Duration::from_millis(3));
        meter.request("FROBNICATE", "/devices/{id}", 405, Duration::ZERO);
        meter.committed(7, Duration::from_millis(2));
        meter.refused("mqtt", "notAuthorized");
        meter.links(1);
        meter.twin_written(Written::Reported);
        meter.pass("configurations", true, Duration::from_secs(1));
        let text = meter.text();
        for line in [
            r#"twinops_hub_requests_total{method="GET",route="/devices/{id}",status="200"} 1"#,
            r#"twinops_hub_requests_total{method="other",route="/devices/{id}",status="405"} 1"#,
            r#"twinops_hub_request_seconds_count{method="GET",route="/devices/{id}"} 1"#,
            "twinops_hub_store_commit_batches_sum 7.0",
            r#"twinops_hub_refused_total{side="mqtt",reason="notAuthorized"} 1"#,
            "twinops_hub_links 1",
            r#"twinops_hub_twin_writes_total{part="reported"} 1"#,
            r#"twinops_hub_engine_passes_total{engine="configurations",outcome="done"} 1"#,
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(text.contains("twinops_hub_build_info{version=\"") && text.ends_with("# EOF\n"), "{text}");
        assert!(text.contains("twinops_hub_start_time_seconds "), "{text}");
    }
}
