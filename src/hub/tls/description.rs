//! What operators see of a certificate (protocol reference 13.3).

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{
    super::{hex::hex, time},
    certificate::{NoCertificate, thumbprint},
};

/// A certificate, described.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CertificateInfo {
    subject_name: Option<String>,
    sha1_thumbprint: Option<String>,
    pub(crate) sha256_thumbprint: Option<String>,
    issuer_name: Option<String>,
    not_before_utc: Option<String>,
    not_after_utc: Option<String>,
    serial_number: Option<String>,
    version: Option<u32>,
}

impl CertificateInfo {
    /// Of a certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Result<Self, NoCertificate> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| NoCertificate)?;
        let moment = |seconds: i64| Timestamp::from_second(seconds).ok().map(time::text);
        Ok(Self {
            subject_name: Some(parsed.subject().to_string()),
            sha1_thumbprint: Some(thumbprint(certificate)),
            sha256_thumbprint: Some(sha256(certificate)),
            issuer_name: Some(parsed.issuer().to_string()),
            not_before_utc: moment(parsed.validity().not_before.timestamp()),
            not_after_utc: moment(parsed.validity().not_after.timestamp()),
            serial_number: Some(hex(parsed.raw_serial()).to_uppercase()),
            version: Some(parsed.version().0.saturating_add(1)),
        })
    }
}

/// The thumbprint by which certificates are told apart, in the letter case that tools print.
pub(crate) fn sha256(certificate: &CertificateDer<'_>) -> String {
    hex(digest(&SHA256, certificate).as_ref()).to_uppercase()
}
