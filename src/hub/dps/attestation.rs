//! How devices of an enrolment prove themselves: the body's part, settled (protocol reference 13.3).

use rustls_pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::enrollment::Breed;
use crate::{
    hub::{
        failure::Failure,
        random,
        tls::{self, CertificateInfo, Facts},
    },
    iothub::{Key, SymmetricKey},
};

/// Why a certificate is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum CertificateError {
    #[error("a primary or a secondary certificate is needed")]
    Missing,
    #[error("a certificate is PEM, or its DER in base64; a device's own may be known by info.sha256Thumbprint alone")]
    Form,
    #[error("the certificate cannot sign others: it is no certificate authority")]
    Authority,
}

/// The ways there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AttestationType {
    #[default]
    SymmetricKey,
    X509,
    Tpm,
    None,
}

/// `attestation`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attestation {
    #[serde(rename = "type")]
    pub(crate) kind: AttestationType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) symmetric_key: Option<SymmetricKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) x509: Option<X509>,
}

/// `x509`: of the device itself for an individual enrolment, of who signs for devices for a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "AttestationX509")]
pub(crate) struct X509 {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificates: Option<Certificates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_certificates: Option<Certificates>,
    #[serde(skip_serializing)]
    ca_references: Option<Value>,
}

/// Two, so that one can be replaced while the other is in use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "AttestationCertificates")]
pub(crate) struct Certificates {
    pub(crate) primary: Option<Certificate>,
    pub(crate) secondary: Option<Certificate>,
}

/// A certificate and what is known of it; a device's own may be known by its thumbprint alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "AttestationCertificate")]
pub(crate) struct Certificate {
    /// DER in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
    pub(crate) info: Option<CertificateInfo>,
}

impl Attestation {
    /// What is kept of a body: keys are minted when left out, or stay as they were; certificates are read.
    pub(super) fn settle(self, breed: Breed, old: Option<&Self>) -> Result<Self, Failure> {
        let old = old.filter(|old| old.kind == self.kind);
        match self.kind {
            AttestationType::SymmetricKey => {
                let given = self.symmetric_key.unwrap_or_default();
                let keys = settle_keys(&given, old.and_then(|old| old.symmetric_key.as_ref()))?;
                Ok(Self { kind: self.kind, symmetric_key: Some(keys), x509: None })
            }
            AttestationType::X509 => {
                let given = self.x509.unwrap_or_default();
                let x509 = given.settle(breed, old.and_then(|old| old.x509.as_ref()))?;
                Ok(Self { kind: self.kind, symmetric_key: None, x509: Some(x509) })
            }
            AttestationType::Tpm => Err(Failure::invalid(
                "this provisioning service does not attest with a TPM; use symmetricKey or x509 as attestation.type",
            )),
            AttestationType::None => Err(Failure::invalid("attestation.type is symmetricKey or x509")),
        }
    }

    /// Without the keys, for whoever only reads.
    pub(super) fn masked(&self) -> Self {
        Self { symmetric_key: self.symmetric_key.as_ref().map(|_| SymmetricKey::default()), ..self.clone() }
    }

    /// The keys, primary first, if that is its way.
    pub(super) fn keys(&self) -> Option<(Key, Key)> {
        self.symmetric_key.as_ref().filter(|_| self.kind == AttestationType::SymmetricKey)?.keys().ok().flatten()
    }
}

/// Both keys, neither or, where they are known already, again the same.
fn settle_keys(given: &SymmetricKey, old: Option<&SymmetricKey>) -> Result<SymmetricKey, Failure> {
    let keys = given.keys().map_err(|error| Failure::invalid(format!("attestation.symmetricKey: {error}")))?;
    match (keys, old) {
        (Some((primary, secondary)), _) => Ok(SymmetricKey::new(&primary, &secondary)),
        (None, Some(old)) => Ok(old.clone()),
        (None, None) => Ok(SymmetricKey::new(&random::key()?, &random::key()?)),
    }
}

impl X509 {
    fn settle(self, breed: Breed, old: Option<&Self>) -> Result<Self, Failure> {
        if self.ca_references.is_some_and(|names| names.as_object().is_none_or(|all| !all.values().all(Value::is_null)))
        {
            let message = "attestation.x509.caReferences: this provisioning service keeps no certificates beside its \
                           enrolments; put the authority's certificate into a group's signingCertificates";
            return Err(Failure::invalid(message));
        }
        let (given, name, old) = match breed {
            Breed::Individual => (self.client_certificates, "clientCertificates", old.and_then(Self::client)),
            Breed::Group => (self.signing_certificates, "signingCertificates", old.and_then(Self::signing)),
        };
        let settled = given.unwrap_or_default().settle(breed, old);
        let settled = settled.map_err(|error| Failure::invalid(format!("attestation.x509.{name}: {error}")))?;
        Ok(match breed {
            Breed::Individual => Self { client_certificates: Some(settled), ..Self::default() },
            Breed::Group => Self { signing_certificates: Some(settled), ..Self::default() },
        })
    }

    fn client(&self) -> Option<&Certificates> {
        self.client_certificates.as_ref()
    }

    fn signing(&self) -> Option<&Certificates> {
        self.signing_certificates.as_ref()
    }
}

impl Certificates {
    fn settle(self, breed: Breed, old: Option<&Self>) -> Result<Self, CertificateError> {
        let known = || old.into_iter().flat_map(Self::all);
        let one = |given: Option<Certificate>| match given {
            Some(given) if !given.is_empty() => given.settle(breed, known()).map(Some),
            _ => Ok(None),
        };
        let settled = Self { primary: one(self.primary)?, secondary: one(self.secondary)? };
        if settled.all().next().is_none() { Err(CertificateError::Missing) } else { Ok(settled) }
    }

    /// Those that are there, primary first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.primary.iter().chain(&self.secondary)
    }
}

impl Certificate {
    fn is_empty(&self) -> bool {
        self.certificate.as_ref().is_none_or(String::is_empty) && self.thumbprint().is_none()
    }

    /// The SHA-256 thumbprint.
    pub(super) fn thumbprint(&self) -> Option<&str> {
        self.info.as_ref()?.sha256_thumbprint.as_deref().filter(|text| !text.is_empty())
    }

    /// The certificate itself, if it is known.
    pub(super) fn der(&self) -> Option<CertificateDer<'static>> {
        tls::from_text(self.certificate.as_deref()?).ok()
    }

    /// A body may name a certificate that is known by its thumbprint, as answers do.
    fn settle<'c>(self, breed: Breed, mut known: impl Iterator<Item = &'c Self>) -> Result<Self, CertificateError> {
        let Some(text) = self.certificate.as_deref().filter(|text| !text.is_empty()) else {
            let print = self.thumbprint().unwrap_or_default();
            if let Some(same) =
                known.find(|known| known.thumbprint().is_some_and(|own| own.eq_ignore_ascii_case(print)))
            {
                return Ok(same.clone());
            }
            let is_print = print.len() == 64 && print.bytes().all(|byte| byte.is_ascii_hexdigit());
            let enough = breed == Breed::Individual && is_print;
            return if enough { Ok(Self { certificate: None, info: self.info }) } else { Err(CertificateError::Form) };
        };
        let der = tls::from_text(text).map_err(|_| CertificateError::Form)?;
        let (facts, info) = (Facts::read(&der), CertificateInfo::of(&der));
        let (facts, info) = facts.and_then(|facts| Ok((facts, info?))).map_err(|_| CertificateError::Form)?;
        if breed == Breed::Group && !facts.is_authority {
            return Err(CertificateError::Authority);
        }
        Ok(Self { certificate: Some(tls::to_text(&der)), info: Some(info) })
    }
}
