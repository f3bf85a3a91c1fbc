//! One exchange by HTTPS, for what devices fetch and what they hand over.

use std::{io, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{HOST, USER_AGENT},
    http::request::Builder,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};
use tokio_rustls::TlsConnector;
use tracing::debug;

/// How long a server may say nothing.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// How often a broken connection is taken up again.
pub(super) const TRIES: u32 = 4;

/// Why a file did not come, or did not go.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpsError {
    #[error("it is no address that begins with https://")]
    Address,
    #[error("the server points from one place to the next for ever")]
    Redirects,
    #[error("the server answers {0}")]
    Status(StatusCode),
    #[error("the file is larger than {0} bytes")]
    TooLong(u64),
    #[error("the server said nothing for {} seconds", PATIENCE.as_secs())]
    Silent,
    #[error("the connection failed")]
    Connect(#[from] io::Error),
    #[error("the exchange broke off")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written")]
    Request(#[from] hyper::http::Error),
}

impl HttpsError {
    /// Whether going on from what is there may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Http(_) | Self::Silent => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}

/// Before the next try.
pub(super) async fn pause(tries: u32) {
    sleep(Duration::from_millis(100) * 4_u32.pow(tries)).await;
}

/// A connection that carries one request.
pub(super) struct Line<B> {
    sender: SendRequest<B>,
    uri: Uri,
    running: JoinSet<()>,
}

/// An answer, and the connection that it comes over, which ends with it.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    _connection: JoinSet<()>,
}

/// Connects to the server of an address.
pub(super) async fn dial<B>(tls: &Arc<ClientConfig>, url: &str) -> Result<Line<B>, HttpsError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let uri: Uri = url.parse().map_err(|_| HttpsError::Address)?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or(HttpsError::Address)?;
    let host = host.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| HttpsError::Address)?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut running = JoinSet::new();
    running.spawn(async move {
        if let Err(fault) = connection.await {
            debug!(%fault, "a connection broke off");
        }
    });
    Ok(Line { sender, uri, running })
}

impl<B: Body + 'static> Line<B> {
    /// A request to be finished.
    pub(super) fn request(&self, method: Method) -> Builder {
        let authority = self.uri.authority().map(ToString::to_string).unwrap_or_default();
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::builder().method(method).uri(path).header(HOST, authority);
        request.header(USER_AGENT, concat!("twinops/", env!("CARGO_PKG_VERSION")))
    }

    pub(super) async fn send(mut self, request: Request<B>) -> Result<Answer, HttpsError> {
        let response = self.sender.send_request(request).await?;
        Ok(Answer { response, _connection: self.running })
    }
}

/// An address without what may be a signature in it.
pub(crate) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_signature_is_not_shown() {
        assert_eq!(shown("https://a/b?sig=x#y"), "https://a/b");
        assert_eq!(shown("https://a/b"), "https://a/b");
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(HttpsError::Silent.may_pass() && HttpsError::Status(StatusCode::BAD_GATEWAY).may_pass());
        assert!(!HttpsError::Status(StatusCode::FORBIDDEN).may_pass() && !HttpsError::Address.may_pass());
    }
}
