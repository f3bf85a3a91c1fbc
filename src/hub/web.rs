//! Serving what is not the hub's own, with the hub's care for connections: slow clients are not waited for, and there are
//! never many at a time.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tracing::debug;

use super::{api, config::CertificateFiles, error::HubError, plain, ports::PeerCertificates, tls};
use crate::task::Stop;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// How connections with TLS 1.2 or 1.3 are made.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// With a certificate and its key, PEM.
    ///
    /// # Errors
    /// When the files cannot be read, or do not belong together.
    pub fn new(files: &CertificateFiles) -> Result<Self, HubError> {
        let certificate = tls::given(&files.chain, &files.key)?;
        Ok(Self(tls::server(tls::Side::Rest, certificate)?))
    }
}

/// Connections at a time for machines that ask now and then.
pub const FEW: usize = plain::MOST;
/// Connections at a time for people, whose browsers keep several.
pub const MANY: usize = 1024;

/// Serves routes over HTTP until `stop`, to at most so many connections at a time; over TLS, where it is given. What is
/// in flight then is cut.
pub async fn serve(socket: TcpListener, routes: Router, tls: Option<Tls>, most: usize, stop: Stop) {
    let (server, inner) = (api::Server::new(routes), stop.clone());
    let serve = move |stream: TcpStream, peer: SocketAddr| {
        let (server, tls, stop) = (server.clone(), tls.clone(), inner.clone());
        async move {
            let Some(Tls(config)) = tls else {
                return server.serve(stream, PeerCertificates::default(), peer, stop).await;
            };
            match timeout(HANDSHAKE, tls::Stream::accept(config, stream)).await {
                Ok(Ok(stream)) => server.serve(stream, PeerCertificates::default(), peer, stop).await,
                Ok(Err(error)) => debug!(%peer, %error, "a TLS handshake failed"),
                Err(_) => debug!(%peer, "a TLS handshake took too long"),
            }
        }
    };
    plain::run(socket, most, stop, serve).await;
}
