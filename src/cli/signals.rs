//! Ctrl-C and its kin: the first asks, the second does not.

use std::process;

use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

use super::{Exit, Printer};
use crate::task::Stop;

/// Requests `stop` at the first Ctrl-C or SIGTERM, and ends the process at the second.
pub(crate) fn listen(stop: Stop, printer: Printer) {
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            warn!("signals cannot be caught here: Ctrl-C ends at once");
            return;
        };
        let mut asked = false;
        loop {
            tokio::select! {
                // Both only wait for a signal: nothing is lost when the other one comes first.
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                at_once();
            }
            asked = true;
            stop.request();
            printer.detail("ending what is in flight; once more to end at once");
        }
    });
}

#[expect(clippy::exit, reason = "the user has asked twice: nothing that could hang may come in between")]
fn at_once() -> ! {
    process::exit(i32::from(Exit::Interrupted.code()))
}
