//! One request to the hub, sent until it is answered or there is no point any more.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    gate::Gate,
    outcome::{Event, Events, Reasons, Stopped},
    ports::HubError,
};
use crate::{
    plan::quota::Operation,
    task::{Backoff, Stop},
    twin::DeviceId,
};

/// First bound of a device's own waits after a broken answer.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Last bound of them.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What all devices of a run share.
pub(super) struct Run<'a, E> {
    pub(super) gate: Gate,
    pub(super) patience: Duration,
    pub(super) events: &'a E,
    /// Requested by Ctrl-C and by [`Self::halt`].
    pub(super) stop: Stop,
    pub(super) reasons: std::sync::Mutex<Reasons>,
    pub(super) stopped: std::sync::OnceLock<Stopped>,
}

/// How a request ended.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// The hub did it.
    Done(T),
    /// The hub will not do it. `repeated`: an earlier attempt broke off and may have done it.
    Refused { error: HubError, repeated: bool },
    /// The run was stopped before the hub took the request.
    NotSent,
    /// The run was stopped while nobody can say whether the hub took the request.
    Unclear(HubError),
}

impl<E: Events> Run<'_, E> {
    /// Sends a request that may be repeated. Throttling slows the whole run down, trouble of the hub or of the line
    /// only this device; both are given up after the run's patience.
    pub(super) async fn call<T, F>(
        &self,
        operation: Operation,
        device: &DeviceId,
        mut send: impl FnMut() -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Result<T, HubError>>,
    {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut broken_since: Option<Instant> = None;
        let mut unclear: Option<HubError> = None;
        loop {
            let Some(pass) = self.stop.unless(self.gate.enter(operation)).await else {
                return unclear.map_or(Answer::NotSent, Answer::Unclear);
            };
            let error = match send().await {
                Ok(value) => {
                    pass.answered();
                    return Answer::Done(value);
                }
                Err(error) => error,
            };
            let repeated = unclear.is_some();
            if !error.is_transient() {
                pass.answered();
                return Answer::Refused { error, repeated };
            }
            let since = *broken_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.patience {
                drop(pass);
                return self.give_up(error, repeated);
            }
            if let HubError::Throttled { retry_after } = &error {
                let pause = pass.throttled(*retry_after);
                drop(pass);
                if let Some(pause) = pause {
                    self.events.on(Event::Throttled { wait: pause.wait, concurrency: pause.concurrency });
                }
                continue;
            }
            drop(pass);
            self.wait(device, &mut backoff, &error).await;
            unclear = Some(error);
        }
    }

    /// A hub that has answered nobody for as long ends the run; otherwise the device fails alone.
    fn give_up<T>(&self, error: HubError, repeated: bool) -> Answer<T> {
        if self.gate.without_success() >= self.patience {
            self.halt(&error);
        }
        Answer::Refused { error, repeated }
    }

    async fn wait(&self, device: &DeviceId, backoff: &mut Backoff, error: &HubError) {
        let wait = backoff.next_wait();
        self.events.on(Event::Retrying { device: device.clone(), wait, reason: self.reason(error) });
        self.stop.unless(sleep(wait)).await;
    }

    /// Ends the run for all devices.
    pub(super) fn halt(&self, error: &HubError) {
        let _first_reason_stands = self.stopped.set(Stopped::Hub(self.reason(error)));
        self.stop.request();
    }

    /// The error with all its causes, as one text.
    pub(super) fn reason(&self, error: &HubError) -> std::sync::Arc<str> {
        self.share(describe(error))
    }

    pub(super) fn share(&self, text: String) -> std::sync::Arc<str> {
        self.reasons.lock().unwrap_or_else(std::sync::PoisonError::into_inner).share(text)
    }
}

fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text.push_str(": ");
        text.push_str(&below.to_string());
        cause = below.source();
    }
    text
}
