//! Server certificates of the hub's own authority.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{SignedDuration, Timestamp};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tracing::{error, info};

use super::{
    TlsError,
    authority::{CertificateAuthority, DAYS},
    provider,
};

/// Issues a certificate at every start, so that it always has the names of the configuration, and another one when
/// two thirds of its time are over.
pub(crate) struct Issued {
    authority: CertificateAuthority,
    names: Vec<String>,
    current: RwLock<(Arc<CertifiedKey>, Timestamp)>,
}

impl Issued {
    /// For these names and addresses.
    pub(crate) fn new(authority: CertificateAuthority, names: Vec<String>) -> Result<Self, TlsError> {
        let current = RwLock::new(certificate(&authority, &names)?);
        Ok(Self { authority, names, current })
    }

    fn at(&self, now: Timestamp) -> Arc<CertifiedKey> {
        let (current, renew) = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if now < renew {
            return current;
        }
        let mut slot = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if slot.1 == renew {
            match certificate(&self.authority, &self.names) {
                Ok(fresh) => {
                    info!("the server's certificate was renewed");
                    *slot = fresh;
                }
                Err(error) => {
                    error!(error = &error as &dyn std::error::Error, "the server's certificate cannot be renewed");
                }
            }
        }
        Arc::clone(&slot.0)
    }
}

fn certificate(authority: &CertificateAuthority, names: &[String]) -> Result<(Arc<CertifiedKey>, Timestamp), TlsError> {
    let (certificate, key) = authority.issue(names)?;
    let key = PrivatePkcs8KeyDer::from(key).into();
    let certified = CertifiedKey::from_der(vec![CertificateDer::from(certificate)], key, &provider())?;
    Ok((Arc::new(certified), Timestamp::now() + SignedDuration::from_hours(24 * DAYS * 2 / 3)))
}

impl ResolvesServerCert for Issued {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(Timestamp::now()))
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_until_it_is_due_and_then_renewed_once() {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::of(folder.path()).unwrap();
        let issued = Issued::new(authority, vec!["localhost".to_owned()]).unwrap();
        let now = Timestamp::now();
        let first = issued.at(now);
        assert!(Arc::ptr_eq(&first, &issued.at(now + SignedDuration::from_hours(24 * 59))));
        issued.current.write().unwrap().1 = now;
        let second = issued.at(now);
        assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &issued.at(now)));
    }
}
