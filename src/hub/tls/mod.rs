//! The hub's side of TLS: 1.2 and 1.3, always (protocol reference 1.1).
//!
//! * `authority` is the hub's own certificate authority, made on first start and kept in the state folder.
//! * `issued` gives out server certificates of that authority and makes a new one before the old one ends.
//! * `clients` lets devices show certificates of their own; whether one is a device's is for `auth` to say,
//!   with what `certificate` reads in it and the authorities that `trust` has.
//! * `description` reads the certificates of enrolments.
//! * [`Stream`] is a connection, over `session`, which has no I/O.

mod authority;
mod certificate;
mod clients;
mod description;
mod issued;
#[cfg(test)]
pub(crate) mod sample;
mod session;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, ResolvesServerCert, ServerConfig as Config},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

pub(crate) use authority::{CA_FILE, CertificateAuthority, Material};
pub(crate) use certificate::{Facts, from_text, thumbprint, to_text};
pub(crate) use description::{CertificateInfo, sha256};
pub(crate) use issued::Issued;
pub(crate) use stream::Stream;
pub(crate) use trust::Trust;

/// TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// The certificate and its key do not go together, or cannot be used.
    #[error("cannot use the certificate")]
    Use(#[from] rustls::Error),
}

/// What is spoken over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// HTTP/1.1 and 2.
    Rest,
    /// MQTT.
    Mqtt,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How connections of one side are made. Clients of both may show certificates: devices use both ports (protocol
/// reference 1.1).
pub(crate) fn server(side: Side, certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = Config::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let clients = Arc::new(clients::AnyOwnKey::new());
    let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(certificate);
    if side == Side::Rest {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    } else {
        // A link lasts. Its handshake is not made dearer for a second one that is cheaper.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    Ok(Arc::new(config))
}

/// A certificate from PEM files: the chain, the server's own first, and its key.
pub(crate) fn given(chain: &Path, key: &Path) -> Result<Arc<dyn ResolvesServerCert>, TlsError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |cause: rustls_pki_types::pem::Error| TlsError::File { path, cause: cause.into() }
    };
    let certificates = CertificateDer::pem_file_iter(chain).map_err(fail(chain))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(fail(chain))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(fail(key))?;
    let certified = CertifiedKey::from_der(certificates, key, &provider())?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}
