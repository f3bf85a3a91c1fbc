//! What a run took, as spans for an OpenTelemetry collector: OTLP over HTTP, as JSON.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::client::{Webhook, WebhookError};

/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// The spans of the run at hand, and where they go.
#[derive(Debug)]
pub(super) struct Traces {
    collector: Webhook,
    run: Mutex<Run>,
}

#[derive(Debug, Default)]
struct Run {
    begun: Option<SystemTime>,
    /// Revision and actor.
    about: Vec<(&'static str, Value)>,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    end: SystemTime,
    took: Duration,
    attributes: Vec<(&'static str, Value)>,
}

impl Traces {
    /// To a collector, by its address without a path.
    pub(super) fn new(url: &str) -> Result<Self, WebhookError> {
        let collector = Webhook::plain(&format!("{}{PATH}", url.trim_end_matches('/')))?;
        Ok(Self { collector, run: Mutex::default() })
    }

    fn run(&self) -> std::sync::MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run begins.
    pub(super) fn begin(&self, revision: &str, actor: Option<&str>) {
        let actor = actor.map(|actor| ("twinops.actor", Value::from(actor)));
        let about = [Some(("twinops.revision", Value::from(revision))), actor].into_iter().flatten().collect();
        *self.run() = Run { begun: Some(SystemTime::now()), about, steps: Vec::new() };
    }

    /// A part of it has ended just now.
    pub(super) fn step(&self, name: &'static str, took: Duration, attributes: Vec<(&'static str, Value)>) {
        self.run().steps.push(Step { name, end: SystemTime::now(), took, attributes });
    }

    /// The run has ended; what sends its spans, unless it has not even begun. Whatever comes next is another run.
    pub(super) fn end(&self, is_well: bool) -> Option<impl Future<Output = Result<(), WebhookError>> + Send + use<>> {
        let run = std::mem::take(&mut *self.run());
        let document = document(&run, run.begun?, SystemTime::now(), is_well);
        let collector = self.collector.clone();
        Some(async move { collector.post(&document).await })
    }
}

fn document(run: &Run, begun: SystemTime, ended: SystemTime, is_well: bool) -> Value {
    let (trace, root) = (format!("{:032x}", fastrand::u128(1..)), format!("{:016x}", fastrand::u64(1..)));
    let span = |id: &str, name: &str, from: SystemTime, to: SystemTime, attributes: &[(&str, Value)]| {
        json!({
            "traceId": trace, "spanId": id, "name": name, "kind": 1, "startTimeUnixNano": nanos(from),
            "endTimeUnixNano": nanos(to), "attributes": listed(attributes)
        })
    };
    let mut whole = span(&root, "reconcile", begun, ended, &run.about);
    // 1 is well, 2 an error.
    whole["status"] = json!({ "code": if is_well { 1 } else { 2 } });
    let part = |step: &Step| {
        let id = format!("{:016x}", fastrand::u64(1..));
        let from = step.end.checked_sub(step.took).unwrap_or(step.end);
        let mut part = span(&id, step.name, from, step.end, &step.attributes);
        part["parentSpanId"] = json!(root);
        part
    };
    let parts: Vec<Value> = run.steps.iter().map(part).chain([whole]).collect();
    let scope = json!({ "name": "twinops.reconcile", "version": env!("CARGO_PKG_VERSION") });
    let resource = json!({ "attributes": listed(&[("service.name", json!("twinops"))]) });
    json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": parts }] }] })
}

/// Attributes as OTLP has them: whole numbers are texts.
fn listed(attributes: &[(&str, Value)]) -> Value {
    let one = |(key, value): &(&str, Value)| {
        let value = match value {
            Value::Number(number) => json!({ "intValue": number.to_string() }),
            other => json!({ "stringValue": other.as_str().unwrap_or_default() }),
        };
        json!({ "key": key, "value": value })
    };
    attributes.iter().map(one).collect()
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_within_their_run() {
        let begun = UNIX_EPOCH + Duration::from_secs(100);
        let step = Step {
            name: "plan",
            end: begun + Duration::from_secs(5),
            took: Duration::from_secs(3),
            attributes: vec![("twinops.devices", json!(7))],
        };
        let about = vec![("twinops.revision", json!("abc"))];
        let run = Run { begun: Some(begun), about, steps: vec![step] };
        let document = document(&run, begun, begun + Duration::from_secs(9), false);
        let spans = &document["resourceSpans"][0]["scopeSpans"][0]["spans"];
        let (part, whole) = (&spans[0], &spans[1]);
        assert_eq!((&part["traceId"], &part["parentSpanId"]), (&whole["traceId"], &whole["spanId"]));
        assert_eq!(
            (&part["startTimeUnixNano"], &part["endTimeUnixNano"]),
            (&json!("102000000000"), &json!("105000000000"))
        );
        assert_eq!(part["attributes"][0], json!({ "key": "twinops.devices", "value": { "intValue": "7" } }));
        assert_eq!((&whole["name"], &whole["status"]["code"]), (&json!("reconcile"), &json!(2)));
        assert_eq!(whole["attributes"][0]["value"], json!({ "stringValue": "abc" }));
        for id in [&part["spanId"], &whole["spanId"]] {
            assert_eq!(id.as_str().map(str::len), Some(16));
        }
    }
}
