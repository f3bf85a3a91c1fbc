//! Connection strings (protocol reference 1.2).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::host::{HostName, HostNameError};
use super::key::{Key, KeyError};
use super::secret::Secret;

/// The names that may stand before a `=`.
const NAMES: [&str; 8] = [
    "HostName",
    "GatewayHostName",
    "DeviceId",
    "ModuleId",
    "SharedAccessKeyName",
    "SharedAccessKey",
    "SharedAccessSignature",
    "x509",
];

/// Why a text is not a connection string. No message holds a value, because values are secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionStringError {
    /// A part without `=`, or whose name is no word; it is not shown, for it may be a bare key.
    #[error(
        "part {0} is not `Name=value`; a connection string reads `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`"
    )]
    Part(usize),
    /// A name that no connection string has.
    #[error("connection strings have no `{name}`{hint}", hint = hint(name))]
    Unknown {
        /// The name as written.
        name: String,
    },
    /// A name that stands twice.
    #[error("`{0}` stands twice in the connection string")]
    Duplicate(&'static str),
    /// A name that has to be there.
    #[error("the connection string has no `{0}`")]
    Missing(&'static str),
    /// Names that contradict each other.
    #[error("the connection string has both `{0}` and `{1}`; keep one")]
    Contradiction(&'static str, &'static str),
    /// Another kind of connection string than the one needed.
    #[error("this is the connection string of a {found}; here that of a {wanted} is needed")]
    Kind {
        /// What was given.
        found: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// `x509` with another value than `true`.
    #[error("`x509` takes only `true`")]
    X509,
    /// The value of `HostName` or `GatewayHostName`.
    #[error("reading {0} of the connection string")]
    Host(&'static str, #[source] HostNameError),
    /// The value of `SharedAccessKey`.
    #[error("reading SharedAccessKey of the connection string")]
    Key(#[source] KeyError),
}

fn hint(name: &str) -> String {
    NAMES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map_or_else(String::new, |known| format!("; did you mean `{known}`? Names are case-exact"))
}

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

/// The values by the place of their name in [`NAMES`].
#[derive(Default)]
struct Parts<'t>([Option<&'t str>; NAMES.len()]);

impl<'t> Parts<'t> {
    /// Splits at `;` and then at the first `=`, for keys end in `=`.
    fn split(text: &'t str) -> Result<Self, ConnectionStringError> {
        let mut parts = Self::default();
        for (at, part) in text.trim().split(';').enumerate().filter(|(_, part)| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(ConnectionStringError::Part(at + 1))?;
            let Some(slot) = NAMES.iter().position(|known| *known == name) else {
                return Err(unknown(name, at + 1));
            };
            if parts.0[slot].replace(value).is_some() {
                return Err(ConnectionStringError::Duplicate(NAMES[slot]));
            }
        }
        Ok(parts)
    }

    fn take(&mut self, name: &'static str) -> Option<&'t str> {
        let slot = NAMES.iter().position(|known| *known == name)?;
        self.0[slot].take().filter(|value| !value.is_empty())
    }

    fn host(&mut self, name: &'static str) -> Result<Option<HostName>, ConnectionStringError> {
        self.take(name)
            .map(|value| HostName::parse(value).map_err(|error| ConnectionStringError::Host(name, error)))
            .transpose()
    }

    fn key(&mut self) -> Result<Option<Key>, ConnectionStringError> {
        self.take("SharedAccessKey").map(Key::parse).transpose().map_err(ConnectionStringError::Key)
    }

    /// Names that are left have no use in this kind of connection string.
    fn done(&self, used: &'static str) -> Result<(), ConnectionStringError> {
        match self.0.iter().position(Option::is_some) {
            Some(slot) => Err(ConnectionStringError::Contradiction(used, NAMES[slot])),
            None => Ok(()),
        }
    }

    fn service(
        mut self,
        host: HostName,
        gateway: Option<HostName>,
    ) -> Result<ServiceConnection, ConnectionStringError> {
        if self.has("ModuleId") || self.has("x509") {
            return Err(ConnectionStringError::Missing("DeviceId"));
        }
        if let Some(token) = self.take("SharedAccessSignature") {
            self.done("SharedAccessSignature")?;
            return Ok(ServiceConnection {
                host,
                gateway,
                credential: ServiceCredential::Signature(Secret::new(token)),
            });
        }
        let policy = self.take("SharedAccessKeyName").ok_or(ConnectionStringError::Missing("SharedAccessKeyName"))?;
        let key = self.key()?.ok_or(ConnectionStringError::Missing("SharedAccessKey"))?;
        self.done("SharedAccessKey")?;
        Ok(ServiceConnection { host, gateway, credential: ServiceCredential::Key { policy: policy.to_owned(), key } })
    }

    fn has(&self, name: &str) -> bool {
        NAMES.iter().zip(&self.0).any(|(known, value)| *known == name && value.is_some())
    }

    fn device(
        mut self,
        host: HostName,
        gateway: Option<HostName>,
        device_id: String,
    ) -> Result<DeviceConnection, ConnectionStringError> {
        let module_id = self.take("ModuleId").map(str::to_owned);
        let credential = if let Some(key) = self.key()? {
            self.done("SharedAccessKey")?;
            DeviceCredential::Key(key)
        } else if let Some(token) = self.take("SharedAccessSignature") {
            self.done("SharedAccessSignature")?;
            DeviceCredential::Signature(Secret::new(token))
        } else {
            match self.take("x509") {
                Some(value) if value.eq_ignore_ascii_case("true") => DeviceCredential::X509,
                Some(_) => return Err(ConnectionStringError::X509),
                None => return Err(ConnectionStringError::Missing("SharedAccessKey")),
            }
        };
        self.done("DeviceId")?;
        Ok(DeviceConnection { host, gateway, device_id, module_id, credential })
    }
}

/// A name is shown only when it looks like one; a key pasted alone must not end up in a message.
fn unknown(name: &str, part: usize) -> ConnectionStringError {
    if name.len() <= 24 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !name.is_empty() {
        ConnectionStringError::Unknown { name: name.to_owned() }
    } else {
        ConnectionStringError::Part(part)
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

    fn message(text: &str) -> String {
        ConnectionString::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_kind_reads_and_is_written_back() {
        for text in [
            format!("HostName=h.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"),
            "HostName=h;SharedAccessSignature=SharedAccessSignature sr=h&sig=x%3D&se=1&skn=p".to_owned(),
            format!("HostName=h:8443;DeviceId=d=1;SharedAccessKey={KEY}"),
            format!("HostName=h;GatewayHostName=edge;DeviceId=d1;ModuleId=m1;SharedAccessKey={KEY}"),
            "HostName=h;DeviceId=d1;x509=true".to_owned(),
        ] {
            let (written, shown) = match ConnectionString::parse(&text).unwrap() {
                ConnectionString::Service(service) => {
                    (service.to_connection_string(), format!("{service} {service:?}"))
                }
                ConnectionString::Device(device) => (device.to_connection_string(), format!("{device} {device:?}")),
            };
            assert_eq!(written.reveal(), text);
            assert!(!shown.contains(KEY) && !shown.contains("sig="), "{shown}");
        }
    }

    #[test]
    fn order_and_a_last_semicolon_do_not_matter() {
        let text = format!(" SharedAccessKey={KEY};HostName=h;DeviceId=d1;\n");
        assert_eq!(DeviceConnection::parse(&text).unwrap().to_string(), "h/d1");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(message("hostname=h").contains("did you mean `HostName`"));
        assert!(message("HostName=h;Endpoint=x").contains("no `Endpoint`"));
        assert!(message("HostName=h;HostName=g").contains("`HostName` stands twice"));
        assert!(message("DeviceId=d").contains("no `HostName`"));
        assert!(message("HostName=h;ModuleId=m").contains("no `DeviceId`"));
        assert!(message("HostName=h;DeviceId=d").contains("no `SharedAccessKey`"));
        assert!(message(&format!("HostName=h;DeviceId=d;SharedAccessKey={KEY};x509=true")).contains("and `x509`"));
        assert!(message("HostName=https://h;DeviceId=d;x509=true").contains("reading HostName"));
        assert!(message("HostName=h;DeviceId=d;x509=yes").contains("only `true`"));
        let service = format!("HostName=h;SharedAccessKeyName=p;SharedAccessKey={KEY}");
        let error = DeviceConnection::parse(&service).unwrap_err();
        assert_eq!(error.to_string(), "this is the connection string of a service; here that of a device is needed");
    }

    #[test]
    fn a_key_pasted_alone_is_not_repeated() {
        let key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
        assert!(!message(&format!("{key}=")).contains("c2Vj"));
        assert!(!message("HostName=h;DeviceId=d;SharedAccessKey=hunter2").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>(), parts in "(HostName|DeviceId|x509|SharedAccessKey|=|;|true|a){0,20}") {
            let _ = ConnectionString::parse(&text);
            let _ = ConnectionString::parse(&parts);
        }
    }
}
