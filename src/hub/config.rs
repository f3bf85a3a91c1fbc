//! What a hub is told when it starts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::{auth::OidcConfig, core::MOST_ACTIVE, events::Events, guard::ConnectionLimits};
use crate::iothub::Secret;

/// Where a hub keeps things, listens, and what it is called.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of store and certificates; made, for its owner alone, if it is not there.
    pub state: PathBuf,
    /// Where REST is served; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where MQTT is served; port 0 takes a free one.
    pub mqtt: SocketAddr,
    /// Names and addresses by which clients reach the hub, besides `localhost`, `127.0.0.1` and `::1`. They are in
    /// its own certificate, and tokens may be for them.
    pub names: Vec<String>,
    /// What connection strings say, with a port if it is not 443. By default the first of `names`, or `localhost`,
    /// with the port of `http`.
    pub hostname: Option<String>,
    /// What devices are told that the provisioning service assigns to this hub. By default the host of `hostname`
    /// without its port: devices know the ports. One of the hub's names, too.
    pub assigned_hub: Option<String>,
    /// A certificate from elsewhere instead of the hub's own.
    pub certificate: Option<CertificateFiles>,
    /// The address of a PostgreSQL database that any number of hubs share, `postgres://…`; without it the one that the
    /// state folder remembers, or the store in the state folder.
    pub store: Option<Secret>,
    /// Most scheduled jobs that wait or run at a time.
    pub most_jobs: usize,
    /// Where MQTT is served without TLS, for a proxy on this machine that ends TLS itself; a loopback address.
    pub mqtt_plain: Option<SocketAddr>,
    /// Over how long the links of many devices are closed when the hub stops, so that they do not all come back at
    /// once; those of few are closed at once.
    pub drain: Duration,
    /// Where messages of devices and events go; without it messages are accepted and forgotten.
    pub events: Option<Events>,
    /// Where metrics are served over plain HTTP to whoever asks; port 0 takes a free one.
    pub metrics: Option<SocketAddr>,
    /// Whose bearer tokens open the service API, besides the shared access signatures of the hub's own policies.
    pub oidc: Option<OidcConfig>,
    /// How many connections and failed attempts there may be.
    pub limits: ConnectionLimits,
}

/// How long many links take to close if nobody says.
pub(super) const DRAIN: Duration = Duration::from_secs(10);

/// PEM files of a server certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where a hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// REST.
    pub http: SocketAddr,
    /// MQTT.
    pub mqtt: SocketAddr,
}

impl Config {
    /// For this machine alone, on free ports.
    pub fn local(state: impl Into<PathBuf>) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            state: state.into(),
            http: any,
            mqtt: any,
            names: Vec::new(),
            hostname: None,
            assigned_hub: None,
            certificate: None,
            store: None,
            most_jobs: MOST_ACTIVE,
            mqtt_plain: None,
            drain: DRAIN,
            events: None,
            metrics: None,
            oidc: None,
            limits: ConnectionLimits::default(),
        }
    }

    /// All names of the hub, once each.
    pub(super) fn all_names(&self) -> Vec<String> {
        let own = self.hostname.iter().chain(&self.assigned_hub).map(|name| without_port(name).to_owned());
        let mut names: Vec<String> = Vec::new();
        let always = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        for name in self.names.iter().cloned().chain(own).chain(always) {
            let name = name.trim_matches(['[', ']']).to_owned();
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
        names
    }

    /// What connection strings say once the port is known.
    pub(super) fn host(&self, port: u16) -> String {
        if let Some(hostname) = &self.hostname {
            return hostname.clone();
        }
        let name = bracketed(self.names.first().map_or("localhost", String::as_str));
        if port == 443 { name } else { format!("{name}:{port}") }
    }
}

/// An IPv6 address as host names have it.
pub(super) fn bracketed(name: &str) -> String {
    if name.contains(':') && !name.starts_with('[') { format!("[{name}]") } else { name.to_owned() }
}

fn without_port(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { name }
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_called_what_its_connection_strings_say() {
        let mut config = Config::local("x");
        assert_eq!((config.host(8443), config.host(443)), ("localhost:8443".to_owned(), "localhost".to_owned()));
        config.names = vec!["10.0.0.7".to_owned(), "Localhost".to_owned()];
        assert_eq!(config.host(8443), "10.0.0.7:8443");
        config.hostname = Some("hub.example:9443".to_owned());
        assert_eq!(config.host(8443), "hub.example:9443");
        config.assigned_hub = Some("devices.example".to_owned());
        let names = ["10.0.0.7", "Localhost", "hub.example", "devices.example", "127.0.0.1", "::1"];
        assert_eq!(config.all_names(), names);
    }

    #[test]
    fn ports_are_told_from_addresses() {
        assert_eq!(["a:1", "::1", "[::1]:8", "a"].map(without_port), ["a", "::1", "[::1]", "a"]);
        assert_eq!(
            (bracketed("::1"), bracketed("[::1]"), bracketed("a")),
            ("[::1]".into(), "[::1]".into(), "a".into())
        );
    }
}
