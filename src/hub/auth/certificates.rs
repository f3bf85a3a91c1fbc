//! Certificates of devices, checked (protocol reference 1.5). That the device has the key was seen in the handshake.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls_pki_types::CertificateDer;

use super::check::Denial;
use crate::{
    hub::{
        hex::hex,
        ports::LinkId,
        tls::{Facts, Trust},
    },
    iothub::{Authentication, AuthenticationType},
};

/// Whether a certificate is one of those whose thumbprints an identity names; if so, when it ends, in seconds since
/// 1970.
pub(crate) fn own_certificate(
    authentication: &Authentication,
    shown: &CertificateDer<'_>,
    now: u64,
) -> Result<Option<u64>, Denial> {
    if authentication.kind != AuthenticationType::SelfSigned {
        return Err(Denial::Kind);
    }
    let prints = [&SHA256, &SHA1_FOR_LEGACY_USE_ONLY].map(|kind| hex(digest(kind, shown).as_ref()));
    let known = &authentication.x509_thumbprint;
    let mut known = [&known.primary_thumbprint, &known.secondary_thumbprint].into_iter().flatten();
    if !known.any(|known| prints.iter().any(|print| print.eq_ignore_ascii_case(known))) {
        return Err(Denial::Certificate);
    }
    // One that cannot be read is known by its thumbprint all the same.
    let ends = Facts::read(shown).ok().map(|facts| u64::try_from(facts.ends).unwrap_or_default());
    if ends.is_some_and(|ends| ends < now) { Err(Denial::CertificateExpired) } else { Ok(ends) }
}

/// Whether an authority that the hub trusts vouches for this identity by a chain of certificates, the identity's own
/// first; if so, when that ends, in seconds since 1970. A module's certificate is called `device/module` or like its
/// device.
pub(crate) fn signed_certificate(
    trust: &Trust,
    link: &LinkId,
    chain: &[CertificateDer<'_>],
    now: u64,
) -> Result<u64, Denial> {
    let own = chain.first().ok_or(Denial::NoCredentials)?;
    let facts = Facts::read(own).map_err(|_| Denial::Certificate)?;
    let name = facts.common_name.ok_or(Denial::CertificateName)?;
    if name != link.device.as_str() && (link.module.is_none() || name != link.to_string()) {
        return Err(Denial::CertificateName);
    }
    if !trust.vouches_for(chain, now) {
        return Err(Denial::CertificateChain);
    }
    Ok(u64::try_from(facts.ends).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hub::tls::sample::Signer, iothub::X509Thumbprint, twin::DeviceId};

    const NOW: u64 = 1_700_000_000;

    fn link(device: &str, module: Option<&str>) -> LinkId {
        LinkId { device: DeviceId::new(device).unwrap(), module: module.map(Into::into) }
    }

    #[test]
    fn a_certificate_is_known_by_its_thumbprint_in_any_letter_case() {
        let (der, red) = (CertificateDer::from(b"der".as_slice()), CertificateDer::from(b"red".as_slice()));
        let thumbprint = hex(digest(&SHA256, &der).as_ref()).to_uppercase();
        let x509_thumbprint = X509Thumbprint { primary_thumbprint: None, secondary_thumbprint: Some(thumbprint) };
        let mut own =
            Authentication { kind: AuthenticationType::SelfSigned, x509_thumbprint, ..Authentication::default() };
        assert_eq!(own_certificate(&own, &der, NOW), Ok(None));
        assert_eq!(own_certificate(&own, &red, NOW), Err(Denial::Certificate));
        // SHA-1 of "abc", as FIPS 180 has it.
        own.x509_thumbprint.primary_thumbprint = Some("A9993E364706816ABA3E25717850C26C9CD0D89D".to_owned());
        assert_eq!(own_certificate(&own, &CertificateDer::from(b"abc".as_slice()), NOW), Ok(None));
        own.kind = AuthenticationType::Sas;
        assert_eq!(own_certificate(&own, &der, NOW), Err(Denial::Kind));
    }

    #[test]
    fn a_certificate_that_ended_opens_nothing() {
        let device = Signer::root("any").device("d1").der();
        let primary_thumbprint = Some(hex(digest(&SHA256, &device).as_ref()));
        let x509_thumbprint = X509Thumbprint { primary_thumbprint, secondary_thumbprint: None };
        let own = Authentication { kind: AuthenticationType::SelfSigned, x509_thumbprint, ..Authentication::default() };
        let ends = 2_840_140_800;
        assert_eq!(own_certificate(&own, &device, NOW), Ok(Some(ends)));
        assert_eq!(own_certificate(&own, &device, ends + 1), Err(Denial::CertificateExpired));
    }

    #[test]
    fn an_authority_vouches_for_the_device_that_its_certificate_names() {
        let root = Signer::root("root");
        let trust = Trust::of([root.der()], NOW);
        let ask = |certificate: &Signer, link| signed_certificate(&trust, &link, &[certificate.der()], NOW);
        let device = root.device("d1");
        assert_eq!(ask(&device, link("d1", None)), Ok(2_840_140_800));
        for other in ["d2", "D1", "d", "d11"] {
            assert_eq!(ask(&device, link(other, None)), Err(Denial::CertificateName), "{other}");
        }
        assert_eq!(ask(&Signer::root("other").device("d1"), link("d1", None)), Err(Denial::CertificateChain));
        let twice = root.device_with("d1", |params| {
            params.distinguished_name.push(rcgen::DnType::CustomDnType(vec![2, 5, 4, 3]), "d2");
        });
        assert_eq!(ask(&twice, link("d1", None)), Err(Denial::CertificateName));
        assert_eq!(signed_certificate(&trust, &link("d1", None), &[], NOW), Err(Denial::NoCredentials));
    }

    #[test]
    fn a_modules_certificate_opens_the_module_and_not_its_device() {
        let root = Signer::root("root");
        let trust = Trust::of([root.der()], NOW);
        let ask = |certificate: &Signer, link| signed_certificate(&trust, &link, &[certificate.der()], NOW).is_ok();
        let (device, module) = (root.device("d1"), root.device("d1/m1"));
        assert!(ask(&module, link("d1", Some("m1"))) && ask(&device, link("d1", Some("m1"))));
        assert!(!ask(&module, link("d1", None)) && !ask(&module, link("d1", Some("m2"))));
        assert!(!ask(&device, link("d2", Some("m1"))) && !ask(&root.device("m1"), link("d1", Some("m1"))));
    }
}
