//! Where `up` keeps what it needs, and the hub that it starts there.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use crate::{
    cli::{Failure, Printer, args::UpArgs},
    hub::{Config, Hub, HubError},
};

/// The folder that holds the state, below the fleet's own.
const STATE: &str = ".twinops";
/// The ports that hubs are known by, above those that need privileges.
const HTTP: u16 = 8443;
const MQTT: u16 = 8883;

/// The state folder.
pub(super) struct Place {
    pub(super) state: PathBuf,
}

/// The state folder cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the state folder `{}`", path.display())]
struct PlaceError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Place {
    /// Makes the folder, and keeps git out of it.
    pub(super) fn prepare(args: &UpArgs) -> Result<Self, Failure> {
        if !args.dir.is_dir() {
            return Err(Failure::usage(format!("there is no folder `{}`", args.dir.display())));
        }
        let state = args.state.clone().unwrap_or_else(|| args.dir.join(STATE));
        let made = fs::create_dir_all(&state).and_then(|()| fs::write(state.join(".gitignore"), "*\n"));
        made.map_err(|cause| PlaceError { path: state.clone(), cause })?;
        // What is said of it has to hold in other shells too.
        Ok(Self { state: state.canonicalize().unwrap_or(state) })
    }

    /// Where a device keeps its ledger.
    pub(super) fn device(&self, id: &str) -> PathBuf {
        // Ids may hold what file names on some systems may not.
        let name: String = id.bytes().map(escaped).collect();
        self.state.join("devices").join(name)
    }

    /// Opens the hub, on the usual ports or, where those are taken and nobody asked for them, on free ones.
    pub(super) async fn hub(&self, args: &UpArgs) -> Result<Hub, Failure> {
        let usual = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let config = |http, mqtt| Config { http, mqtt, ..Config::local(self.state.join("hub")) };
        let (http, mqtt) = (args.http.unwrap_or(usual(HTTP)), args.mqtt.unwrap_or(usual(MQTT)));
        match Hub::open(config(http, mqtt)).await {
            Err(HubError::Listen { .. }) if args.http.is_none() || args.mqtt.is_none() => {
                let (http, mqtt) = (args.http.unwrap_or(usual(0)), args.mqtt.unwrap_or(usual(0)));
                Ok(Hub::open(config(http, mqtt)).await?)
            }
            opened => Ok(opened?),
        }
    }

    /// Says what runs where.
    pub(super) fn greet(&self, printer: &Printer, hub: &Hub) {
        let addresses = hub.addresses();
        printer.say(format_args!("hub    https://{} (REST), {} (MQTT over TLS)", hub.hostname(), addresses.mqtt));
        printer.say(format_args!("state  {}", self.state.display()));
        if let Some(ca) = hub.ca_pem_path() {
            printer.say(format_args!(
                "shell  export TWINOPS_CA={} IOTHUB_CONNECTION_STRING=\"$(twinops hub connection-string --state {})\"",
                ca.display(),
                self.state.join("hub").display()
            ));
        }
    }
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02x}")
    }
}
