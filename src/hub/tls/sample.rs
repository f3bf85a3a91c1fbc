//! Authorities and devices with certificates, for tests.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

/// Somebody with a certificate and its key, who may sign others by it, rightly or not.
pub(crate) struct Signer {
    certificate: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2060, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Signer {
    /// An authority that nobody vouches for.
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    pub(crate) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, params, key }
    }

    fn sign(&self, mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        Self { certificate, params, key }
    }

    /// An authority that this one vouches for.
    pub(crate) fn authority(&self, name: &str) -> Self {
        self.authority_with(name, |_| {})
    }

    pub(crate) fn authority_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.sign(authority(name), change)
    }

    /// A device of this common name.
    pub(crate) fn device(&self, name: &str) -> Self {
        self.device_with(name, |_| {})
    }

    pub(crate) fn device_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, change)
    }

    /// A server under these names.
    pub(crate) fn server(&self, names: &[&str]) -> Self {
        let mut params = params("server");
        params.subject_alt_names =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .unwrap()
                .subject_alt_names;
        self.sign(params, |_| {})
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The key, as PKCS #8.
    pub(crate) fn key(&self) -> rustls_pki_types::PrivateKeyDer<'static> {
        rustls_pki_types::PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}
