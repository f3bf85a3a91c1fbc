//! Thousands of devices in one process, for load and for rehearsals.
//!
//! Each has a link of its own to the hub, gets its twin and answers it in the very words of the agent. It keeps what it
//! was told as text in memory, touches nothing of the machine, and has one task: some 20 KB with TLS.
//!
//! * `profile` says how devices behave, `part` which of that one of them plays;
//! * `wire` is a connection: sockets, TLS and packets;
//! * `device` is what one of them was told, and what it says to that;
//! * `link` follows one connection, `player` makes one after the other;
//! * `tally` counts what happens to all of them.

mod device;
mod link;
mod part;
mod player;
mod profile;
mod tally;
mod wire;

use std::{path::PathBuf, sync::Arc};

use rustls::{ClientConfig, client::Resumption};
use tokio::{sync::Semaphore, task::JoinSet};

use self::{part::Part, player::Player};
pub use self::{
    profile::{Connecting, Faults, Flapping, Length, MethodAnswer, Profile, Reconnecting, Share, Slow},
    tally::{Counts, Tally},
};
use super::{MqttAddress, TlsError, net::tls_config};
use crate::{
    iothub::{HostName, Key},
    task::Stop,
    twin::DeviceId,
};

/// Where simulated devices connect to, and how they behave.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// The hub's name, which tokens are made for.
    pub hub: HostName,
    /// Where it takes MQTT.
    pub mqtt: MqttAddress,
    /// Whether that is over TLS.
    pub tls: bool,
    /// A PEM file with the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// How the devices behave.
    pub profile: Profile,
}

/// Why devices cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// They cannot trust anyone.
    #[error("the simulated devices cannot set up a trusted connection")]
    Tls(#[source] TlsError),
}

/// What all devices share.
struct Crowd {
    hub: HostName,
    mqtt: MqttAddress,
    tls: Option<Arc<ClientConfig>>,
    profile: Profile,
    /// Let in so many at a time: a handshake takes ten times the memory of a link.
    doors: Semaphore,
    tally: Arc<Tally>,
}

impl Crowd {
    fn new(simulation: Simulation, tally: Arc<Tally>) -> Result<Self, SimulationError> {
        let Simulation { hub, mqtt, tls, ca, profile } = simulation;
        let tls = if tls {
            let mut config = (*tls_config(ca.as_deref()).map_err(SimulationError::Tls)?).clone();
            // Devices do not have each other's sessions: every connection is a whole handshake.
            config.resumption = Resumption::disabled();
            Some(Arc::new(config))
        } else {
            None
        };
        let doors = Semaphore::new(profile.connect.at_once.get());
        Ok(Self { hub, mqtt, tls, profile, doors, tally })
    }
}

/// Plays all devices until asked to stop; `tally` counts meanwhile. A hub out of reach is no error.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn run(
    simulation: Simulation,
    devices: Vec<(DeviceId, Key)>,
    tally: Arc<Tally>,
    stop: &Stop,
) -> Result<(), SimulationError> {
    let crowd = Arc::new(Crowd::new(simulation, tally)?);
    let mut players = JoinSet::new();
    for (id, key) in devices {
        let part = Part::of(&crowd.profile, id.as_str());
        players.spawn(Player::new(Arc::clone(&crowd), id, key, part).run(stop.clone()));
    }
    while let Some(ended) = players.join_next().await {
        if let Err(fault) = ended {
            crowd.tally.trouble(&format!("a simulated device broke off: {fault}"));
        }
    }
    // A crowd that is never out of doors stays until it is sent home.
    stop.requested().await;
    Ok(())
}
