//! GET over HTTPS, and nothing else: what an issuer publishes. The only file of the hub that is a client of HTTP.

use std::{future::poll_fn, io, path::Path, pin::Pin, sync::Arc, time::Duration};

use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Body as _, Incoming},
    client::conn::http1,
    header::{ACCEPT, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject as _};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long one answer may take, from the look-up of the name on.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const LONGEST: usize = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` is no address that begins with https://")]
    Address(String),
    #[error("the address names no host")]
    Name(#[from] InvalidDnsNameError),
    #[error("the connection failed")]
    Connect(#[from] io::Error),
    #[error("the exchange broke off")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written")]
    Request(#[from] hyper::http::Error),
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error("the answer has more than {LONGEST} bytes")]
    TooLong,
    #[error("no answer came in time")]
    Late,
}

/// Why nothing can be fetched at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("cannot read certificates in {}", path.display())]
    File {
        path: std::path::PathBuf,
        #[source]
        cause: rustls_pki_types::pem::Error,
    },
    #[error("{0} holds no certificate of an authority")]
    Empty(String),
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Fetches from servers that it trusts.
pub(super) struct Fetcher(TlsConnector);

impl Fetcher {
    /// Trusts the authorities of a PEM file, or those of the system.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let config = builder.with_root_certificates(roots(ca)?).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// The body at an address.
    pub(super) async fn get(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        timeout(PATIENCE, self.exchange(address)).await.map_err(|_| FetchError::Late)?
    }

    async fn exchange(&self, address: &str) -> Result<Vec<u8>, FetchError> {
        let uri = check(address)?;
        let stream = self.connect(&uri).await?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path)
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("twinops/", env!("CARGO_PKG_VERSION")))
            .body(String::new())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut answer = std::pin::pin!(async { whole(sender.send_request(request).await?).await });
        tokio::select! {
            answer = answer.as_mut() => answer,
            ended = connection => {
                ended?;
                answer.await
            }
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<TlsStream<TcpStream>, FetchError> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
        Ok(self.0.connect(name, stream).await?)
    }
}

/// An address that may be fetched from.
fn check(address: &str) -> Result<Uri, FetchError> {
    let wrong = || FetchError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| wrong())?;
    if uri.scheme_str() == Some("https") && uri.host().is_some() { Ok(uri) } else { Err(wrong()) }
}

async fn whole(response: Response<Incoming>) -> Result<Vec<u8>, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > LONGEST {
                return Err(FetchError::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TrustError> {
    let (certificates, whose) = match ca {
        Some(path) => {
            let fail = |cause| TrustError::File { path: path.to_owned(), cause };
            let found = CertificateDer::pem_file_iter(path).map_err(fail)?;
            (found.collect::<Result<Vec<_>, _>>().map_err(fail)?, path.display().to_string())
        }
        None => (rustls_native_certs::load_native_certs().certs, "the system's list".to_owned()),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() { Err(TrustError::Empty(whose)) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_fetched_without_tls() {
        for address in ["http://issuer/x", "https://", "issuer", "", "https:///x", "file:///etc/passwd", "https://a b/"]
        {
            assert!(matches!(check(address), Err(FetchError::Address(_))), "{address}");
        }
        assert!(check("https://issuer:8443/x?y=z").is_ok() && check("https://[::1]/").is_ok());
    }

    #[test]
    fn files_without_authorities_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(Fetcher::new(Some(&file)).err().unwrap().to_string().contains("ca.pem"));
        std::fs::write(&file, "none").unwrap();
        assert!(matches!(Fetcher::new(Some(&file)), Err(TrustError::Empty(_))));
    }
}
