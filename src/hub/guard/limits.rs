//! How much is too much.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Fewest files that are left for store, certificates and logs.
const RESERVE: usize = 64;
/// Connections where the system tells of no limit.
const UNTOLD: usize = 65_536;
/// Most connections by default.
const MOST: usize = 1_000_000;
/// Fewest connections that one address may have by default.
const FEWEST: usize = 64;

/// How many connections a hub takes, and how many failed attempts to prove an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at a time. By default as many as the system's limit of open files leaves; an eighth of them is for
    /// the REST side alone, so that devices never lock operators out.
    pub connections: Option<usize>,
    /// Connections at a time from one address, or one /64 network of IPv6. By default a quarter of all.
    pub connections_per_address: Option<usize>,
    /// TLS handshakes at a time on all sides; others wait. One address may have a quarter of them.
    pub handshakes: usize,
    /// Failed attempts in a minute from one address, or one /64 network of IPv6, beyond which nothing from there is
    /// looked at for a while; 0 for any number.
    pub failures_per_minute: u32,
    /// Addresses that are not limited one by one: gateways and proxies behind which many clients are.
    pub exempt: Vec<IpAddr>,
    /// Proxies whose `X-Forwarded-For` is believed on the REST side: attempts that fail count for the address that they
    /// name. They must put it there themselves, and not pass on what clients say.
    pub proxies: Vec<IpAddr>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: None,
            connections_per_address: None,
            handshakes: 1024,
            failures_per_minute: 60,
            exempt: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            proxies: Vec::new(),
        }
    }
}

/// The limits as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) connections: usize,
    pub(super) per_address: usize,
    pub(super) handshakes: usize,
    pub(super) shaking_per_address: usize,
}

impl Figures {
    pub(super) fn of(limits: &ConnectionLimits) -> Self {
        let connections = limits.connections.unwrap_or_else(|| connections(open_files())).max(1);
        let handshakes = limits.handshakes.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        Self {
            connections,
            per_address: limits.connections_per_address.unwrap_or((connections / 4).max(FEWEST)).max(1),
            handshakes,
            shaking_per_address: (handshakes / 4).max(1),
        }
    }
}

/// What a number of open files leaves for connections.
fn connections(files: Option<u64>) -> usize {
    let Some(files) = files.and_then(|files| usize::try_from(files).ok()) else { return UNTOLD };
    files.saturating_sub((files / 16).clamp(RESERVE, 16 * RESERVE)).clamp(1, MOST)
}

/// Files beyond which no more are asked for: what the process starts inherits the limit, and some programs go through
/// all of them.
#[cfg(unix)]
const ENOUGH: u64 = 1 << 20;

/// How many files the process may open, after asking for as many as it may ask for.
#[cfg(unix)]
pub fn open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    let has_enough = current.is_none_or(|current| current >= wanted);
    let asked = Rlimit { current: Some(wanted), maximum };
    if !has_enough && setrlimit(Resource::Nofile, asked).is_ok() { Some(wanted) } else { current }
}

/// How many files the process may open; unknown here.
#[cfg(not(unix))]
pub fn open_files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_hub_itself() {
        let files = [10, 1024, 20_000, 65_536, u64::MAX];
        assert_eq!(files.map(|files| connections(Some(files))), [1, 960, 18_976, 64_512, MOST]);
        assert_eq!(connections(None), UNTOLD);
    }

    #[test]
    fn one_address_has_a_quarter_unless_told_otherwise() {
        let limits = ConnectionLimits { connections: Some(1000), ..ConnectionLimits::default() };
        let figures = Figures::of(&limits);
        assert_eq!((figures.per_address, figures.shaking_per_address), (250, 256));
        let few = Figures::of(&ConnectionLimits { connections_per_address: Some(0), handshakes: 0, ..limits });
        assert_eq!((few.per_address, few.handshakes, few.shaking_per_address), (1, 1, 1));
        assert!(Figures::of(&ConnectionLimits::default()).connections > 1);
    }
}
