//! Listening for browsers, machines and forges.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::{
    hub::web::{self, Tls},
    task::Group,
};

/// An address that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}")]
pub(crate) struct ListenError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// Serves routes until the group ends, to so many connections at a time; where.
pub(crate) async fn serve(
    address: SocketAddr,
    routes: Router,
    tls: Option<Tls>,
    most: usize,
    group: &mut Group,
) -> Result<SocketAddr, ListenError> {
    let failed = |cause| ListenError { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let stop = group.stop().clone();
    group.spawn("listen", async move {
        web::serve(listener, routes, tls, most, stop).await;
    });
    Ok(bound)
}
