//! As whom a hub is asked.

use std::path::PathBuf;

use super::entra::Entra;
use crate::iothub::{HostName, ServiceConnection};

/// A hub, and what proves that we may ask it.
#[derive(Debug, Clone)]
pub enum Login {
    /// The key or the signature of a connection string.
    Connection(ServiceConnection),
    /// A token of Microsoft Entra ID (protocol reference 1.6).
    Entra {
        /// The hub.
        host: HostName,
        /// Who asks for the token.
        identity: Entra,
    },
    /// A bearer token in a file that somebody else keeps fresh, as systems of CI do: for a hub that takes those of
    /// their issuer.
    TokenFile {
        /// The hub.
        host: HostName,
        /// Which file.
        path: PathBuf,
    },
}

impl Login {
    /// The hub's name.
    pub const fn host(&self) -> &HostName {
        match self {
            Self::Connection(connection) => &connection.host,
            Self::Entra { host, .. } | Self::TokenFile { host, .. } => host,
        }
    }

    /// Where it is connected to: a gateway goes before the hub (protocol reference 1.2).
    pub(super) fn address(&self) -> &HostName {
        match self {
            Self::Connection(connection) => connection.gateway.as_ref().unwrap_or(&connection.host),
            Self::Entra { host, .. } | Self::TokenFile { host, .. } => host,
        }
    }
}

impl From<&ServiceConnection> for Login {
    fn from(connection: &ServiceConnection) -> Self {
        Self::Connection(connection.clone())
    }
}
