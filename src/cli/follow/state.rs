//! How a reconciler stands, and who is told when that changes.

use serde_json::json;

use super::observer::Observer;
use crate::{
    cli::{Exit, Failure, Printer},
    client::Webhook,
};

/// How the last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reconciled,
    Findings,
    Refused,
    InPart,
    Held,
    Failed,
}

/// The state, and where its changes are told.
pub(super) struct Told {
    last: Option<State>,
    webhook: Option<Webhook>,
    /// The fleet, for people.
    what: String,
}

impl Told {
    pub(super) fn new(what: String, url: Option<&str>) -> Result<Self, Failure> {
        let webhook = url.map(Webhook::new).transpose()?;
        Ok(Self { last: None, webhook, what })
    }

    /// A run has ended so. Says whether there is nothing left to do.
    pub(super) fn ended(&mut self, ended: &Result<Exit, Failure>, observer: &Observer, printer: &Printer) -> bool {
        let state = State::of(ended);
        observer.metrics.ran(state.word());
        let before = self.last.replace(state);
        // The first run that goes well is no news.
        let is_news = before.map_or(state != State::Reconciled, |before| before != state);
        if is_news {
            let why = ended.as_ref().err().map(|failure| failure.error.to_string());
            observer.write("state", json!({ "state": state.word(), "before": before.map(State::word), "why": why }));
            self.tell(state, before, why, printer);
        }
        matches!(state, State::Reconciled | State::Findings | State::Refused)
    }

    fn tell(&self, state: State, before: Option<State>, why: Option<String>, printer: &Printer) {
        let Some(webhook) = self.webhook.clone() else { return };
        let was = before.map(|before| format!(" (was: {})", before.word())).unwrap_or_default();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let body = json!({ "text": format!("twinops {}: {}{was}{why}", self.what, state.word()) });
        let printer = printer.clone();
        // Nobody waits for a webhook of others.
        tokio::spawn(async move {
            if let Err(error) = webhook.post(&body).await {
                printer.warn(format_args!("the change of state could not be told: {error}"));
            }
        });
    }
}

impl State {
    const fn of(ended: &Result<Exit, Failure>) -> Self {
        let exit = match ended {
            Ok(exit) => *exit,
            Err(failure) => failure.exit,
        };
        match exit {
            Exit::Done | Exit::Changes | Exit::Interrupted => Self::Reconciled,
            Exit::Findings => Self::Findings,
            Exit::Guard => Self::Refused,
            Exit::Partial | Exit::Stale => Self::InPart,
            Exit::Gate => Self::Held,
            Exit::Failed | Exit::Usage => Self::Failed,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Reconciled => "reconciled",
            Self::Findings => "findings",
            Self::Refused => "refused",
            Self::InPart => "in-part",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}
