//! One connection at work: packets on one side, the session on the other, and the times at which something is due.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ANSWER, Command, Event, ReportError,
    session::{Action, Session},
    wire::{Incoming, Wire, WireError},
};
use crate::iothub::Filter;

/// The longest silence of either side.
pub(super) const KEEP_ALIVE: Duration = Duration::from_mins(3);
/// How long a goodbye may take.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);
/// How long what is under way may take before a connection is left for the next one.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// What the agent listens to.
const FILTERS: [Filter; 3] = [Filter::TwinResponses, Filter::DesiredPatches, Filter::Methods];

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("{0}")]
    Session(String),
}

/// See the module.
pub(super) struct Line {
    /// Apart, so that it can be read from while the times are waited for.
    pub(super) wire: Wire,
    session: Session,
    subscribed: usize,
    /// When the answer that is waited for counts as lost.
    deadline: Instant,
    /// When the hub is asked whether it is there.
    pub(super) ping_at: Instant,
    is_pinged: bool,
    /// Set when another connection is to take over: until when what is under way may come to its end.
    pub(super) leaving: Option<Instant>,
}

impl Line {
    /// Asks for all topics; the twin is asked for when they are granted.
    pub(super) async fn begin(mut wire: Wire) -> Result<Self, WireError> {
        for (number, filter) in (1..).zip(FILTERS) {
            wire.subscribe(number, filter.to_string()).await?;
        }
        let now = Instant::now();
        Ok(Self {
            wire,
            session: Session::new(),
            subscribed: 0,
            deadline: now + ANSWER,
            ping_at: now + KEEP_ALIVE,
            is_pinged: false,
            leaving: None,
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.subscribed == FILTERS.len()
    }

    /// When the hub must have answered, if an answer is waited for.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.is_ready() || self.session.is_asking() || self.is_pinged).then_some(self.deadline)
    }

    /// Another connection is to take over.
    pub(super) fn leave(&mut self) {
        self.leaving = Some(Instant::now() + LAST_WORDS);
    }

    /// Whether it was left and everything under way has come to its end.
    pub(super) fn is_left(&self) -> bool {
        self.leaving.is_some_and(|until| !self.session.is_owing() || Instant::now() >= until)
    }

    pub(super) async fn goodbye(self) {
        if let Err(fault) = self.wire.goodbye(GOODBYE).await {
            tracing::debug!(%fault, "the goodbye did not get through");
        }
    }

    pub(super) async fn ping(&mut self) -> Result<(), LineError> {
        self.ping_at = Instant::now() + KEEP_ALIVE;
        if !std::mem::replace(&mut self.is_pinged, true) {
            self.deadline = Instant::now() + ANSWER;
        }
        Ok(self.wire.ping().await?)
    }

    /// Something of the agent's, once the connection is ready.
    pub(super) async fn command(&mut self, command: Command) -> Result<(), LineError> {
        let action = self.asking(|session| session.command(command));
        for action in action {
            self.act(action).await?;
        }
        Ok(())
    }

    /// Something of the hub's; what the agent is to hear of it.
    pub(super) async fn incoming(&mut self, incoming: Incoming) -> Result<Vec<Event>, LineError> {
        self.is_pinged = false;
        let actions = match incoming {
            Incoming::Message { topic, payload, ack } => {
                if let Some(number) = ack {
                    self.wire.ack(number).await?;
                }
                self.asking(|session| session.packet(&topic, &payload))
            }
            Incoming::Subscribed(false) => return Err(LineError::Session("the hub does not grant a topic".to_owned())),
            Incoming::Subscribed(true) => {
                self.subscribed += 1;
                if self.is_ready() { self.asking(|session| [session.ask()]) } else { Vec::new() }
            }
            Incoming::Alive => Vec::new(),
        };
        let mut events = Vec::new();
        for action in actions {
            events.extend(self.act(action).await?);
        }
        Ok(events)
    }

    /// Lets the session work; whenever it asks for the twin, the hub's time to answer begins.
    fn asking<A: IntoIterator<Item = Action>>(&mut self, work: impl FnOnce(&mut Session) -> A) -> Vec<Action> {
        let was_asking = self.session.is_asking();
        let actions = work(&mut self.session).into_iter().collect();
        if self.session.is_asking() && !was_asking {
            self.deadline = Instant::now() + ANSWER;
        }
        actions
    }

    /// Does what is to be done on the wire; what is to be told is handed back.
    async fn act(&mut self, action: Action) -> Result<Option<Event>, LineError> {
        match action {
            Action::Publish { topic, payload } => {
                self.wire.publish(topic.to_string(), payload).await?;
                Ok(None)
            }
            Action::Tell(event) => Ok(Some(event)),
            Action::Give { why } => Err(LineError::Session(why)),
        }
    }
}

/// Says that there is no connection.
pub(super) fn decline(command: Command) {
    if let Command::Report(_, answer) = command {
        // Whoever asked may have stopped waiting.
        let _ = answer.send(Err(ReportError::Offline));
    }
}
