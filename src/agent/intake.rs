//! Takes what the hub says to where it belongs: desired properties to the ledger, methods to the desk of commands.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};
use tracing::{error, warn};

use super::{
    command::Desk,
    ledger::{Fence, Ledger, LedgerError},
    link::{Event, LinkHandle},
    reconciler::Hub,
    resource::Platform,
};
use crate::task::Stop;

/// Before what could not be written is asked for again.
const DISK_WAIT: Duration = Duration::from_secs(30);
/// Methods under way at a time.
const MOST_METHODS: usize = 16;

pub(crate) struct Intake<P> {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) link: LinkHandle,
    pub(crate) hub_tx: watch::Sender<Hub>,
    pub(crate) desk: Arc<Desk<P>>,
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
                Event::Method { name, rid, payload } => self.method(name, rid, payload, &mut under_way),
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

    fn method(&self, name: String, rid: String, payload: Vec<u8>, under_way: &mut JoinSet<()>) {
        if under_way.len() >= MOST_METHODS {
            warn!("too many methods at a time");
            return self.link.respond(rid, 409, json!({"error": "the agent is busy; try again"}));
        }
        let desk = Arc::clone(&self.desk);
        under_way.spawn(async move { desk.take(&name, rid, &payload).await });
    }
}
