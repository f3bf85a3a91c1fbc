//! The session with the hub. Speaks to the rest of the agent through channels alone.
//!
//! Out, as [`Event`]s: the whole twin after every connection, then each desired patch in order and without gaps,
//! direct methods, and that the hub is out of reach. In, through [`LinkHandle`]: reported patches, answers to
//! methods, and the wish to ask for the twin again.

mod credential;
mod line;
mod mqtt;
#[cfg(test)]
mod peer_tests;
mod session;
mod tracker;
mod way;
mod wire;

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

pub use credential::CredentialError;
pub use mqtt::Outages;
pub(crate) use mqtt::{Ended, Link, Settings, probe};

pub(crate) use credential::{LIFETIME as TOKEN_LIFETIME, check as check_credential};
pub use way::{Transport, TransportError};

use crate::twin::Map;

/// How long the hub may take to answer a request.
const ANSWER: Duration = Duration::from_secs(30);
/// Commands and events that may wait.
pub(crate) const QUEUE: usize = 64;

/// What the hub says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// The device's whole twin (protocol reference 5.4).
    Twin {
        /// The desired section without `$version`.
        desired: Map,
        /// `desired.$version`.
        version: u64,
        /// The reported section without `$version`.
        reported: Map,
    },
    /// The next desired patch (protocol reference 11.7).
    Patch {
        /// The patch without `$version`.
        patch: Map,
        /// The version that it makes.
        version: u64,
    },
    /// A direct method (protocol reference 11.8), to be answered with [`LinkHandle::respond`].
    Method {
        /// Its name, e.g. `twinops*recheck`.
        name: String,
        /// The hub's request id.
        rid: String,
        /// Its payload as text.
        payload: Vec<u8>,
    },
    /// The hub is out of reach.
    Offline,
}

/// Why a report did not arrive, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReportError {
    /// There is no connection.
    #[error("the hub is out of reach")]
    Offline,
    /// The hub said nothing in time; it may have taken the report.
    #[error("the hub did not answer")]
    NoAnswer,
    /// The hub said no.
    #[error("the hub answered {status}: {message}")]
    Refused {
        /// In the manner of HTTP.
        status: u16,
        /// In its words.
        message: String,
    },
}

/// What the rest of the agent asks of the session.
#[derive(Debug)]
pub(crate) enum Command {
    /// Merge a patch into the reported properties; answers with their new version.
    Report(Map, oneshot::Sender<Result<u64, ReportError>>),
    /// Answer a direct method.
    Respond {
        /// As it came.
        rid: String,
        /// In the manner of HTTP.
        status: i32,
        /// JSON.
        payload: serde_json::Value,
    },
    /// Ask for the whole twin again.
    Refresh,
    /// Connect anew, with the authorities that the device has now; answered when the hub has answered.
    Prove(oneshot::Sender<()>),
}

/// A handle on the session; copies share it.
#[derive(Debug, Clone)]
pub(crate) struct LinkHandle {
    commands_tx: mpsc::Sender<Command>,
}

impl LinkHandle {
    /// A handle, and the end at which its commands come out.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands_tx, commands_rx) = mpsc::channel(QUEUE);
        (Self { commands_tx }, commands_rx)
    }

    /// Merges a patch into the reported properties and waits for the hub's word; the new `reported.$version`.
    ///
    /// # Errors
    /// When the hub did not take it, or did not say.
    pub(crate) async fn report(&self, patch: Map) -> Result<u64, ReportError> {
        let (answer_tx, answer_rx) = oneshot::channel();
        // A full queue is no lost connection: nothing would ever tell that it is back.
        let ask = async {
            self.commands_tx.send(Command::Report(patch, answer_tx)).await.ok()?;
            answer_rx.await.ok()
        };
        match timeout(ANSWER, ask).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(ReportError::Offline),
            Err(_) => Err(ReportError::NoAnswer),
        }
    }

    /// Answers a direct method; lost when the connection is gone, as the hub then no longer waits.
    pub(crate) fn respond(&self, rid: String, status: i32, payload: serde_json::Value) {
        self.send(Command::Respond { rid, status, payload });
    }

    /// Asks for the whole twin again.
    pub(crate) fn refresh(&self) {
        self.send(Command::Refresh);
    }

    /// Connects anew and waits until the hub has answered, for ever if need be; false when that cannot be tried.
    pub(crate) async fn prove(&self) -> bool {
        let (answer_tx, answer_rx) = oneshot::channel();
        self.commands_tx.send(Command::Prove(answer_tx)).await.is_ok() && answer_rx.await.is_ok()
    }

    fn send(&self, command: Command) {
        if self.commands_tx.try_send(command).is_err() {
            tracing::debug!("the link takes no command now");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_report_waits_for_a_queue_that_is_full() {
        let (link, mut commands_rx) = LinkHandle::new();
        (0..QUEUE).for_each(|_| link.refresh());
        let drain = async {
            loop {
                if let Some(Command::Report(_, answer)) = commands_rx.recv().await {
                    return answer.send(Ok(7)).unwrap();
                }
            }
        };
        let (answer, ()) = tokio::join!(link.report(Map::new()), drain);
        assert_eq!(answer, Ok(7));
    }
}
