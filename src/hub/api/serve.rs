//! One connection after the other: HTTP/1.1 or 2, as the client likes.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use crate::task::Stop;

/// How long a client may take to send the head of a request, idle time before it included.
const HEAD: Duration = Duration::from_mins(2);
/// How often an idle HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// Most requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 200;

/// Serves the routes on connections that are handed to it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    builder: Builder<TokioExecutor>,
    router: Router,
}

impl Server {
    /// For these routes.
    pub(crate) fn new(router: Router) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        let (every, patience) = PING;
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        builder.http2().keep_alive_interval(every).keep_alive_timeout(patience);
        Self { builder, router }
    }

    /// Serves one connection, TLS already done, until it ends, or until what is in flight is answered after `stop`.
    pub(crate) async fn serve<T>(self, stream: T, peer: SocketAddr, stop: Stop)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { builder, router } = self;
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.requested() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%peer, error, "a connection ended in disorder");
        }
    }
}
