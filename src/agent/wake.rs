//! The bell at the agent's door: a socket in its state folder, so that a lease is seen at once and nothing has to look.

use std::{
    io,
    os::unix::net::UnixDatagram as Bell,
    path::{Path, PathBuf},
};

use tokio::{
    net::UnixDatagram,
    sync::{mpsc, oneshot},
};
use tracing::warn;

use super::reconciler::Wake;
use crate::task::Stop;

const NAME: &str = "wake.sock";

/// Has the device looked at whenever the bell rings.
pub(super) async fn listen(state: PathBuf, wake_tx: mpsc::Sender<Wake>, stop: Stop) {
    let bell = match open(&state) {
        Ok(bell) => bell,
        Err(fault) => {
            warn!(%fault, "no bell in the state folder; leases are seen at the next look at the device");
            return stop.requested().await;
        }
    };
    let mut ring = [0; 1];
    while let Some(heard) = stop.unless(bell.recv(&mut ring)).await {
        let (wake, _outcome) = oneshot::channel();
        // One who waits already is enough.
        if heard.is_err() || wake_tx.try_send(wake).is_err() {
            warn!("a ring at the door was not heard");
        }
    }
}

fn open(state: &Path) -> io::Result<UnixDatagram> {
    let path = state.join(NAME);
    match std::fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    UnixDatagram::bind(path)
}

/// Rings; false when nobody is there.
pub(super) fn ring(state: &Path) -> bool {
    Bell::unbound().and_then(|bell| bell.send_to(b"!", state.join(NAME))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ring_is_heard_and_an_empty_house_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!ring(folder.path()));
        let (wake_tx, mut wake_rx) = mpsc::channel(1);
        let stop = Stop::new();
        let listening = tokio::spawn(listen(folder.path().to_owned(), wake_tx, stop.clone()));
        while !ring(folder.path()) {
            tokio::task::yield_now().await;
        }
        assert!(wake_rx.recv().await.is_some());
        stop.request();
        listening.await.unwrap();
        assert!(!ring(folder.path()), "what is left of the socket is nobody");
    }
}
