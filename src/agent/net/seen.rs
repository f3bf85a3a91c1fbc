//! What a server shows, whether or not it is trusted, so that a person can be told.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{
    TlsError,
    tls::{roots, versions},
};

/// The chain that a server showed, its own certificate first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<CertificateDer<'static>>>>);

impl Seen {
    /// A configuration that trusts whom the usual one trusts, and what it will have seen.
    ///
    /// # Errors
    /// When there is nobody to trust.
    pub(crate) fn watching(ca: Option<&Path>) -> Result<(Arc<ClientConfig>, Self), TlsError> {
        let builder = versions()?;
        let provider = Arc::clone(builder.crypto_provider());
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(ca)?), provider).build();
        let judge = judge.map_err(|fault| TlsError::Setup(Error::General(fault.to_string())))?;
        let seen = Self::default();
        let watcher = Watcher { judge, seen: seen.clone() };
        let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(watcher)).with_no_client_auth();
        Ok((Arc::new(config), seen))
    }

    /// The chain, its own certificate first; empty when none was shown.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Looks, and leaves the judgement to the library.
#[derive(Debug)]
struct Watcher {
    judge: Arc<WebPkiServerVerifier>,
    seen: Seen,
}

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|one| one.clone().into_owned());
        *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
