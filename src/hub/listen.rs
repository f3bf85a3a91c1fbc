//! Accepts connections and shakes hands.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, error, warn};

use super::{guard::Guard, meter::Meter};
use crate::task::Stop;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long to wait when the system has nothing left for another connection.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// A listener and what its connections are like.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) socket: TcpListener,
    pub(super) tls: Arc<ServerConfig>,
    /// How long its connections may take to end after it stops.
    pub(super) patience: Duration,
    pub(super) meter: Arc<Meter>,
    pub(super) guard: Arc<Guard>,
    /// Connections of all sides together beyond which this one takes no more.
    pub(super) most: usize,
}

impl Listener {
    /// Hands connections to `serve`, one task each, until `stop`; then waits for the tasks, but not for ever. The
    /// handshake is part of the task, so that nobody who is slow holds up others.
    pub(super) async fn run<F>(
        self,
        stop: Stop,
        serve: impl Fn(TlsStream<TcpStream>, SocketAddr) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let acceptor = TlsAcceptor::from(self.tls);
        let side = if self.name == "REST" { "rest" } else { "mqtt" };
        let shaken = move |stream, peer: SocketAddr| {
            let (acceptor, serve, meter) = (acceptor.clone(), serve.clone(), Arc::clone(&self.meter));
            let guard = Arc::clone(&self.guard);
            meter.connection(side);
            // Whoever gets no pass is dropped at once.
            let pass = guard.enter(peer.ip(), self.most);
            async move {
                let Some(mut pass) = pass else { return meter.refused(side, "limits") };
                let leave = guard.handshake().await;
                // Boxed, because it is big and soon over.
                let shaken = Box::pin(shake(acceptor, stream, peer)).await;
                drop(leave);
                match shaken {
                    Some(stream) => {
                        pass.shaken();
                        serve(stream, peer).await;
                    }
                    None => meter.refused(side, "tls"),
                }
            }
        };
        accept(self.name, self.socket, self.patience, stop, shaken).await;
    }
}

/// Hands connections to `serve` as they come, one task each, until `stop`; then waits for the tasks for a while.
pub(super) async fn accept<F>(
    name: &'static str,
    socket: TcpListener,
    patience: Duration,
    stop: Stop,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut links = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(ended) = links.join_next() => {
                report(name, ended);
                continue;
            }
            () = stop.requested() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%peer, %error, "a connection was gone at once");
                }
                links.spawn(serve(stream, peer));
            }
            Err(error) => rest(name, &error).await,
        }
    }
    drop(socket);
    finish(name, patience, links).await;
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            debug!(%peer, %error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            debug!(%peer, "a TLS handshake took too long");
            None
        }
    }
}

/// A client that is gone again is no reason to rest; a system without files or memory is.
async fn rest(name: &'static str, error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    warn!(listener = name, %error, "a connection could not be accepted");
    sleep(EXHAUSTED).await;
}

async fn finish(name: &'static str, patience: Duration, mut links: JoinSet<()>) {
    let all = async {
        while let Some(ended) = links.join_next().await {
            report(name, ended);
        }
    };
    if timeout(patience, all).await.is_err() {
        warn!(listener = name, left = links.len(), "connections did not end in time and are cut");
        links.shutdown().await;
    }
}

fn report(name: &'static str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(fault) = ended
        && !fault.is_cancelled()
    {
        error!(listener = name, %fault, "a connection's task broke off");
    }
}
