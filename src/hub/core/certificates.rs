//! Certificates of authorities that vouch for devices: register, prove, list, remove (protocol reference 1.5).

use std::{sync::Arc, time::Duration};

use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tracing::debug;

use super::{
    Core,
    trusted::{MOST, Stored},
};
use crate::{
    hub::{
        failure::Failure,
        hex::hex,
        ports::Links,
        random,
        store::{Change, Document, Kind, Outcome, Store},
        time,
        tls::{self, Facts, Trust},
    },
    iothub::{CertificateProperties, CertificateResource, ETag, ErrorCode, IfMatch},
    task::Stop,
};

/// Longest name, in characters.
const NAME: usize = 64;
/// How soon it is noticed that another process removed an authority.
const LOOK: Duration = Duration::from_secs(2);

impl<S: Store, L: Links> Core<S, L> {
    /// All of them, in the order of their names.
    pub(crate) async fn certificates(&self) -> Result<Vec<CertificateResource>, Failure> {
        let documents = self.store.documents(Kind::Authority, "", None, MOST).await?;
        documents.iter().map(|document| shown(document, &read(document)?)).collect()
    }

    /// One of them.
    pub(crate) async fn certificate(&self, name: &str) -> Result<CertificateResource, Failure> {
        let document = self.certificate_document(name).await?;
        shown(&document, &read(&document)?)
    }

    /// Registers a certificate, or with `If-Match` puts it in the place of another.
    pub(crate) async fn put_certificate(
        &self,
        name: &str,
        body: CertificateResource,
        if_match: Option<&IfMatch>,
    ) -> Result<CertificateResource, Failure> {
        check_name(name)?;
        let CertificateProperties { certificate, is_verified, .. } = body.properties;
        let certificate = authority(&certificate)?;
        let old = self.store.document(Kind::Authority, name).await?;
        let old = old.map(|document| read(&document).map(|stored| (document, stored))).transpose()?;
        let now = time::text(time::now());
        let created = match (&old, if_match) {
            (None, Some(_)) => return Err(unknown(name)),
            (None, None) => {
                self.check_count().await?;
                now.clone()
            }
            (Some((document, stored)), Some(if_match)) if if_match.allows(&etag(document, stored)) => {
                stored.created.clone()
            }
            (Some(_), Some(_)) => return Err(Failure::stale()),
            (Some(_), None) => return Err(taken(name)),
        };
        let stored = Stored {
            certificate: tls::to_text(&certificate),
            verified: is_verified,
            created,
            updated: now,
            code: None,
        };
        let revision = old.map_or(0, |(document, _)| document.revision);
        let written = self.write_certificate(name, revision, &stored).await?;
        if revision != 0 {
            self.cut_doubtful().await?;
        }
        Ok(written)
    }

    /// Removes a certificate; devices that came in by one have to come in again.
    pub(crate) async fn delete_certificate(&self, name: &str, if_match: Option<&IfMatch>) -> Result<(), Failure> {
        let document = self.certificate_document(name).await?;
        if if_match.is_some_and(|if_match| !read(&document).is_ok_and(|old| if_match.allows(&etag(&document, &old)))) {
            return Err(Failure::stale());
        }
        let delete = Change::DeleteDocument { kind: Kind::Authority, id: name.into(), revision: document.revision };
        match self.store.write(vec![delete]).await? {
            Outcome::Written => self.cut_doubtful().await,
            Outcome::Conflict => Err(Failure::stale()),
        }
    }

    /// Makes a code; a certificate of that common name, signed by the authority, will prove that its key is at hand.
    pub(crate) async fn start_proof(&self, name: &str) -> Result<CertificateResource, Failure> {
        let document = self.certificate_document(name).await?;
        let mut bytes = [0; 24];
        random::fill(&mut bytes)?;
        let stored = Stored { code: Some(hex(&bytes).to_uppercase()), ..read(&document)? };
        self.write_certificate(name, document.revision, &stored).await
    }

    /// Takes a certificate as the proof that [`Self::start_proof`] asked for.
    pub(crate) async fn finish_proof(&self, name: &str, proof: &str) -> Result<CertificateResource, Failure> {
        let document = self.certificate_document(name).await?;
        let stored = read(&document)?;
        let proof = tls::from_text(proof).map_err(|error| Failure::invalid(error.to_string()))?;
        let authority = tls::from_text(&stored.certificate).map_err(|error| Failure::invalid(error.to_string()))?;
        let now = time::seconds(time::now());
        let called = Facts::read(&proof).ok().and_then(|facts| facts.common_name);
        if called.is_none() || called != stored.code || !Trust::of([authority], now).vouches_for(&[proof], now) {
            let message = "the proof has to be signed by the authority and to have the verification code as its \
                           common name; make a new code if there is none";
            return Err(Failure::invalid(message));
        }
        let stored = Stored { verified: true, code: None, updated: time::text(time::now()), ..stored };
        self.write_certificate(name, document.revision, &stored).await
    }

    /// Devices that came in because an authority vouched for them which is trusted no longer come in again, or not.
    pub(super) async fn cut_doubtful(&self) -> Result<(), Failure> {
        for link in self.trusted.take_doubtful(&self.store, time::seconds(time::now())).await? {
            self.links.cut(&link);
        }
        Ok(())
    }

    /// Does the same for authorities that other processes remove, until `stop`.
    pub(crate) async fn watch_authorities(&self, stop: &Stop) {
        while stop.unless(sleep(LOOK)).await.is_some() {
            if let Err(failure) = self.cut_doubtful().await {
                debug!(%failure, "whether all authorities are still trusted is not known; it is looked at again");
            }
        }
    }

    async fn certificate_document(&self, name: &str) -> Result<Document, Failure> {
        self.store.document(Kind::Authority, name).await?.ok_or_else(|| unknown(name))
    }

    async fn check_count(&self) -> Result<(), Failure> {
        if self.store.documents(Kind::Authority, "", None, MOST).await?.len() < MOST {
            return Ok(());
        }
        let message = format!("a hub has at most {MOST} certificates of authorities; remove one first");
        Err(Failure::new(ErrorCode::IotHubQuotaExceeded, message))
    }

    async fn write_certificate(
        &self,
        name: &str,
        revision: u64,
        stored: &Stored,
    ) -> Result<CertificateResource, Failure> {
        let body = serde_json::to_string(stored).map_err(|_| Failure::invalid("the certificate cannot be stored"))?;
        let document = Document { kind: Kind::Authority, id: name.into(), revision, body: body.into() };
        match self.store.write(vec![Change::Document(Arc::new(document.clone()))]).await? {
            Outcome::Written => shown(&Document { revision: revision + 1, ..document }, stored),
            Outcome::Conflict if revision == 0 => Err(taken(name)),
            Outcome::Conflict => Err(Failure::stale()),
        }
    }
}

/// The certificate of a body, if it is an authority's.
fn authority(text: &str) -> Result<CertificateDer<'static>, Failure> {
    let certificate = tls::from_text(text).map_err(|error| Failure::invalid(error.to_string()))?;
    let facts = Facts::read(&certificate).map_err(|error| Failure::invalid(error.to_string()))?;
    if !facts.is_authority {
        let message = "the certificate is no authority's: it needs the basic constraint CA, and the key usage \
                       keyCertSign if it has key usages";
        return Err(Failure::invalid(message));
    }
    if u64::try_from(facts.ends).unwrap_or_default() < time::seconds(time::now()) {
        return Err(Failure::invalid(format!("the certificate of {} has ended", facts.subject)));
    }
    Ok(certificate)
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if (1..=NAME).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "a certificate's name has 1 to {NAME} letters, digits, hyphens, dots and underscores"
    )))
}

fn read(document: &Document) -> Result<Stored, Failure> {
    serde_json::from_str(&document.body).map_err(|error| {
        tracing::error!(name = %document.id, %error, "a stored certificate cannot be read");
        Failure::new(ErrorCode::ServerError, format!("the stored certificate `{}` cannot be read", document.id))
    })
}

/// Never the same again after a re-creation with another certificate.
fn etag(document: &Document, stored: &Stored) -> ETag {
    ETag::new(format!("{}-{}", &hex(&Sha256::digest(&stored.certificate))[..16], document.revision))
}

fn shown(document: &Document, stored: &Stored) -> Result<CertificateResource, Failure> {
    let broken = |_| Failure::new(ErrorCode::ServerError, format!("the certificate `{}` cannot be read", document.id));
    let certificate = tls::from_text(&stored.certificate).map_err(broken)?;
    let facts = Facts::read(&certificate).map_err(broken)?;
    let expiry = jiff::Timestamp::from_second(facts.ends).map_or_else(|_| facts.ends.to_string(), time::text);
    Ok(CertificateResource {
        name: document.id.to_string(),
        etag: etag(document, stored),
        properties: CertificateProperties {
            certificate: stored.certificate.clone(),
            is_verified: stored.verified,
            subject: facts.subject,
            expiry,
            thumbprint: tls::thumbprint(&certificate),
            created: stored.created.clone(),
            updated: stored.updated.clone(),
            verification_code: stored.code.clone(),
        },
    })
}

fn unknown(name: &str) -> Failure {
    Failure::new(ErrorCode::GenericNotFound, format!("the hub has no certificate `{name}`"))
}

fn taken(name: &str) -> Failure {
    let message = format!("the hub has a certificate `{name}` already; replace it with If-Match, or remove it first");
    Failure::new(ErrorCode::GenericConflict, message)
}
