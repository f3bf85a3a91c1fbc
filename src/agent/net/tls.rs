//! Whom the agent believes, and what it shows of itself.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::agent::secret_file::{SecretFileError, read_secret};

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why no connection can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No system store.
    #[error("no certificate authorities are found on this system; name a PEM file with --ca")]
    NoStore,
    /// The file cannot be read as PEM.
    #[error("cannot read the certificate authorities in `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// Nothing usable in it.
    #[error("`{0}` holds no certificate authority")]
    Empty(PathBuf),
    /// The device's certificate or its key cannot be read as PEM.
    #[error("cannot read the device's certificate or key in `{path}`")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// The key is not kept as a secret.
    #[error("the key of the device's certificate is not used")]
    Secret(#[source] SecretFileError),
    /// The two do not fit together.
    #[error("the key `{key}` does not belong to the certificate `{chain}`, or is of a kind unknown here")]
    Pair {
        /// The chain.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// The library refuses its own defaults.
    #[error("cannot set TLS up")]
    Setup(#[source] rustls::Error),
}

/// PEM files of the certificate that a device shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, the device's own certificate first.
    pub chain: PathBuf,
    /// Its private key, which nobody but its owner may read.
    pub key: PathBuf,
}

/// TLS 1.2 and 1.3 with the authorities of `ca`, or of the system when none is named.
///
/// # Errors
/// When there are none.
pub(crate) fn config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    Ok(Arc::new(builder(ca)?.with_no_client_auth()))
}

fn builder(ca: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    Ok(versions()?.with_root_certificates(roots(ca)?))
}

pub(super) fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(TlsError::Setup)
}

pub(super) fn roots(ca: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let path = ca.map(Path::to_owned).or_else(system_store).ok_or(TlsError::NoStore)?;
    let read = |cause| TlsError::Read { path: path.clone(), cause };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&path).map_err(read)? {
        // A system store may hold one that this library does not understand; the others still count.
        if let Err(fault) = roots.add(certificate.map_err(read)?) {
            tracing::debug!(%fault, "an authority is left out");
        }
    }
    if roots.is_empty() {
        return Err(TlsError::Empty(path));
    }
    Ok(roots)
}

/// Whom to believe and what to show, read from files when first needed, and again when the device's certificate
/// changed: it may be renewed while the agent runs.
#[derive(Debug)]
pub(crate) struct Trust {
    ca: Option<PathBuf>,
    certificate: Option<Certificate>,
    read: Option<(Arc<ClientConfig>, Stamp)>,
}

/// When, and as what files, chain and key were written.
type Stamp = Option<[(SystemTime, u64); 2]>;

impl Trust {
    /// Nothing is read yet.
    pub(crate) fn new(ca: Option<&Path>, certificate: Option<&Certificate>) -> Self {
        Self { ca: ca.map(Path::to_owned), certificate: certificate.cloned(), read: None }
    }

    /// What to connect with now.
    ///
    /// # Errors
    /// When a file cannot be read, others may read the key, or the two do not fit together.
    pub(crate) fn config(&mut self) -> Result<Arc<ClientConfig>, TlsError> {
        // Before the files are read: a change in between is then seen the next time.
        let stamp = self.certificate.as_ref().and_then(stamp);
        if let Some((config, known)) = &self.read
            && *known == stamp
        {
            return Ok(Arc::clone(config));
        }
        let config = match &self.certificate {
            None => config(self.ca.as_deref())?,
            Some(files) => Arc::new(shown(builder(self.ca.as_deref())?, files)?),
        };
        self.read = Some((Arc::clone(&config), stamp));
        Ok(config)
    }

    /// Reads everything anew the next time, also the authorities.
    pub(crate) fn forget(&mut self) {
        self.read = None;
    }
}

fn shown(builder: ConfigBuilder<ClientConfig, WantsClientCert>, files: &Certificate) -> Result<ClientConfig, TlsError> {
    let unread = |cause| TlsError::Certificate { path: files.chain.clone(), cause };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(&files.chain).map_err(unread)?.collect::<Result<_, _>>().map_err(unread)?;
    let text = read_secret(&files.key).map_err(TlsError::Secret)?;
    let key = PrivateKeyDer::from_pem_slice(text.reveal().as_bytes())
        .map_err(|cause| TlsError::Certificate { path: files.key.clone(), cause })?;
    builder.with_client_auth_cert(chain, key).map_err(|cause| TlsError::Pair {
        chain: files.chain.clone(),
        key: files.key.clone(),
        cause,
    })
}

fn stamp(files: &Certificate) -> Stamp {
    let of = |path: &Path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    Some([of(&files.chain)?, of(&files.key)?])
}

fn system_store() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named.into_iter().chain(SYSTEM.map(PathBuf::from)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_told_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(config(Some(file.path())), Err(TlsError::Empty(path)) if path == file.path()));
        assert!(matches!(config(Some(Path::new("/nowhere/ca.pem"))), Err(TlsError::Read { .. })));
    }
}
