//! Takes what the hub says to where it belongs: desired properties to the ledger, methods to whoever can answer.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{error, warn};

use super::{
    ledger::{Fence, Ledger, LedgerError},
    link::{Event, LinkHandle},
    reconciler::{Hub, Wake},
    resource::Platform,
};
use crate::{component::pnp::code, task::Stop};

/// Look at the device now, and say what came of it.
const RECHECK: &str = "twinops*recheck";
/// How long the caller of [`RECHECK`] waits at most; a hub gives up after 30 seconds by default.
const RECHECK_WAIT: Duration = Duration::from_secs(25);
/// Before what could not be written is asked for again.
const DISK_WAIT: Duration = Duration::from_secs(30);
/// Methods under way at a time.
const MOST_METHODS: usize = 16;

pub(crate) struct Intake<P> {
    pub(crate) platform: Arc<P>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) link: LinkHandle,
    pub(crate) hub_tx: watch::Sender<Hub>,
    pub(crate) wake_tx: mpsc::Sender<Wake>,
}

impl<P: Platform> Intake<P> {
    /// Works until the link is gone or the end is asked for.
    pub(crate) async fn run(self, mut events_rx: mpsc::Receiver<Event>, stop: Stop) {
        let mut under_way = JoinSet::new();
        while let Some(Some(event)) = stop.unless(events_rx.recv()).await {
            while under_way.try_join_next().is_some() {}
            match event {
                Event::Twin { desired, version, reported } => match self.ledger.accept_whole(desired, version).await {
                    Ok(()) => {
                        self.hub_tx.send_replace(Hub::Online(Arc::new(reported)));
                    }
                    Err(fault) => self.ask_later(&fault, &mut under_way),
                },
                Event::Patch { patch, version } => match self.ledger.accept_patch(&patch, version).await {
                    Ok(Fence::Taken | Fence::Old) => {}
                    Ok(Fence::Gap) => self.link.refresh(),
                    Err(fault) => self.ask_later(&fault, &mut under_way),
                },
                Event::Method { name, rid, payload } => self.method(&name, rid, &payload, &mut under_way),
                Event::Offline => {
                    self.hub_tx.send_replace(Hub::Offline);
                }
            }
        }
    }

    /// What was not written does not count; the twin is asked for again when the disk may be well.
    fn ask_later(&self, fault: &LedgerError, under_way: &mut JoinSet<()>) {
        let cause = std::error::Error::source(fault).map(ToString::to_string);
        error!(%fault, cause, "desired properties are not accepted");
        let link = self.link.clone();
        under_way.spawn(async move {
            sleep(DISK_WAIT).await;
            link.refresh();
        });
    }

    fn method(&self, name: &str, rid: String, payload: &[u8], under_way: &mut JoinSet<()>) {
        if name == RECHECK {
            return self.recheck(rid, under_way);
        }
        // An empty body counts as null.
        let payload = if payload.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(payload) };
        let answer = payload.map(|payload| self.platform.method(name, &payload));
        let (status, body) = match answer {
            Err(_) => (code::INVALID, json!({"error": "the payload is not JSON"})),
            Ok(None) => (code::UNSUPPORTED, json!({"error": format!("this agent has no method `{name}`")})),
            Ok(Some(Ok(body))) => (code::APPLIED, body),
            Ok(Some(Err(refusal))) => (refusal.code(), json!({"error": refusal.to_string()})),
        };
        self.link.respond(rid, i32::from(status), body);
    }

    fn recheck(&self, rid: String, under_way: &mut JoinSet<()>) {
        let (wake, outcome) = oneshot::channel();
        if under_way.len() >= MOST_METHODS || self.wake_tx.try_send(wake).is_err() {
            warn!("too many methods at a time");
            return self.link.respond(rid, 409, json!({"error": "the agent is busy; try again"}));
        }
        let link = self.link.clone();
        under_way.spawn(async move {
            match timeout(RECHECK_WAIT, outcome).await {
                Ok(Ok(outcome)) => link.respond(rid, 200, json!({"failed": outcome.failed})),
                _ => link.respond(rid, 202, json!({"error": "still at work; see the reported properties"})),
            }
        });
    }
}
