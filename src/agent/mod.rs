//! The device agent: makes the device match the last desired properties that it accepted.
//!
//! * `link` owns the session with the hub. In: commands of the others. Out: events, the twin first.
//! * `intake` takes those events to the ledger, and direct methods to `command`, which answers them.
//! * `ledger` owns the accepted desired properties on disk. Out: a `watch` of the current ones.
//! * `reconciler` owns the resources. In: that watch, a timer, wake-ups. Out: reports, over the link.
//! * `resource` is the device: what it can be asked to be, read, and made.
//!
//! Without a hub the agent works from its ledger; without a ledger it waits for a hub. [`run`] starts all of it.

mod command;
mod config;
mod diagnostics;
mod intake;
pub mod lease;
mod ledger;
mod link;
mod moment;
pub mod options;
mod port;
mod reconciler;
mod resource;
mod wake;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use self::{
    command::{Allow, UnknownMethod},
    config::{AddressError, Config, MqttAddress, Platform},
    ledger::LedgerError,
    link::{CredentialError, Outages, TlsError},
    resource::{linux::Allowed, simulated::Profile},
};
use self::{
    command::{Book, Desk, Offers},
    intake::Intake,
    ledger::Ledger,
    link::{Link, LinkHandle, Settings},
    port::Artifacts,
    reconciler::{Hub, Reconciler},
    resource::{linux::Linux, simulated::Simulated},
};
use crate::task::{Group, Stop};

/// Commands that may wait for the end of a pass.
const MOST_JOBS: usize = 4;

/// Why an agent cannot work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It cannot prove itself.
    #[error("the agent cannot prove itself to the hub")]
    Credential(#[source] CredentialError),
    /// It cannot trust anyone.
    #[error("the agent cannot set up a trusted connection")]
    Tls(#[source] TlsError),
    /// It cannot remember.
    #[error("the agent has no ledger")]
    Ledger(#[source] LedgerError),
    /// A part of it broke off; the log says which.
    #[error("a part of the agent broke off; the log says why")]
    Broken,
}

/// Looks after one device until asked to stop. A hub out of reach is no error.
///
/// # Errors
/// When the agent cannot start, or a part of it breaks off.
pub async fn run(config: Config, stop: Stop) -> Result<(), AgentError> {
    match &config.platform {
        Platform::Linux { root, allowed } => {
            let artifacts = Artifacts::new(&config.state.join("artifacts"), config.ca.as_deref());
            let device = Linux::new(root, allowed, artifacts, (&config.state, config.ca.as_deref()));
            start(&config, device, None, stop).await
        }
        Platform::Simulated(profile) => {
            ledger::private_folder(&config.state)
                .map_err(|cause| AgentError::Ledger(LedgerError::Folder { path: config.state.clone(), cause }))?;
            let device = Simulated::new(&config.connection.device_id, &config.state, profile.clone());
            start(&config, device, profile.outages, stop).await
        }
    }
}

async fn start<P: resource::Platform>(
    config: &Config,
    device: P,
    outages: Option<Outages>,
    stop: Stop,
) -> Result<(), AgentError> {
    link::check_credential(&config.connection).map_err(AgentError::Credential)?;
    let tls = link::tls_config(config.ca.as_deref()).map_err(AgentError::Tls)?;
    let ledger = Arc::new(Ledger::open(&config.state, &config.owner()).map_err(AgentError::Ledger)?);
    let MqttAddress { host, port } = config.mqtt();
    let settings = Settings { connection: config.connection.clone(), host, port, tls, ca: config.ca.clone(), outages };

    let platform = Arc::new(device);
    let (link, commands_rx) = LinkHandle::new();
    let (events_tx, events_rx) = mpsc::channel(link::QUEUE);
    let (hub_tx, hub_rx) = watch::channel(Hub::Offline);
    let (wake_tx, wake_rx) = mpsc::channel(link::QUEUE);
    // A simulated device has nobody at its door.
    let bell = matches!(config.platform, Platform::Linux { .. }).then(|| wake_tx.clone());
    let session = Link::new(settings, commands_rx, events_tx);
    let allow = match &config.platform {
        Platform::Linux { allowed, .. } => allowed.methods.clone(),
        Platform::Simulated(_) => Allow::default(),
    };
    let (jobs_tx, jobs_rx) = mpsc::channel(MOST_JOBS);
    let (book, offers) = (Arc::new(Book::open(&config.state)), Offers::of(&allow, &*platform));
    let (at_desk, of_desk) = (Arc::clone(&platform), (Arc::clone(&ledger), link.clone(), Arc::clone(&book)));
    let desk = Arc::new(Desk::new(at_desk, of_desk, allow, (jobs_tx, wake_tx)));
    let intake = Intake { ledger: Arc::clone(&ledger), link: link.clone(), hub_tx, desk };
    let (state, heal) = (config.state.clone(), config.heal);
    let reconciler = Reconciler { platform, ledger, link, hub_rx, wake_rx, jobs_rx, book, offers, state, heal };

    let mut group = Group::new(stop.child());
    let inner = group.stop().clone();
    let ends = || EndsAll(inner.clone());
    group.spawn("link", with(ends(), session.run(inner.clone())));
    group.spawn("intake", with(ends(), intake.run(events_rx, inner.clone())));
    group.spawn("reconciler", with(ends(), reconciler.run(inner.clone())));
    if let Some(wake_tx) = bell {
        group.spawn("bell", with(ends(), wake::listen(config.state.clone(), wake_tx, inner.clone())));
    }
    inner.requested().await;
    group.finish().await;
    if stop.is_requested() { Ok(()) } else { Err(AgentError::Broken) }
}

/// When one part of the agent is gone, by whatever way, the others are of no use.
struct EndsAll(Stop);

impl Drop for EndsAll {
    fn drop(&mut self) {
        self.0.request();
    }
}

async fn with(ends: EndsAll, work: impl Future<Output = ()> + Send) {
    work.await;
    drop(ends);
}
