//! What leaves the hub: messages of devices and events (protocol reference 10, 11.3), one JSON object a line.
//!
//! * [`Outlet`] is what the core hands them to. Without a sink it is empty and costs nothing.
//! * `config` says where they go and which; `line` is their common shape, `telemetry` takes a message's property bag
//!   apart, `twin` says what a write changed.
//! * `queue` is bounded, and its one thread writes whatever has come together; `sink` is a file, or what the command
//!   line hands in.
//!
//! A message counts as accepted once the sink has it: a file was synced, a writer flushed. A device whose message
//! cannot be taken in time is not acknowledged, and sends it again. Events never hold anything up: those that find the
//! queue full are dropped, counted, and told of in the log.

mod config;
mod line;
mod queue;
mod sink;
mod telemetry;
#[cfg(test)]
mod tests;
mod twin;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
pub use config::{EventFile, EventKind, EventTarget, EventWriter, Events, NoSuchEvent};
use serde_json::json;
pub(crate) use twin::Before;

use self::{
    line::{Line, Source},
    queue::Queue,
};
use super::{
    failure::Failure,
    meter::Meter,
    ports::LinkId,
    record::{Presence, Record, twin_view},
    time,
};
use crate::{iothub::ErrorCode, twin::Map};

/// What happened to an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Created,
    Updated,
    Deleted,
}

/// How the service wrote a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TwinOperation {
    /// Some of it: the event holds what changed.
    Update,
    /// All of it: the event holds the whole twin.
    Replace,
}

/// The way out of the hub; the default one leads nowhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Option<Arc<Open>>);

#[derive(Debug)]
struct Open {
    queue: Queue,
    kinds: Vec<EventKind>,
    hub: String,
    /// The highest sequence number given so far.
    sequence: AtomicU64,
}

impl Outlet {
    /// Opens the sink. `hub` is the name that events tell as the hub's.
    pub(crate) fn open(events: &Events, hub: &str, meter: Arc<Meter>) -> std::io::Result<Self> {
        let queue = Queue::start(sink::open(&events.target)?, meter)?;
        let sequence = AtomicU64::new(time::ticks(time::now()));
        Ok(Self(Some(Arc::new(Open { queue, kinds: events.kinds.clone(), hub: hub.to_owned(), sequence }))))
    }

    fn wanted(&self, kind: EventKind) -> Option<&Open> {
        self.0.as_deref().filter(|open| open.kinds.contains(&kind))
    }

    /// Takes a message of a device; returns once the sink has it.
    pub(crate) async fn telemetry(&self, link: &LinkId, properties: &str, payload: Bytes) -> Result<(), Failure> {
        let Some(open) = self.wanted(EventKind::Telemetry) else { return Ok(()) };
        let message = telemetry::line(link, properties, &payload).ok_or_else(|| {
            Failure::new(ErrorCode::ArgumentInvalid, "the properties of the message are no percent-encoded text")
        })?;
        open.queue.deliver(message).await.map_err(|undelivered| {
            tracing::debug!(%link, %undelivered, "a message was not taken");
            Failure::new(ErrorCode::ServiceUnavailable, "the hub cannot take messages now; send it again later")
        })
    }

    /// What to remember of a twin that is about to be written.
    pub(crate) fn before(&self, record: &Record) -> Before {
        Before::of(self.wanted(EventKind::TwinChanges).map(|_| record))
    }

    /// The service wrote a twin.
    pub(crate) fn twin_written(&self, operation: TwinOperation, before: &Before, record: &Record) {
        let Some(open) = self.wanted(EventKind::TwinChanges) else { return };
        let body = match operation {
            TwinOperation::Update => twin::delta(before, record),
            TwinOperation::Replace => Some(twin::whole(record)),
        };
        let Some(body) = body else { return };
        let operation = match operation {
            TwinOperation::Update => "updateTwin",
            TwinOperation::Replace => "replaceTwin",
        };
        open.event(Source::TwinChange, operation, &record.link, &body);
    }

    /// A device reported properties.
    pub(crate) fn reported(&self, patch: &Map, record: &Record) {
        if let Some(open) = self.wanted(EventKind::TwinChanges)
            && let Some(body) = twin::reported(patch, record)
        {
            open.event(Source::TwinChange, "updateTwin", &record.link, &body);
        }
    }

    /// Whether anybody asks for what happens to identities.
    pub(crate) fn wants_lifecycle(&self) -> bool {
        self.wanted(EventKind::Lifecycle).is_some()
    }

    /// An identity was made, changed or deleted; its twin is the event's body.
    pub(crate) fn lifecycle(&self, what: Lifecycle, record: &Record) {
        let Some(open) = self.wanted(EventKind::Lifecycle) else { return };
        let Ok(body) = twin_view(record, &Presence::default()) else { return };
        let operation = match (what, record.link.module.is_some()) {
            (Lifecycle::Created, false) => "createDeviceIdentity",
            (Lifecycle::Created, true) => "createModuleIdentity",
            (Lifecycle::Updated, false) => "updateDeviceIdentity",
            (Lifecycle::Updated, true) => "updateModuleIdentity",
            (Lifecycle::Deleted, false) => "deleteDeviceIdentity",
            (Lifecycle::Deleted, true) => "deleteModuleIdentity",
        };
        open.event(Source::Lifecycle, operation, &record.link, &body);
    }

    /// A device came, or went.
    pub(crate) fn connection(&self, link: &LinkId, is_connected: bool) {
        let Some(open) = self.wanted(EventKind::Connections) else { return };
        let (device, module) = (["deviceDisconnected", "deviceConnected"], ["moduleDisconnected", "moduleConnected"]);
        let words = if link.module.is_some() { module } else { device };
        let body = json!({ "sequenceNumber": open.sequence_number() }).to_string();
        open.event(Source::Connection, words[usize::from(is_connected)], link, &body);
    }
}

impl Open {
    fn event(&self, source: Source, operation: &str, link: &LinkId, body: &str) {
        let now = time::text(time::now());
        let mut event = Line::new(source, link, &now);
        event.property("hubName", self.hub.as_str());
        event.property("deviceId", link.device.as_str());
        if let Some(module) = &link.module {
            event.property("moduleId", &**module);
        }
        event.property("operationTimestamp", now.as_str());
        event.property("opType", operation);
        event.property("iothub-message-schema", source.schema());
        event.system("content-type", "application/json");
        event.system("content-encoding", "utf-8");
        self.queue.leave(source, event.with_json(body));
    }

    /// 64 hexadecimal digits, greater than all before, also before a restart: they begin with the time.
    fn sequence_number(&self) -> String {
        let now = time::ticks(time::now());
        let step = |last: u64| Some(now.max(last + 1));
        let last = self.sequence.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_default();
        format!("{:032X}{:032X}", now.max(last + 1), 0)
    }
}
