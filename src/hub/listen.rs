//! Accepts connections and shakes hands.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::{debug, error, warn};

use super::{
    guard::{Guard, Pass},
    meter::Meter,
    tls,
};
use crate::task::Stop;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long to wait when the system has nothing left for another connection.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Where connections come in.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) socket: TcpListener,
    /// How long its connections may take to end after it stops.
    pub(super) patience: Duration,
    pub(super) door: Arc<Door>,
}

/// One whose connections begin with a TLS handshake.
#[derive(Debug)]
pub(super) struct TlsListener {
    pub(super) listener: Listener,
    pub(super) tls: Arc<ServerConfig>,
}

/// Counts who comes, and turns away whom there is no room for. Listeners of one side share it.
#[derive(Debug)]
pub(super) struct Door {
    /// What the side is called where it is counted.
    pub(super) side: &'static str,
    pub(super) meter: Arc<Meter>,
    pub(super) guard: Arc<Guard>,
    /// Connections of all sides together beyond which this one takes no more.
    pub(super) most: usize,
}

impl Door {
    /// A place for a connection from there, to be kept as long as it lasts; whoever gets none is to be dropped at once.
    fn enter(&self, peer: SocketAddr) -> Option<Pass> {
        self.meter.connection(self.side);
        let pass = self.guard.enter(peer.ip(), self.most);
        if pass.is_none() {
            self.meter.refused(self.side, "limits");
        }
        pass
    }

    async fn shake(
        &self,
        tls: Arc<ServerConfig>,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<tls::Stream<TcpStream>> {
        let _leave = self.guard.handshake().await;
        match timeout(HANDSHAKE, tls::Stream::accept(tls, stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => debug!(%peer, "a TLS handshake took too long"),
        }
        self.meter.refused(self.side, "tls");
        None
    }
}

impl TlsListener {
    /// As [`Listener::run`]. The handshake is part of the task, so that nobody who is slow holds up others.
    pub(super) async fn run<F>(
        self,
        stop: Stop,
        serve: impl Fn(tls::Stream<TcpStream>, SocketAddr) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (tls, door) = (self.tls, Arc::clone(&self.listener.door));
        let open = move |stream, peer| {
            let (tls, door, serve) = (Arc::clone(&tls), Arc::clone(&door), serve.clone());
            async move {
                let stream = door.shake(tls, stream, peer).await?;
                Some(serve(stream, peer))
            }
        };
        self.listener.accept(stop, open).await;
    }
}

impl Listener {
    /// Another one of the same side.
    pub(super) fn beside(&self, name: &'static str, socket: TcpListener) -> Self {
        Self { name, socket, patience: self.patience, door: Arc::clone(&self.door) }
    }

    /// Hands connections to `serve`, one task each, until `stop`; then waits for the tasks, but not for ever.
    pub(super) async fn run<F>(self, stop: Stop, serve: impl Fn(TcpStream, SocketAddr) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let open = |stream, peer| {
            let served = serve(stream, peer);
            async { Some(served) }
        };
        self.accept(stop, open).await;
    }

    /// Has `open` make of a connection what serves it.
    async fn accept<O, F>(self, stop: Stop, open: impl Fn(TcpStream, SocketAddr) -> O)
    where
        O: Future<Output = Option<F>> + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { name, socket, patience, door } = self;
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
                    if let Some(pass) = door.enter(peer) {
                        // Boxed, because it is big and soon over, while what comes then may idle for months.
                        links.spawn(hold(pass, Box::pin(open(stream, peer))));
                    }
                }
                Err(error) => rest(name, &error).await,
            }
        }
        drop(socket);
        finish(name, patience, links).await;
    }
}

/// Serves a connection, which has a place until it ends.
async fn hold<F: Future<Output = ()>>(mut pass: Pass, open: Pin<Box<impl Future<Output = Option<F>>>>) {
    if let Some(served) = open.await {
        pass.shaken();
        served.await;
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
