//! Why a hub does not start, or cannot say what it is asked.

use std::{error::Error, net::SocketAddr, path::PathBuf};

use super::{
    auth::PoliciesError,
    failure::Failure,
    random::NoRandomness,
    store::{AddressError, StoreError},
    tls::TlsError,
};
use crate::twin::DeviceId;

type Cause = Box<dyn Error + Send + Sync>;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The state folder cannot be used, or another hub uses it.
    #[error("cannot use the state folder {}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The store cannot be opened, read or written.
    #[error("cannot use the hub's store")]
    Store(#[source] Cause),
    /// The hub's policies cannot be read or made.
    #[error("cannot use the hub's access policies")]
    Policies(#[source] Cause),
    /// The certificates cannot be read or made.
    #[error("cannot set up TLS")]
    Tls(#[source] Cause),
    /// The issuer of bearer tokens cannot be used.
    #[error("cannot take bearer tokens of {issuer}")]
    Oidc {
        /// The issuer.
        issuer: String,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address} for {what}")]
    Listen {
        /// REST or MQTT.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// What is not protected would be reached from elsewhere.
    #[error("MQTT without TLS is only for this machine: {0} is no loopback address; use e.g. 127.0.0.1:1883")]
    NotLoopback(SocketAddr),
    /// What is to leave the hub cannot leave it.
    #[error("cannot open the sink of events")]
    Events(#[source] std::io::Error),
    /// A name of the hub is none.
    #[error("the hub cannot be called that")]
    Name(#[source] Cause),
    /// There is no such policy.
    #[error(
        "the hub has no policy `{0}`; it has iothubowner, service, device, registryRead, registryReadWrite and \
         provisioningserviceowner"
    )]
    NoPolicy(String),
    /// No hub was ever started with this state folder.
    #[error("{} holds no hub; start one there first", .0.display())]
    NoHub(PathBuf),
    /// A device's identity cannot be read or made.
    #[error("cannot use device {id}")]
    Device {
        /// The device.
        id: DeviceId,
        /// Why not.
        #[source]
        cause: Cause,
    },
}

impl HubError {
    pub(super) fn device(id: &DeviceId) -> impl Fn(Failure) -> Self {
        move |failure| Self::Device { id: id.clone(), cause: failure.into() }
    }

    pub(super) fn state(path: &std::path::Path, cause: impl Into<Cause>) -> Self {
        Self::State { path: path.to_owned(), cause: cause.into() }
    }
}

impl From<AddressError> for HubError {
    fn from(cause: AddressError) -> Self {
        Self::Store(cause.into())
    }
}

impl From<StoreError> for HubError {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause.into())
    }
}

impl From<PoliciesError> for HubError {
    fn from(cause: PoliciesError) -> Self {
        Self::Policies(cause.into())
    }
}

impl From<NoRandomness> for HubError {
    fn from(cause: NoRandomness) -> Self {
        Self::Policies(cause.into())
    }
}

impl From<TlsError> for HubError {
    fn from(cause: TlsError) -> Self {
        Self::Tls(cause.into())
    }
}
