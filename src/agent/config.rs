//! What an agent needs to know before it starts.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use super::{
    link::{Settings, TOKEN_LIFETIME, Transport},
    net::{Certificate, Proxies, Trust},
    provision::{Provisioning, Registrar},
    resource::{linux::Allowed, simulated::Profile},
};
use crate::iothub::DeviceConnection;

/// Where hubs take MQTT.
const MQTT_PORT: u16 = 8883;

/// What an agent needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who the device is.
    pub identity: Identity,
    /// Where to connect to instead of port 8883 of the hub's host or gateway.
    pub mqtt: Option<MqttAddress>,
    /// A PEM file with the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// What the device shows of itself, when the connection says `x509=true`.
    pub certificate: Option<Certificate>,
    /// The proxy for HTTPS and WebSockets.
    pub proxies: Proxies,
    /// By which way the hub is reached.
    pub transport: Transport,
    /// How long a token lasts that the agent makes from its key.
    pub token_lifetime: Duration,
    /// The folder that the agent keeps its ledger in; nobody else's.
    pub state: PathBuf,
    /// Whether values that drifted on the device are set again, or only reported.
    pub heal: bool,
    /// The device.
    pub platform: Platform,
}

/// Who the device is, and to which hub it belongs.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The hub, the device and its key.
    Known(DeviceConnection),
    /// A provisioning service says it.
    Provisioned(Provisioning),
}

impl From<DeviceConnection> for Identity {
    fn from(connection: DeviceConnection) -> Self {
        Self::Known(connection)
    }
}

/// What the agent looks after.
#[derive(Debug, Clone)]
pub enum Platform {
    /// This Linux device.
    Linux {
        /// Where its file system begins: `/`, or that of an image.
        root: PathBuf,
        /// What the twin may touch.
        allowed: Allowed,
    },
    /// A device made up, kept in the state folder.
    Simulated(Profile),
}

impl Config {
    /// An agent on its defaults: port 8883, the system's authorities, drift is undone.
    pub fn new(identity: impl Into<Identity>, state: PathBuf, platform: Platform) -> Self {
        Self {
            identity: identity.into(),
            mqtt: None,
            ca: None,
            certificate: None,
            proxies: Proxies::default(),
            transport: Transport::default(),
            token_lifetime: TOKEN_LIFETIME,
            state,
            heal: true,
            platform,
        }
    }

    /// Where MQTT is to be had. A port in the host name is that of HTTPS and does not count.
    fn mqtt(&self, connection: &DeviceConnection) -> MqttAddress {
        let host = connection.gateway.as_ref().unwrap_or(&connection.host);
        self.mqtt.clone().unwrap_or_else(|| MqttAddress { host: host.name().to_owned(), port: MQTT_PORT })
    }

    /// What the connection is made from.
    pub(super) fn settings(&self, connection: &DeviceConnection) -> Settings {
        Settings {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            proxies: self.proxies.clone(),
            transport: self.transport,
            token_lifetime: self.token_lifetime,
            ..Settings::new(connection.clone(), self.mqtt(connection))
        }
    }

    /// Who asks the provisioning service, if one is to be asked.
    pub(super) fn registrar(&self) -> Option<Registrar> {
        let Identity::Provisioned(provisioning) = &self.identity else { return None };
        let trust = Trust::new(self.ca.as_deref(), self.certificate.as_ref());
        Some(Registrar::new(provisioning.clone(), &self.state, self.proxies.clone(), trust))
    }
}

/// Whose ledger it is: the device's on this hub, wherever the hub listens today.
pub(super) fn owner(connection: &DeviceConnection) -> String {
    let DeviceConnection { host, device_id, module_id, .. } = connection;
    let module = module_id.as_ref().map(|module| format!("/{module}")).unwrap_or_default();
    format!("{}/{device_id}{module}", host.name())
}

/// A host and a port, written `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttAddress {
    /// A name or an address; IPv6 ones are written in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address; write HOST:PORT")]
pub struct AddressError(String);

impl FromStr for MqttAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        if host.is_empty() || (bare.is_none() && host.contains(':')) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
    }
}

impl fmt::Display for MqttAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["localhost:8883", "10.0.0.1:1", "[::1]:8883"] {
            assert_eq!(text.parse::<MqttAddress>().unwrap().to_string(), text);
        }
        for text in ["", "localhost", ":1", "h:0x1", "h:99999", "::1:80"] {
            assert!(text.parse::<MqttAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_port_of_the_host_name_is_not_that_of_mqtt() {
        let text = "HostName=localhost:9443;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let connection = DeviceConnection::parse(text).unwrap();
        let config = Config::new(connection.clone(), "/tmp".into(), Platform::Simulated(Profile::default()));
        assert_eq!(config.mqtt(&connection).to_string(), "localhost:8883");
        assert_eq!(owner(&connection), "localhost/d1");
    }
}
