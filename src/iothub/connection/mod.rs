//! Connection strings (protocol reference 1.2).

mod error;
mod parts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::host::HostName;
use super::key::Key;
use super::secret::Secret;
use parts::Parts;

pub use error::ConnectionStringError;

/// How a service client proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceCredential {
    /// A policy's name and key, to sign tokens with.
    Key {
        /// The policy, e.g. `iothubowner`.
        policy: String,
        /// Its primary or secondary key.
        key: Key,
    },
    /// A ready token.
    Signature(Secret),
}

/// A service connection string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConnection {
    /// The hub.
    pub host: HostName,
    /// Where to connect to instead, if not to `host`.
    pub gateway: Option<HostName>,
    /// How to prove itself.
    pub credential: ServiceCredential,
}

/// How a device proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceCredential {
    /// Its own key, to sign tokens with.
    Key(Key),
    /// A ready token.
    Signature(Secret),
    /// A client certificate, which is not part of the connection string.
    X509,
}

/// The connection string of a device or module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConnection {
    /// The hub; tokens and user names keep naming it when there is a gateway.
    pub host: HostName,
    /// Where to connect to instead, if not to `host`.
    pub gateway: Option<HostName>,
    /// The device.
    pub device_id: String,
    /// The module, for a module's connection string.
    pub module_id: Option<String>,
    /// How to prove itself.
    pub credential: DeviceCredential,
}

/// Any connection string of IoT Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionString {
    /// For the service's REST API.
    Service(ServiceConnection),
    /// For a device or module.
    Device(DeviceConnection),
}

impl ConnectionString {
    /// Reads a connection string of either kind.
    ///
    /// # Errors
    ///
    /// When a name is unknown, doubled, missing or contradicted, or a value does not read.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        let mut parts = Parts::split(text)?;
        let host = parts.host("HostName")?.ok_or(ConnectionStringError::Missing("HostName"))?;
        let gateway = parts.host("GatewayHostName")?;
        match parts.take("DeviceId") {
            Some(device) => parts.device(host, gateway, device.to_owned()).map(Self::Device),
            None => parts.service(host, gateway).map(Self::Service),
        }
    }
}

impl ServiceConnection {
    /// Reads a service connection string.
    ///
    /// # Errors
    ///
    /// As [`ConnectionString::parse`], and when it is a device's.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        match ConnectionString::parse(text)? {
            ConnectionString::Service(service) => Ok(service),
            ConnectionString::Device(_) => Err(ConnectionStringError::Kind { found: "device", wanted: "service" }),
        }
    }

    /// The connection string itself, secret included, to hand it to whoever is to use it.
    pub fn to_connection_string(&self) -> Secret {
        let mut text = start(&self.host, self.gateway.as_ref());
        match &self.credential {
            ServiceCredential::Key { policy, key } => {
                push(&mut text, "SharedAccessKeyName", policy);
                push(&mut text, "SharedAccessKey", key.reveal());
            }
            ServiceCredential::Signature(token) => push(&mut text, "SharedAccessSignature", token.reveal()),
        }
        Secret::new(text)
    }
}

impl DeviceConnection {
    /// Reads the connection string of a device or module.
    ///
    /// # Errors
    ///
    /// As [`ConnectionString::parse`], and when it is a service's.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        match ConnectionString::parse(text)? {
            ConnectionString::Device(device) => Ok(device),
            ConnectionString::Service(_) => Err(ConnectionStringError::Kind { found: "service", wanted: "device" }),
        }
    }

    /// The connection string itself, secret included, to hand it to whoever is to use it.
    pub fn to_connection_string(&self) -> Secret {
        let mut text = start(&self.host, self.gateway.as_ref());
        push(&mut text, "DeviceId", &self.device_id);
        if let Some(module) = &self.module_id {
            push(&mut text, "ModuleId", module);
        }
        match &self.credential {
            DeviceCredential::Key(key) => push(&mut text, "SharedAccessKey", key.reveal()),
            DeviceCredential::Signature(token) => push(&mut text, "SharedAccessSignature", token.reveal()),
            DeviceCredential::X509 => push(&mut text, "x509", "true"),
        }
        Secret::new(text)
    }
}

fn start(host: &HostName, gateway: Option<&HostName>) -> String {
    let mut text = format!("HostName={host}");
    if let Some(gateway) = gateway {
        push(&mut text, "GatewayHostName", &gateway.to_string());
    }
    text
}

fn push(text: &mut String, name: &str, value: &str) {
    text.push(';');
    text.push_str(name);
    text.push('=');
    text.push_str(value);
}

impl FromStr for ConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, ConnectionStringError> {
        Self::parse(text)
    }
}

/// Names the hub and the policy, never the key.
impl fmt::Display for ServiceConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.credential {
            ServiceCredential::Key { policy, .. } => write!(f, "{policy}@{}", self.host),
            ServiceCredential::Signature(_) => write!(f, "{}", self.host),
        }
    }
}

/// Names the hub and the device, never the key.
impl fmt::Display for DeviceConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.device_id)?;
        self.module_id.as_ref().map_or(Ok(()), |module| write!(f, "/{module}"))
    }
}
