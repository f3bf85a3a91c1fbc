//! The parts of a connection string, and what may stand together.

use super::super::host::HostName;
use super::super::key::Key;
use super::super::secret::Secret;
use super::error::NAMES;
use super::{ConnectionStringError, DeviceConnection, DeviceCredential, ServiceConnection, ServiceCredential};

/// The values by the place of their name in [`NAMES`].
#[derive(Default)]
pub(super) struct Parts<'t>([Option<&'t str>; NAMES.len()]);

impl<'t> Parts<'t> {
    /// Splits at `;` and then at the first `=`, for keys end in `=`. Blanks around a part are nobody's.
    pub(super) fn split(text: &'t str) -> Result<Self, ConnectionStringError> {
        let mut parts = Self::default();
        for (at, part) in text.split(';').map(str::trim).enumerate().filter(|(_, part)| !part.is_empty()) {
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

    pub(super) fn take(&mut self, name: &'static str) -> Option<&'t str> {
        let slot = NAMES.iter().position(|known| *known == name)?;
        self.0[slot].take().filter(|value| !value.is_empty())
    }

    pub(super) fn host(&mut self, name: &'static str) -> Result<Option<HostName>, ConnectionStringError> {
        self.take(name)
            .map(|value| HostName::parse(value).map_err(|error| ConnectionStringError::Host(name, error)))
            .transpose()
    }

    pub(super) fn key(&mut self) -> Result<Option<Key>, ConnectionStringError> {
        self.take("SharedAccessKey").map(Key::parse).transpose().map_err(ConnectionStringError::Key)
    }

    /// Names that are left have no use in this kind of connection string.
    pub(super) fn done(&self, used: &'static str) -> Result<(), ConnectionStringError> {
        match self.0.iter().position(Option::is_some) {
            Some(slot) => Err(ConnectionStringError::Contradiction(used, NAMES[slot])),
            None => Ok(()),
        }
    }

    pub(super) fn service(
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

    pub(super) fn has(&self, name: &str) -> bool {
        NAMES.iter().zip(&self.0).any(|(known, value)| *known == name && value.is_some())
    }

    pub(super) fn device(
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
