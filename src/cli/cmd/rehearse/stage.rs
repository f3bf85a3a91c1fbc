//! The hub and the devices of a rehearsal: started in a folder that goes with it.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tracing::error;

use super::cast::Player;
use crate::{
    agent::{self, MqttAddress, Platform, Profile},
    cli::{Failure, cmd::hub::OWNER, login},
    client::HubClient,
    hub::{Config, Hub},
    iothub::{DeviceConnection, ServiceConnection},
    reconcile::{self, Patience, Standing},
    task::{Group, Stop},
    twin::{DeviceId, TwinRow},
};

/// Twins that are put into the hub at the same time.
const WRITERS: usize = 64;

/// A folder for a hub cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a folder for the rehearsal in {}", path.display())]
struct FolderError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// A folder of nobody else's that goes when it is dropped: twins may hold secrets.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, FolderError> {
        let parent = std::env::temp_dir();
        let path = parent.join(format!("twinops-rehearsal-{}-{:016x}", std::process::id(), fastrand::u64(..)));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Self(path)),
            Err(cause) => Err(FolderError { path: parent, cause }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(cause) = fs::remove_dir_all(&self.0) {
            error!(folder = %self.0.display(), error = %cause, "the folder of the rehearsal could not be removed");
        }
    }
}

/// A hub with its devices.
pub(super) struct Stage {
    pub(super) client: HubClient,
    pub(super) stop: Stop,
    /// Devices that answer.
    pub(super) online: Vec<DeviceId>,
    group: Group,
    _folder: Folder,
}

impl Stage {
    /// Starts a hub with the players' twins, and an agent for each that answers; waits until all have spoken.
    pub(super) async fn open(players: Vec<Player>) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let hub = Hub::open(Config { drain: Duration::ZERO, ..Config::local(folder.0.join("hub")) }).await?;
        let seeds = stream::iter(players).map(|player| seed(&hub, player)).buffer_unordered(WRITERS);
        let seeds: Vec<Option<(DeviceId, DeviceConnection)>> = seeds.try_collect().await?;
        let service = ServiceConnection::parse(hub.service_connection_string(OWNER)?.reveal())?;
        let client = login::client(&service, hub.ca_pem_path())?;
        let address = MqttAddress { host: "localhost".to_owned(), port: hub.addresses().mqtt.port() };
        let ca = hub.ca_pem_path().map(Path::to_owned);
        let mut group = Group::new(Stop::new());
        let stop = group.stop().clone();
        let mut online = Vec::new();
        for (at, (id, connection)) in seeds.into_iter().flatten().enumerate() {
            let state = folder.0.join("devices").join(at.to_string());
            let mut config = agent::Config::new(connection, state, Platform::Simulated(Profile::default()));
            (config.mqtt, config.ca) = (Some(address.clone()), ca.clone());
            group.spawn("device", play(id.clone(), config, stop.child()));
            online.push(id);
        }
        let served = stop.clone();
        group.spawn("hub", async move { hub.run(served).await });
        let stage = Self { client, stop, online, group, _folder: folder };
        stage.first_words().await?;
        Ok(stage)
    }

    /// What devices say of themselves decides what they are told: all speak first.
    async fn first_words(&self) -> Result<(), Failure> {
        let spoken = |row: &TwinRow<'_>| match row.properties.reported.member("twinops") {
            Some(_) if row.is_connected() => Standing::Done,
            _ => Standing::Waiting,
        };
        let patience = self.patience();
        reconcile::converge(&self.client, self.online.clone(), &spoken, patience, &|_, _| (), &self.stop).await?;
        Ok(())
    }

    /// How long devices may take to answer: they are on this machine, and share it.
    pub(super) fn patience(&self) -> Patience {
        let each = Duration::from_millis(20).saturating_mul(u32::try_from(self.online.len()).unwrap_or(u32::MAX));
        Patience {
            total: Duration::from_secs(30) + each,
            first: Duration::from_millis(20),
            longest: Duration::from_millis(500),
            settled: Duration::from_millis(500),
        }
    }

    /// Stops everything, and leaves nothing behind.
    pub(super) async fn close(self) {
        self.group.finish().await;
    }
}

async fn seed(hub: &Hub, player: Player) -> Result<Option<(DeviceId, DeviceConnection)>, Failure> {
    let Player { id, tags, desired, reported, is_online } = player;
    let connection = hub.seed(&id, &tags, &desired, &reported).await?;
    let connection = DeviceConnection::parse(connection.reveal())?;
    Ok(is_online.then_some((id, connection)))
}

async fn play(id: DeviceId, config: agent::Config, stop: Stop) {
    if let Err(fault) = agent::run(config, stop).await {
        error!(device = %id, error = %fault, "a simulated device broke off");
    }
}
