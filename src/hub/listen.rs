//! Accepts connections and shakes hands.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, error, warn};

use super::guard::Guard;
use crate::task::{PATIENCE, Stop};

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
        let mut links = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket, &self.guard) => accepted,
                Some(ended) = links.join_next() => {
                    report(self.name, ended);
                    continue;
                }
                () = stop.requested() => break,
            };
            match accepted {
                Ok((stream, peer, leave)) => {
                    // Whoever gets no pass is dropped here.
                    let Some(mut pass) = self.guard.enter(peer.ip(), self.most) else { continue };
                    let (acceptor, serve) = (acceptor.clone(), serve.clone());
                    links.spawn(async move {
                        // Boxed, because it is big and soon over.
                        let shaken = Box::pin(shake(acceptor, stream, peer)).await;
                        drop(leave);
                        if let Some(stream) = shaken {
                            pass.shaken();
                            serve(stream, peer).await;
                        }
                    });
                }
                Err(error) => rest(self.name, &error).await,
            }
        }
        drop(self.socket);
        finish(self.name, links).await;
    }
}

/// The next connection, with leave to shake hands.
async fn accept(
    socket: &TcpListener,
    guard: &Guard,
) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    let leave = guard.handshake().await;
    let (stream, peer) = socket.accept().await?;
    Ok((stream, peer, leave))
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "a connection was gone at once");
    }
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

async fn finish(name: &'static str, mut links: JoinSet<()>) {
    let all = async {
        while let Some(ended) = links.join_next().await {
            report(name, ended);
        }
    };
    if timeout(PATIENCE, all).await.is_err() {
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
