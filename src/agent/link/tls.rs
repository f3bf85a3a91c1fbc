//! Whom the agent believes to be the hub.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

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
    /// The library refuses its own defaults.
    #[error("cannot set TLS up")]
    Setup(#[source] rustls::Error),
}

/// TLS 1.2 and 1.3 with the authorities of `ca`, or of the system when none is named.
///
/// # Errors
/// When there are none.
pub(crate) fn config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(TlsError::Setup)?.with_root_certificates(roots).with_no_client_auth()))
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
