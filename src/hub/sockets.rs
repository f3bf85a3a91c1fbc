//! The addresses that a hub takes.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{
    config::{Addresses, Config},
    error::HubError,
};

/// A socket, and where it turned out to be.
pub(super) type Bound = (TcpListener, SocketAddr);

/// All of a hub's sockets. What arrives on them waits until somebody accepts it.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) http: Bound,
    pub(super) mqtt: Bound,
    pub(super) plain: Option<Bound>,
    pub(super) metrics: Option<Bound>,
}

impl Sockets {
    /// Takes the addresses that the configuration names.
    pub(super) async fn bind(config: &Config) -> Result<Self, HubError> {
        let http = bind("REST", config.http).await?;
        let mqtt = bind("MQTT", config.mqtt).await?;
        let plain = match config.mqtt_plain {
            Some(address) if !address.ip().is_loopback() => return Err(HubError::NotLoopback(address)),
            address => bind_some("plain MQTT", address).await?,
        };
        Ok(Self { http, mqtt, plain, metrics: bind_some("metrics", config.metrics).await? })
    }

    /// Where devices and services connect; never port 0.
    pub(super) const fn addresses(&self) -> Addresses {
        Addresses { http: self.http.1, mqtt: self.mqtt.1 }
    }
}

async fn bind_some(what: &'static str, address: Option<SocketAddr>) -> Result<Option<Bound>, HubError> {
    match address {
        Some(address) => bind(what, address).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<Bound, HubError> {
    let fail = |cause| HubError::Listen { what, address, cause };
    let socket = TcpListener::bind(address).await.map_err(fail)?;
    let bound = socket.local_addr().map_err(fail)?;
    Ok((socket, bound))
}
