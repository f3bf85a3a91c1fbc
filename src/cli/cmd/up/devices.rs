//! A simulated device for each one that the fleet declares.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::error;

use super::place::Place;
use crate::{
    agent::{self, Config, MqttAddress, Outages, Platform, Profile},
    cli::{Failure, args::UpArgs, cmd::hub::device_key},
    client::HubClient,
    fleet::{Fleet, IdentityKind},
    hub::Hub,
    iothub::{DeviceConnection, DeviceCredential, HostName},
    task::{Group, Stop},
    twin::DeviceId,
};

/// The devices that run.
pub(super) struct Devices {
    running: BTreeMap<DeviceId, Stop>,
    profile: Profile,
    offline: f64,
    place: Place,
    host: HostName,
    mqtt: MqttAddress,
    ca: Option<PathBuf>,
}

impl Devices {
    /// None yet; those to come behave as the arguments say.
    pub(super) fn new(args: &UpArgs, place: &Place, hub: &Hub) -> Self {
        let profile = Profile { latency: args.latency, failure_rate: args.failure_rate.0, ..Profile::default() };
        let address = hub.addresses().mqtt;
        Self {
            running: BTreeMap::new(),
            profile,
            offline: args.offline.0,
            place: Place { state: place.state.clone() },
            host: hub.hostname().clone(),
            mqtt: MqttAddress { host: "localhost".to_owned(), port: address.port() },
            ca: hub.ca_pem_path().map(Path::to_owned),
        }
    }

    /// Starts a device for each that is declared and does not run, and stops those that are no longer declared. The
    /// ones that were started and will connect.
    pub(super) async fn follow(
        &mut self,
        fleet: &Fleet,
        client: &HubClient,
        group: &mut Group,
    ) -> Result<Vec<DeviceId>, Failure> {
        self.running.retain(|id, stop| {
            let declared = fleet.devices.contains_key(id);
            if !declared {
                stop.request();
            }
            declared
        });
        let mut started = Vec::new();
        for (id, device) in &fleet.devices {
            if self.running.contains_key(id) || device.identity.as_ref().is_some_and(|i| i.kind != IdentityKind::Sas) {
                continue;
            }
            let connection = self.connection(id, client).await?;
            let stop = group.stop().child();
            let profile = self.profile_of(id);
            if profile.outages.is_none() {
                started.push(id.clone());
            }
            let mut config = Config::new(connection, self.place.device(id.as_str()), Platform::Simulated(profile));
            (config.mqtt, config.ca) = (Some(self.mqtt.clone()), self.ca.clone());
            group.spawn("device", run(id.clone(), config, stop.clone()));
            self.running.insert(id.clone(), stop);
        }
        Ok(started)
    }

    /// The device's credentials; it is registered if the hub does not know it.
    async fn connection(&self, id: &DeviceId, client: &HubClient) -> Result<DeviceConnection, Failure> {
        let key = device_key(client, id, true).await?;
        Ok(DeviceConnection {
            host: self.host.clone(),
            gateway: None,
            device_id: id.to_string(),
            module_id: None,
            credential: DeviceCredential::Key(key),
        })
    }

    /// As all, but for those that are out of reach: always the same ones.
    fn profile_of(&self, id: &DeviceId) -> Profile {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let place = f64::from(u32::try_from(hasher.finish() % 10_000).unwrap_or(0)) / 10_000.0;
        let never = Outages { every: Duration::ZERO, last: Duration::from_secs(u64::from(u32::MAX)) };
        Profile { outages: (place < self.offline).then_some(never), ..self.profile.clone() }
    }
}

async fn run(id: DeviceId, config: Config, stop: Stop) {
    if let Err(fault) = agent::run(config, stop).await {
        error!(device = %id, error = %fault, "a simulated device broke off");
    }
}
