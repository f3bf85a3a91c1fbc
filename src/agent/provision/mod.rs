//! Which hub the device belongs to: asked of a provisioning service over HTTPS (protocol reference 13.2, 13.3), and
//! remembered, so that the agent starts without asking again.

mod service;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tracing::{info, warn};

pub use self::service::ProvisionError;
use super::{
    config::MqttAddress,
    ledger::{private_folder, replace},
    net::{Proxies, Trust, chain},
};
use crate::{
    iothub::{DeviceConnection, DeviceCredential, HostName, Key, RegistrationId},
    task::{Backoff, Stop},
};

/// Where devices of Azure ask.
pub(super) const GLOBAL: &str = "global.azure-devices-provisioning.net";
/// Where the answer is kept, in the state folder.
const NAME: &str = "assignment.json";
/// Waits between two attempts: a service that refuses may enrol the device later.
pub(crate) const RETRY: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_hours(1));

/// How a device asks for its hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioning {
    /// The id scope of the service.
    pub id_scope: String,
    /// Where it serves HTTPS.
    pub service: MqttAddress,
    /// Who the device is there.
    pub id: RegistrationId,
    /// The device's key; none when a certificate says it all.
    pub key: Option<Key>,
    /// The module of the device as which the agent connects.
    pub module: Option<String>,
}

/// What the service said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    assigned_hub: String,
    device_id: String,
}

/// Asks and remembers.
#[derive(Debug)]
pub(crate) struct Registrar {
    provisioning: Provisioning,
    state: PathBuf,
    proxies: Proxies,
    trust: Mutex<Trust>,
}

impl Registrar {
    pub(crate) fn new(provisioning: Provisioning, state: &Path, proxies: Proxies, trust: Trust) -> Self {
        Self { provisioning, state: state.to_owned(), proxies, trust: Mutex::new(trust) }
    }

    /// Where the device belongs: as remembered, or as the service says in the end; `None` when it is time to stop.
    pub(crate) async fn connection(&self, stop: &Stop) -> Option<DeviceConnection> {
        if let Some(known) = self.remembered() {
            return Some(known);
        }
        let mut backoff = RETRY;
        loop {
            match stop.unless(self.register()).await? {
                Ok(connection) => return Some(connection),
                Err(fault) => {
                    let wait = backoff.next_wait();
                    warn!(why = chain(&fault), wait_seconds = wait.as_secs_f32(), "the device is not provisioned yet");
                    stop.unless(tokio::time::sleep(wait)).await?;
                }
            }
        }
    }

    /// Asks the service, and remembers what it says.
    ///
    /// # Errors
    /// When it is out of reach, refuses, or its answer cannot be remembered.
    pub(crate) async fn register(&self) -> Result<DeviceConnection, ProvisionError> {
        let tls = self.trust.lock().await.config().map_err(ProvisionError::Tls)?;
        let assignment = service::register(&self.provisioning, &self.proxies, &tls).await?;
        let connection = self.connection_to(&assignment)?;
        self.remember(&assignment).map_err(ProvisionError::Disk)?;
        info!(hub = assignment.assigned_hub, device = assignment.device_id, "the device is assigned");
        Ok(connection)
    }

    /// What the service said last. A file that cannot be used is as good as none.
    pub(crate) fn remembered(&self) -> Option<DeviceConnection> {
        let bytes = match fs::read(self.state.join(NAME)) {
            Ok(bytes) => bytes,
            Err(fault) => {
                if fault.kind() != io::ErrorKind::NotFound {
                    warn!(%fault, "the assignment cannot be read; the service is asked again");
                }
                return None;
            }
        };
        let assignment = serde_json::from_slice(&bytes).ok()?;
        self.connection_to(&assignment).ok()
    }

    fn remember(&self, assignment: &Assignment) -> io::Result<()> {
        private_folder(&self.state)?;
        replace(&self.state, NAME, &serde_json::to_vec(assignment)?)
    }

    fn connection_to(&self, assignment: &Assignment) -> Result<DeviceConnection, ProvisionError> {
        let Provisioning { key, module, .. } = &self.provisioning;
        Ok(DeviceConnection {
            host: HostName::parse(&assignment.assigned_hub).map_err(ProvisionError::Host)?,
            gateway: None,
            device_id: assignment.device_id.clone(),
            module_id: module.clone(),
            credential: key.clone().map_or(DeviceCredential::X509, DeviceCredential::Key),
        })
    }
}
