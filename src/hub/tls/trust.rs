//! Authorities that vouch for devices (protocol reference 1.5).

use std::{fmt, sync::Arc, time::Duration};

use rustls::{
    RootCertStore,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tracing::warn;

use super::{Facts, provider};

/// Certificates of authorities, ready to check others with.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    /// None where nobody is trusted.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// When one of the authorities begins or ends to hold, in seconds since 1970: this is out of date then.
    until: Option<u64>,
}

impl Trust {
    /// In those of the authorities that hold at `now`, in seconds since 1970, and may sign.
    pub(crate) fn of<'c>(authorities: impl IntoIterator<Item = CertificateDer<'c>>, now: u64) -> Self {
        let mut roots = RootCertStore::empty();
        let mut until = None;
        for authority in authorities {
            let Ok(facts) = Facts::read(&authority) else { continue };
            let turns =
                [facts.begins, facts.ends.saturating_add(1)].into_iter().filter_map(|at| u64::try_from(at).ok());
            until = turns.filter(|at| *at > now).chain(until).min();
            if facts.is_authority
                && facts.holds_at(now)
                && let Err(error) = roots.add(authority.into_owned())
            {
                warn!(subject = facts.subject, %error, "an authority cannot be used");
            }
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Self { verifier: verifier.ok(), until }
    }

    /// Whether the dates of all authorities are still on the same side of `now`.
    pub(crate) fn is_current(&self, now: u64) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether a chain, the certificate in question first, leads to one of the authorities: signatures, dates, basic
    /// constraints and purpose of every certificate on the way.
    pub(crate) fn vouches_for(&self, chain: &[CertificateDer<'_>], now: u64) -> bool {
        let (Some(verifier), Some((first, others))) = (&self.verifier, chain.split_first()) else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        verifier.verify_client_cert(first, others, now).is_ok()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::date_time_ymd;

    use super::{super::sample::Signer, *};

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn a_chain_leads_to_an_authority_or_to_nothing() {
        let root = Signer::root("root");
        let (middle, leaf) = (root.authority("middle"), root.device("d1"));
        let (deep, foreign) = (middle.device("d2"), Signer::root("root").device("d1"));
        let trust = Trust::of([root.der()], NOW);
        assert!(trust.vouches_for(&[leaf.der()], NOW));
        assert!(trust.vouches_for(&[deep.der(), middle.der()], NOW));
        assert!(!trust.vouches_for(&[deep.der()], NOW), "a link of the chain is missing");
        assert!(!trust.vouches_for(&[foreign.der()], NOW), "the same name, but another key");
        assert!(!trust.vouches_for(&[], NOW) && !Trust::default().vouches_for(&[leaf.der()], NOW));
        assert!(Trust::of([middle.der()], NOW).vouches_for(&[deep.der()], NOW), "an authority in the middle will do");
    }

    #[test]
    fn a_device_is_no_authority_for_others() {
        let root = Signer::root("root");
        let device = root.device("d1");
        let forged = device.device("d2");
        let trust = Trust::of([root.der()], NOW);
        assert!(!trust.vouches_for(&[forged.der(), device.der()], NOW));
        let by_device = Trust::of([device.der()], NOW);
        assert!(!by_device.vouches_for(&[forged.der()], NOW) && !by_device.vouches_for(&[device.der()], NOW));
    }

    #[test]
    fn dates_count_on_the_whole_way() {
        let old = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2022, 1, 1);
        let root = Signer::root("root");
        let trust = Trust::of([root.der()], NOW);
        assert!(!trust.vouches_for(&[root.device_with("d1", old).der()], NOW));
        let middle = root.authority_with("middle", old);
        assert!(!trust.vouches_for(&[middle.device("d1").der(), middle.der()], NOW));
        let past = Signer::root_with("past", old);
        assert!(!Trust::of([past.der()], NOW).vouches_for(&[past.device("d1").der()], NOW));
        assert!(Trust::of([past.der()], 1_600_000_000).vouches_for(&[past.device("d1").der()], 1_600_000_000));
    }

    #[test]
    fn trust_is_out_of_date_when_an_authority_begins_or_ends() {
        let future = Signer::root_with("future", |params| params.not_before = date_time_ymd(2024, 1, 1));
        let trust = Trust::of([Signer::root("root").der(), future.der()], NOW);
        let begins = 1_704_067_200;
        assert!(trust.is_current(begins - 1) && !trust.is_current(begins));
        assert!(!trust.vouches_for(&[future.device("d1").der()], begins));
        assert!(Trust::of([future.der()], begins).vouches_for(&[future.device("d1").der()], begins));
        assert!(Trust::default().is_current(u64::MAX));
    }
}
