//! What a SAS token is for: its resource, read and written (protocol reference 1.3).

use std::fmt;

use super::host::HostName;

/// The part of a hub that a token opens. Ids are case-sensitive and matched whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `{host}`: the whole hub, as far as the policy permits.
    Hub,
    /// `{host}/devices`: every device.
    AllDevices,
    /// `{host}/devices/{id}`: one device and its modules.
    Device(String),
    /// `{host}/devices/{id}/modules/{mid}`: one module.
    Module(String, String),
    /// `{idScope}/registrations/{id}`: one registration with the provisioning service.
    Registration(String),
}

impl Scope {
    /// Whether it opens the service API.
    pub fn allows_service(&self) -> bool {
        *self == Self::Hub
    }

    /// Whether it opens a device.
    pub fn allows_device(&self, device: &str) -> bool {
        match self {
            Self::Hub | Self::AllDevices => true,
            Self::Device(id) => id == device,
            Self::Module(..) | Self::Registration(_) => false,
        }
    }

    /// Whether it opens a module of a device.
    pub fn allows_module(&self, device: &str, module: &str) -> bool {
        match self {
            Self::Module(id, mid) => id == device && mid == module,
            _ => self.allows_device(device),
        }
    }

    /// Whether it opens a registration, whose id has no letter case.
    pub fn allows_registration(&self, registration: &str) -> bool {
        matches!(self, Self::Registration(id) if id.eq_ignore_ascii_case(registration))
    }
}

/// A token's resource: a host, or the id scope of a provisioning service, and a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Audience {
    /// The host as the token has it, or the id scope.
    pub host: String,
    /// The part of it.
    pub scope: Scope,
}

impl Audience {
    /// Of a scope at a hub.
    pub fn new(host: &HostName, scope: Scope) -> Self {
        Self { host: host.to_string(), scope }
    }

    /// Reads a resource, already decoded; nothing when it is no part of a hub.
    pub fn parse(resource: &str) -> Option<Self> {
        let mut segments: Vec<&str> = resource.trim_end_matches('/').split('/').collect();
        // Some samples of the documentation sign for one version of the API, behind names and values in pairs; in the
        // place of a value it is an id that reads so.
        if segments.len().is_multiple_of(2) && segments.last().is_some_and(|last| last.starts_with("api-version=")) {
            segments.pop();
        }
        let (host, rest) = segments.split_first()?;
        if host.is_empty() || rest.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let scope = match rest {
            [] => Scope::Hub,
            ["devices"] => Scope::AllDevices,
            ["devices", id] => Scope::Device((*id).to_owned()),
            ["devices", id, "modules", module] => Scope::Module((*id).to_owned(), (*module).to_owned()),
            ["registrations", id] => Scope::Registration((*id).to_owned()),
            _ => return None,
        };
        Some(Self { host: (*host).to_owned(), scope })
    }
}

/// The resource, not yet encoded.
impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match &self.scope {
            Scope::Hub => Ok(()),
            Scope::AllDevices => f.write_str("/devices"),
            Scope::Device(id) => write!(f, "/devices/{id}"),
            Scope::Module(id, module) => write!(f, "/devices/{id}/modules/{module}"),
            Scope::Registration(id) => write!(f, "/registrations/{id}"),
        }
    }
}
