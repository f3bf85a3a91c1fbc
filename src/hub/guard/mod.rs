//! Keeps strangers from using up what the hub has for all.
//!
//! * [`Guard`] is asked before a connection costs anything, and told of failed attempts to prove an identity.
//! * `attempts` counts those for each address, in memory of a fixed size; `gate` counts connections and handshakes.
//! * `origin` says which addresses count as one, `tally` keeps the log short, and `limits` has the figures.

mod attempts;
mod gate;
mod limits;
mod origin;
mod tally;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

pub use limits::{ConnectionLimits, open_files};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

pub(super) use self::gate::Pass;
use self::{attempts::Attempts, gate::Gate, limits::Figures, origin::Origin};

/// See the module. Shared by all sides of a hub.
#[derive(Debug)]
pub(super) struct Guard {
    exempt: Vec<Origin>,
    proxies: Vec<IpAddr>,
    attempts: Attempts,
    gate: Arc<Gate>,
    handshakes: Arc<Semaphore>,
    figures: Figures,
}

impl Guard {
    /// Keeps these limits.
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        let figures = Figures::of(limits);
        Self {
            exempt: limits.exempt.iter().copied().map(Origin::of).collect(),
            proxies: limits.proxies.iter().map(IpAddr::to_canonical).collect(),
            attempts: Attempts::new(limits.failures_per_minute),
            gate: Arc::new(Gate::new(figures)),
            handshakes: Arc::new(Semaphore::new(figures.handshakes)),
            figures,
        }
    }

    /// Connections at a time that there may be in all.
    pub(super) const fn connections(&self) -> usize {
        self.figures.connections
    }

    /// Leave to accept a connection: given when not too many are shaking hands. Others wait with the system until then.
    pub(super) async fn handshake(&self) -> Option<OwnedSemaphorePermit> {
        // Fails only when the semaphore is closed, which it never is.
        Arc::clone(&self.handshakes).acquire_owned().await.ok()
    }

    /// A place for a connection from there, among at most `most` in all; nothing when it is to be dropped at once.
    pub(super) fn enter(&self, address: IpAddr, most: usize) -> Option<Pass> {
        let origin = Origin::of(address);
        let is_exempt = self.is_exempt(origin);
        if !is_exempt && self.attempts.is_barred(origin, Instant::now()) {
            return None;
        }
        self.gate.enter(origin, is_exempt, most)
    }

    /// Who asks, as far as those say who are trusted: the last address in the list that is not such a proxy's own. Any
    /// before it can be made up.
    pub(super) fn client(&self, peer: IpAddr, forwarded: &str) -> IpAddr {
        let address =
            |text: &str| text.parse().or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip())).ok();
        let mut client = peer;
        for said in forwarded.rsplit(',').map(str::trim) {
            match address(said) {
                Some(address) if self.proxies.contains(&client.to_canonical()) => client = address,
                _ => break,
            }
        }
        client
    }

    /// Somebody there failed to prove who they are.
    pub(super) fn failed(&self, address: IpAddr) {
        let origin = Origin::of(address);
        if !self.is_exempt(origin) {
            self.attempts.failed(origin, Instant::now());
        }
    }

    /// Whether too many attempts from there failed, so that nothing from there is looked at for now.
    pub(super) fn is_barred(&self, address: IpAddr) -> bool {
        let origin = Origin::of(address);
        !self.is_exempt(origin) && self.attempts.is_barred(origin, Instant::now())
    }

    fn is_exempt(&self, origin: Origin) -> bool {
        self.exempt.contains(&origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(exempt: &[&str]) -> Guard {
        let exempt = exempt.iter().map(|text| text.parse().unwrap()).collect();
        let limits = ConnectionLimits { connections: Some(64), failures_per_minute: 3, exempt, ..Default::default() };
        Guard::new(&limits)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_fails_too_often_is_turned_away_and_nobody_else() {
        let guard = guard(&["10.0.0.9"]);
        let [bad, good, proxy] = ["10.0.0.1", "10.0.0.2", "10.0.0.9"].map(|text| text.parse().unwrap());
        for _ in 0..3 {
            assert!(!guard.is_barred(bad));
            guard.failed(bad);
            guard.failed(proxy);
        }
        assert!(guard.is_barred(bad) && guard.enter(bad, 64).is_none());
        assert!(!guard.is_barred(good) && guard.enter(good, 64).is_some());
        assert!(!guard.is_barred(proxy) && guard.enter(proxy, 64).is_some());
        tokio::time::advance(std::time::Duration::from_secs(21)).await;
        assert!(!guard.is_barred(bad), "one attempt comes back every twenty seconds");
    }

    #[tokio::test]
    async fn handshakes_wait_for_each_other() {
        let guard = Guard::new(&ConnectionLimits { handshakes: 2, ..Default::default() });
        let first = guard.handshake().await;
        let _second = guard.handshake().await;
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), guard.handshake()).await.is_err());
        drop(first);
        assert!(guard.handshake().await.is_some());
    }

    #[test]
    fn only_proxies_that_are_trusted_say_who_asks() {
        let proxies = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap()).to_vec();
        let guard = Guard::new(&ConnectionLimits { proxies, ..ConnectionLimits::default() });
        for (peer, forwarded, client) in [
            ("10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2"),
            ("10.0.0.1", "1.1.1.1, 2.2.2.2:4711, 10.0.0.2", "2.2.2.2"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:10.0.0.1", "2.2.2.2", "2.2.2.2"),
            ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "2.2.2.2, unknown", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.3", "2.2.2.2", "10.0.0.3"),
            ("127.0.0.1", "2.2.2.2", "127.0.0.1"),
        ] {
            let said = guard.client(peer.parse().unwrap(), forwarded);
            assert_eq!(said, client.parse::<IpAddr>().unwrap(), "{peer} {forwarded}");
        }
    }
}
