//! The device agent: makes the device match the last desired properties that it accepted.
//!
//! * `link` owns the session with the hub. In: commands of the others. Out: events, the twin first.
//! * `intake` takes those events to the ledger, and direct methods to `command`, which answers them.
//! * `ledger` owns the accepted desired properties on disk. Out: a `watch` of the current ones.
//! * `reconciler` owns the resources. In: that watch, a timer, wake-ups. Out: reports, over the link.
//! * `resource` is the device: what it can be asked to be, read, and made.
//!
//! Without a hub the agent works from its ledger; without a ledger it waits for a hub. [`run`] starts all of it.

pub mod check;
mod command;
mod config;
mod diagnostics;
pub mod install;
mod intake;
pub mod lease;
mod ledger;
mod link;
mod moment;
mod net;
pub mod options;
mod port;
mod provision;
mod reconciler;
mod resource;
mod secret_file;
pub mod simulation;
mod wake;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::info;

pub use self::{
    command::{Allow, UnknownMethod},
    config::{AddressError, Config, Identity, MqttAddress, Platform},
    ledger::LedgerError,
    link::{CredentialError, Outages, Transport, TransportError},
    net::{Certificate, Proxies, ProxyError, TlsError},
    provision::{ProvisionError, Provisioning},
    resource::{dsc::DscFolders, linux::Allowed, simulated::Profile},
    secret_file::{SecretFileError, read_secret},
};
use self::{
    command::{Book, Desk, Offers},
    intake::Intake,
    ledger::Ledger,
    link::{Ended, Link, LinkHandle, Settings},
    port::{Artifacts, Way},
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
    let registrar = config.registrar().map(Arc::new);
    loop {
        let connection = match (&config.identity, &registrar) {
            (Identity::Known(connection), _) => connection.clone(),
            (Identity::Provisioned(_), registrar) => {
                let Some(registrar) = registrar else { return Ok(()) };
                let Some(connection) = registrar.connection(&stop).await else { return Ok(()) };
                connection
            }
        };
        let settings = Settings { registrar: registrar.clone(), ..config.settings(&connection) };
        match on_platform(&config, settings, &stop).await? {
            Ended::Moved => info!("going on with the hub that the device now belongs to"),
            Ended::Stopped => return Ok(()),
        }
    }
}

async fn on_platform(config: &Config, settings: Settings, stop: &Stop) -> Result<Ended, AgentError> {
    match &config.platform {
        Platform::Linux { root, allowed } => {
            let artifacts =
                Artifacts::new(&config.state.join("artifacts"), config.ca.as_deref()).through(&config.proxies);
            let way = Way { ca: config.ca.clone(), proxies: config.proxies.clone() };
            let device = Linux::new(root, allowed, artifacts, (&config.state, way));
            start(config, device, settings, stop).await
        }
        Platform::Simulated(profile) => {
            ledger::private_folder(&config.state)
                .map_err(|cause| AgentError::Ledger(LedgerError::Folder { path: config.state.clone(), cause }))?;
            let device = Simulated::new(&settings.connection.device_id, &config.state, profile.clone());
            start(config, device, Settings { outages: profile.outages, ..settings }, stop).await
        }
    }
}

async fn start<P: resource::Platform>(
    config: &Config,
    device: P,
    settings: Settings,
    stop: &Stop,
) -> Result<Ended, AgentError> {
    link::check_credential(&settings).map_err(AgentError::Credential)?;
    settings.trust().config().map_err(AgentError::Tls)?;
    let owner = config::owner(&settings.connection);
    let ledger = Arc::new(Ledger::open(&config.state, &owner).map_err(AgentError::Ledger)?);
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
    let (ended_tx, ended_rx) = oneshot::channel();
    let ending = inner.clone();
    let session = async move {
        // Nobody waits for it when the agent broke off.
        let _ = ended_tx.send(session.run(ending).await);
    };
    group.spawn("link", with(ends(), session));
    group.spawn("intake", with(ends(), intake.run(events_rx, inner.clone())));
    group.spawn("reconciler", with(ends(), reconciler.run(inner.clone())));
    if let Some(wake_tx) = bell {
        group.spawn("bell", with(ends(), wake::listen(config.state.clone(), wake_tx, inner.clone())));
    }
    inner.requested().await;
    group.finish().await;
    match ended_rx.await {
        _ if stop.is_requested() => Ok(Ended::Stopped),
        Ok(Ended::Moved) => Ok(Ended::Moved),
        _ => Err(AgentError::Broken),
    }
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
