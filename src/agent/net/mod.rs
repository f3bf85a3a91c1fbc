//! The way to other machines: TCP, through a proxy where one is named, TLS above it, and HTTP or WebSocket above that.

mod fault;
mod http;
mod proxy;
mod seen;
mod tls;

use std::{io, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) use self::{
    fault::{NetError, chain},
    http::{Answer, exchange, exchange_within, over_websocket, text},
    seen::Seen,
    tls::{Trust, config as tls_config},
};
pub use self::{
    proxy::{Proxies, ProxyError},
    tls::{Certificate, TlsError},
};

/// How long a step of a connection may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What bytes go over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Bytes over whatever there is.
pub(crate) type Stream = Box<dyn Io>;

/// Connects, without a proxy.
pub(crate) async fn direct(host: &str, port: u16) -> Result<TcpStream, NetError> {
    let at = format!("{host}:{port}");
    let name = |cause| NetError::Name { host: host.to_owned(), cause };
    let addresses = patient(&at, lookup_host((host, port))).await?.map_err(name)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match patient(&at, TcpStream::connect(address)).await? {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(|cause| NetError::Reach { at: at.clone(), cause })?;
                return Ok(stream);
            }
            Err(cause) => last = cause,
        }
    }
    Err(NetError::Reach { at, cause: last })
}

/// Connects, through the proxy that there is for this host.
pub(crate) async fn open(proxies: &Proxies, host: &str, port: u16) -> Result<Stream, NetError> {
    let Some(proxy) = proxies.of(host) else { return Ok(Box::new(direct(host, port).await?)) };
    let stream = direct(&proxy.host, proxy.port).await?;
    let at = proxy.to_string();
    let through = patient(&at, http::tunnel(Box::new(stream), host, port, proxy)).await?;
    Ok(Box::new(through?))
}

/// TLS over a connection.
pub(crate) async fn secure(stream: Stream, host: &str, tls: &Arc<ClientConfig>) -> Result<TlsStream<Stream>, NetError> {
    let fault = |cause| NetError::Tls { host: host.to_owned(), cause };
    let name = ServerName::try_from(host.to_owned()).map_err(|cause| fault(io::Error::other(cause)))?;
    patient(host, TlsConnector::from(Arc::clone(tls)).connect(name, stream)).await?.map_err(fault)
}

/// A step of a connection, within its time.
async fn patient<T>(at: &str, step: impl Future<Output = T>) -> Result<T, NetError> {
    timeout(PATIENCE, step).await.map_err(|_| NetError::Silent(at.to_owned()))
}
