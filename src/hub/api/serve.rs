//! One connection after the other: HTTP/1.1 or 2, as the client likes.

use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::upgrade::Upgraded;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tracing::debug;

use super::{
    super::ports::{PeerAddress, PeerCertificates},
    busy::{Counted, Requests},
    websocket::Switch,
};
use crate::task::Stop;
use crate::websocket;

/// How long a client may take to send the head of a request, idle time before it included.
const HEAD: Duration = Duration::from_mins(2);
/// A connection on which nothing was asked for so long is closed. The library has no limit of its own for the first
/// bytes, nor for clients of HTTP/2 that only answer pings.
const IDLE: Duration = HEAD;
/// How often an idle HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// Most requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 200;

/// What is left of a connection that has become a device's link: the bytes inside its WebSocket messages.
pub(crate) type DeviceStream = websocket::Stream<TokioIo<Upgraded>>;

/// Who takes such connections over.
type Devices = Arc<dyn Fn(DeviceStream, PeerCertificates, SocketAddr, Stop) -> Link + Send + Sync>;
type Link = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves the routes on connections that are handed to it.
#[derive(Clone)]
pub(crate) struct Server {
    builder: Builder<TokioExecutor>,
    router: Router,
    devices: Option<Devices>,
}

impl Server {
    /// For these routes.
    pub(crate) fn new(router: Router) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        let (every, patience) = PING;
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        builder.http2().keep_alive_interval(every).keep_alive_timeout(patience);
        Self { builder, router, devices: None }
    }

    /// Hands connections that become a device's link over to `serve`, with what is known of the client.
    pub(crate) fn with_devices<F>(
        mut self,
        serve: impl Fn(DeviceStream, PeerCertificates, SocketAddr, Stop) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.devices =
            Some(Arc::new(move |stream, certificates, peer, stop| Box::pin(serve(stream, certificates, peer, stop))));
        self
    }

    /// Serves one connection, TLS already done, on which the client showed `certificates`, until it ends, or until
    /// what is in flight is answered after `stop`. One that becomes a device's link is served on as such: none of the
    /// limits of HTTP count for it then.
    pub(crate) async fn serve<T>(self, stream: T, certificates: PeerCertificates, peer: SocketAddr, stop: Stop)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { builder, router, devices } = self;
        let switch = devices.as_ref().map(|_| Switch::default());
        let service = Counted {
            service: TowerToHyperService::new(router),
            requests: Arc::default(),
            address: PeerAddress(peer),
            certificates: certificates.clone(),
            switch: switch.clone(),
        };
        // Boxed, because it is big, and over when a link begins.
        Box::pin(serve_http(builder, stream, service, peer, stop.clone())).await;
        if let (Some(devices), Some(switch)) = (devices, switch)
            && let Some(upgraded) = switch.upgraded().await
        {
            drop(switch);
            devices(websocket::Stream::server(TokioIo::new(upgraded)), certificates, peer, stop).await;
        }
    }
}

async fn serve_http<T>(
    builder: Builder<TokioExecutor>,
    stream: T,
    service: Counted<TowerToHyperService<Router>>,
    peer: SocketAddr,
    stop: Stop,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Arc::clone(&service.requests);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = idle(&requests) => {
            debug!(%peer, "a connection has nothing to do and is closed");
            connection.as_mut().graceful_shutdown();
            // Whoever does not even take that is cut.
            timeout(IDLE, connection).await.unwrap_or(Ok(()))
        }
        () = stop.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%peer, error, "a connection ended in disorder");
    }
}

/// Returns when nothing was asked for a while and nothing is under way.
async fn idle(requests: &Requests) {
    let mut before = requests.idle();
    loop {
        sleep(IDLE).await;
        let now = requests.idle();
        if now.is_some() && now == before {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use axum::{Extension, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        task::JoinHandle,
    };

    use super::*;

    fn serve(router: Router) -> (DuplexStream, JoinHandle<()>) {
        let (client, stream) = duplex(4096);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        (client, tokio::spawn(Server::new(router).serve(stream, PeerCertificates::default(), peer, Stop::new())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_not_kept() {
        let (_client, served) = serve(Router::new());
        timeout(IDLE * 3, served).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_of_http_2_that_asks_for_nothing_is_not_kept() {
        let (mut client, served) = serve(Router::new());
        client.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        timeout(IDLE * 3, served).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_knows_who_asks() {
        let who = |Extension(PeerAddress(address)): Extension<PeerAddress>,
                   Extension(PeerCertificates(chain)): Extension<PeerCertificates>| async move {
            format!("{address} {}", chain.len())
        };
        let (mut client, _served) = serve(Router::new().route("/", get(who)));
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("127.0.0.1:1 0"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_reaches_a_client_that_still_sends_and_the_next_request_an_answer() {
        let (mut client, _served) = serve(Router::new().route("/", get(|| async { "done" })));
        let body = 16 * 1024;
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {body}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let mut refusal = [0; 12];
        client.read_exact(&mut refusal).await.unwrap();
        assert_eq!(&refusal, b"HTTP/1.1 405");
        client.write_all(&vec![b'x'; body]).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_waited_for() {
        let slow = get(|| async {
            sleep(IDLE * 4).await;
            "done"
        });
        let (mut client, _served) = serve(Router::new().route("/", slow));
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}
