//! What a certificate says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::super::hex::hex;

/// Most bytes of the text of one certificate.
const LONGEST: usize = 64 * 1024;

/// A text or some bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate in PEM form, nor base64 of one in DER form")]
pub(crate) struct NoCertificate;

/// The parts of a certificate that matter to a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) subject: String,
    /// The subject's only common name; nothing when there is none, or several.
    pub(crate) common_name: Option<String>,
    /// Seconds since 1970 from which on it holds.
    pub(crate) begins: i64,
    /// The last second in which it holds.
    pub(crate) ends: i64,
    /// Whether it may sign others.
    pub(crate) is_authority: bool,
}

impl Facts {
    /// Reads a certificate; what it says is not believed by that.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Result<Self, NoCertificate> {
        let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|_| NoCertificate)?;
        if !rest.is_empty() {
            return Err(NoCertificate);
        }
        let mut names = parsed.subject().iter_common_name();
        let common_name = match (names.next(), names.next()) {
            (Some(only), None) => only.as_str().ok().map(str::to_owned),
            _ => None,
        };
        let usage = parsed.key_usage().map_err(|_| NoCertificate)?;
        let validity = parsed.validity();
        Ok(Self {
            subject: parsed.subject().to_string(),
            common_name,
            begins: validity.not_before.timestamp(),
            ends: validity.not_after.timestamp(),
            is_authority: parsed.is_ca() && usage.is_none_or(|usage| usage.value.key_cert_sign()),
        })
    }

    /// Whether it holds at a time in seconds since 1970.
    pub(crate) fn holds_at(&self, now: u64) -> bool {
        i64::try_from(now).is_ok_and(|now| (self.begins..=self.ends).contains(&now))
    }
}

/// Reads a certificate as people send them: PEM, base64 of DER, base64 of PEM. The first one, when there are several.
pub(crate) fn from_text(text: &str) -> Result<CertificateDer<'static>, NoCertificate> {
    if text.len() > LONGEST {
        return Err(NoCertificate);
    }
    if text.contains("-----BEGIN") {
        return CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| NoCertificate);
    }
    let compact: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(compact).map_err(|_| NoCertificate)?;
    if bytes.starts_with(b"-----BEGIN") {
        return CertificateDer::from_pem_slice(&bytes).map_err(|_| NoCertificate);
    }
    let certificate = CertificateDer::from(bytes);
    Facts::read(&certificate).map(|_| certificate)
}

/// SHA-1 of the DER, the name under which certificates are commonly known; nothing relies on it.
pub(crate) fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref()).to_uppercase()
}

/// The way it is stored and shown.
pub(crate) fn to_text(certificate: &CertificateDer<'_>) -> String {
    STANDARD.encode(certificate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};

    use super::*;

    fn made(change: impl FnOnce(&mut CertificateParams)) -> rcgen::Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_is_read_in_every_spelling() {
        let made = made(|params| params.distinguished_name.push(DnType::CommonName, "d1"));
        let der = made.der().clone();
        for text in [made.pem(), format!("# a note\n{}", made.pem()), to_text(&der), STANDARD.encode(made.pem())] {
            assert_eq!(from_text(&text).unwrap(), der);
        }
        for text in ["", "AA==", "-----BEGIN CERTIFICATE-----", &"A".repeat(LONGEST + 1)] {
            assert_eq!(from_text(text), Err(NoCertificate));
        }
    }

    #[test]
    fn what_it_says_is_found() {
        let leaf = made(|params| {
            params.distinguished_name.push(DnType::CommonName, "d1/m1");
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        });
        let facts = Facts::read(leaf.der()).unwrap();
        assert_eq!((facts.common_name.as_deref(), facts.is_authority), (Some("d1/m1"), false));
        assert_eq!((facts.begins, facts.ends), (1_577_836_800, 1_609_459_200));
        assert!(facts.holds_at(1_600_000_000) && !facts.holds_at(1_700_000_000) && !facts.holds_at(u64::MAX));
    }

    #[test]
    fn only_what_may_sign_is_an_authority() {
        let is = |ca, usages| {
            let made = made(|params| {
                params.is_ca = ca;
                params.key_usages = usages;
            });
            Facts::read(made.der()).unwrap().is_authority
        };
        let ca = || IsCa::Ca(BasicConstraints::Unconstrained);
        assert!(is(ca(), vec![]) && is(ca(), vec![KeyUsagePurpose::KeyCertSign]));
        assert!(!is(ca(), vec![KeyUsagePurpose::DigitalSignature]));
        assert!(!is(IsCa::ExplicitNoCa, vec![]) && !is(IsCa::NoCa, vec![]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..300) {
            let _ = Facts::read(&CertificateDer::from(bytes.clone()));
            let mut near = made(|_| {}).der().to_vec();
            for (at, byte) in bytes.iter().take(3).enumerate().map(|(n, byte)| (at + n, byte)) {
                if let Some(slot) = near.get_mut(at) { *slot = *byte; }
            }
            let _ = Facts::read(&CertificateDer::from(near));
        }
    }
}
