//! Serves plain TCP, for metrics and the like on an address of their own.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tracing::{debug, warn};

use crate::task::Stop;

/// Most connections at a time of metrics and the like; whoever comes then waits.
pub(super) const MOST: usize = 32;
/// How long to wait when the system has nothing left for another connection.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Hands connections to `serve`, one task each and at most so many at a time, until `stop`. What is in flight then is
/// cut.
pub(super) async fn run<F>(socket: TcpListener, most: usize, stop: Stop, serve: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept(), if links.len() < most => match accepted {
                Ok((stream, peer)) => _ = links.spawn(serve(stream, peer)),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    sleep(EXHAUSTED).await;
                }
            },
            Some(ended) = links.join_next() => {
                if let Err(fault) = ended {
                    debug!(%fault, "a connection broke off");
                }
            }
            () = stop.requested() => return,
        }
    }
}
