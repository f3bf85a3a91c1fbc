//! How the hub is reached: MQTT over TLS on a port of its own, or over WebSocket on the port of HTTPS.

use std::{fmt, str::FromStr};

use super::Settings;
use crate::{
    agent::net::{self, NetError, Stream, TlsError, Trust},
    iothub::DeviceCredential,
};

/// The port of HTTPS.
const HTTPS: u16 = 443;
/// Whoever has reached the hub by MQTT before tries it so often; the hub may only be starting.
const TRIES: u32 = 3;

/// By which way the hub may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// MQTT; when its port cannot be reached, or there is a proxy, MQTT over WebSocket.
    #[default]
    Auto,
    /// MQTT alone, never through a proxy.
    Mqtt,
    /// MQTT over WebSocket alone.
    WebSocket,
}

/// Why a text names no transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transport is one of auto, mqtt, websocket")]
pub struct TransportError;

impl FromStr for Transport {
    type Err = TransportError;

    fn from_str(text: &str) -> Result<Self, TransportError> {
        Ok(match text {
            "auto" => Self::Auto,
            "mqtt" => Self::Mqtt,
            "websocket" => Self::WebSocket,
            _ => return Err(TransportError),
        })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Mqtt => "mqtt",
            Self::WebSocket => "websocket",
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("no trusted connection can be set up")]
    Tls(#[from] TlsError),
}

/// The way that is tried next.
#[derive(Debug)]
pub(super) struct Way {
    wanted: Transport,
    websocket: bool,
    /// Whether MQTT came through since the start, and how often in a row it did not.
    came_through: bool,
    closed: u32,
    /// A WebSocket that came through where MQTT did not is kept until the next start.
    settled: bool,
}

impl Way {
    pub(super) fn new(settings: &Settings) -> Self {
        let wanted = settings.transport;
        let proxied = settings.proxies.of(&settings.https().0).is_some();
        let websocket = wanted == Transport::WebSocket || (wanted == Transport::Auto && proxied);
        Self { wanted, websocket, came_through: false, closed: 0, settled: websocket }
    }

    pub(super) fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// The hub answered.
    pub(super) fn worked(&mut self) {
        self.closed = 0;
        self.settled |= self.websocket;
        self.came_through |= !self.websocket;
    }

    /// It was not reached.
    pub(super) fn failed(&mut self, fault: &NetError) {
        if self.wanted != Transport::Auto || self.settled || !fault.is_closed_way() {
            return;
        }
        self.closed += 1;
        if self.websocket {
            self.websocket = false;
        } else if !self.came_through || self.closed >= TRIES {
            self.websocket = true;
        }
    }
}

/// Connects up to where MQTT begins.
pub(super) async fn open(settings: &Settings, trust: &mut Trust, websocket: bool) -> Result<Stream, OpenError> {
    let tls = trust.config()?;
    if !websocket {
        let (host, port) = (settings.mqtt.host.as_str(), settings.mqtt.port);
        let stream = net::direct(host, port).await?;
        return Ok(Box::new(net::secure(Box::new(stream), host, &tls).await?));
    }
    let (host, port) = settings.https();
    let stream = net::open(&settings.proxies, &host, port).await?;
    let stream = net::secure(stream, &host, &tls).await?;
    // Hubs ask for a certificate here only if they are not told that none will come.
    let has_certificate = settings.connection.credential == DeviceCredential::X509;
    let query = if has_certificate { "" } else { "?iothub-no-client-cert=true" };
    Ok(net::over_websocket(Box::new(stream), &host, query).await?)
}

impl Settings {
    /// Where the hub serves HTTPS.
    pub(crate) fn https(&self) -> (String, u16) {
        let host = self.connection.gateway.as_ref().unwrap_or(&self.connection.host);
        (host.name().to_owned(), host.port().unwrap_or(HTTPS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::Proxies, iothub::DeviceConnection};

    fn way(transport: Transport, proxies: Proxies) -> Way {
        let connection = DeviceConnection::parse("HostName=h;DeviceId=d;x509=true").unwrap();
        Way::new(&Settings { transport, proxies, ..Settings::new(connection, "h:8883".parse().unwrap()) })
    }

    fn closed() -> NetError {
        NetError::Silent("h:8883".to_owned())
    }

    #[test]
    fn a_closed_port_leads_to_a_websocket_that_is_kept_once_it_came_through() {
        let mut way = way(Transport::Auto, Proxies::default());
        way.failed(&NetError::TooLong(1));
        assert!(!way.is_websocket(), "another port would not help");
        way.failed(&closed());
        assert!(way.is_websocket());
        way.failed(&closed());
        assert!(!way.is_websocket(), "nothing came through; the hub is away");
        way.failed(&closed());
        way.worked();
        way.failed(&closed());
        assert!(way.is_websocket());
    }

    #[test]
    fn a_hub_that_starts_again_is_waited_for() {
        let mut way = way(Transport::Auto, Proxies::default());
        way.worked();
        let ways: Vec<bool> = (0..TRIES)
            .map(|_| {
                way.failed(&closed());
                way.is_websocket()
            })
            .collect();
        assert_eq!(ways, [false, false, true]);
    }

    #[test]
    fn what_is_wanted_is_kept_and_a_proxy_wants_a_websocket() {
        for (transport, websocket) in [(Transport::Mqtt, false), (Transport::WebSocket, true)] {
            let mut way = way(transport, Proxies::default());
            way.failed(&closed());
            assert_eq!(way.is_websocket(), websocket);
            assert_eq!(transport.to_string().parse(), Ok(transport));
        }
        let proxies = Proxies::parse("http://proxy", "").unwrap();
        assert!(way(Transport::Auto, proxies.clone()).is_websocket());
        assert!(!way(Transport::Mqtt, proxies).is_websocket());
    }
}
