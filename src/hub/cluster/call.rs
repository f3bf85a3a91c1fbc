//! Method calls to devices that are linked to another process.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tracing::warn;

use super::{
    super::ports::{LinkId, Links as _, MethodAnswer, MethodFault},
    Cluster,
};

/// While a call waits for its device to connect: how long it waits here before it asks again who has the link.
const LOOK: Duration = Duration::from_millis(500);
/// How long the process that has the link waits for the device to take calls.
const THERE: Duration = Duration::from_secs(2);
/// How long letters may take, both ways, on top of what the device may.
const WAY: Duration = Duration::from_secs(3);

type Answered = Result<MethodAnswer, MethodFault>;

/// Calls that wait for a letter, by number.
#[derive(Debug)]
pub(super) struct Calls(Mutex<(u64, HashMap<u64, oneshot::Sender<Answered>>)>);

impl Default for Calls {
    fn default() -> Self {
        // An answer to a process that was here before is not taken for one to this.
        Self(Mutex::new((fastrand::u64(..u64::MAX / 2), HashMap::new())))
    }
}

/// What goes before the payload, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    method: String,
    connect_ms: u64,
    response_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Status(i32),
    NotOnline,
    NoAnswer,
}

impl Calls {
    fn state(&self) -> MutexGuard<'_, (u64, HashMap<u64, oneshot::Sender<Answered>>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> (Waiting<'_>, oneshot::Receiver<Answered>) {
        let (sender, answer) = oneshot::channel();
        let mut state = self.state();
        state.0 += 1;
        let call = state.0;
        state.1.insert(call, sender);
        (Waiting(self, call), answer)
    }

    /// A letter with an answer has come; one that nobody waits for is dropped.
    pub(super) fn answer(&self, call: u64, text: &Bytes) {
        let Some(sender) = self.state().1.remove(&call) else { return };
        let answer = match unpack::<Reply>(text) {
            Some((Reply::Status(status), payload)) => Ok(MethodAnswer { status, payload }),
            Some((Reply::NotOnline, _)) => Err(MethodFault::NotOnline),
            Some((Reply::NoAnswer, _)) | None => Err(MethodFault::NoAnswer),
        };
        // The caller may have gone in this moment.
        let _gone = sender.send(answer);
    }
}

/// A call that waits; nobody does any longer when it is dropped.
struct Waiting<'a>(&'a Calls, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().1.remove(&self.1);
    }
}

fn pack(head: &impl Serialize, payload: &[u8]) -> Option<Vec<u8>> {
    let mut text = serde_json::to_vec(head).ok()?;
    text.push(b'\n');
    text.extend_from_slice(payload);
    Some(text)
}

fn unpack<T: DeserializeOwned>(text: &Bytes) -> Option<(T, Bytes)> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((serde_json::from_slice(&text[..end]).ok()?, text.slice(end + 1..)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Cluster {
    /// Calls the device wherever it is, or comes to be before `connect` is over.
    pub(super) async fn call_anywhere(
        &self,
        link: &LinkId,
        method: &str,
        payload: Bytes,
        connect: Duration,
        response: Duration,
    ) -> Answered {
        let end = Instant::now() + connect;
        let mut here = Duration::ZERO;
        loop {
            match self.local.call(link, method, payload.clone(), here, response).await {
                Err(MethodFault::NotOnline) => {}
                answered => return answered,
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.call_there(link, method, &payload, left.min(THERE), response).await {
                Err(MethodFault::NotOnline) if Instant::now() < end => {}
                answered => return answered,
            }
            here = end.saturating_duration_since(Instant::now()).min(LOOK);
        }
    }

    /// Asks the process that has the link to call.
    async fn call_there(
        &self,
        link: &LinkId,
        method: &str,
        payload: &[u8],
        connect: Duration,
        response: Duration,
    ) -> Answered {
        let head = Request { method: method.to_owned(), connect_ms: millis(connect), response_ms: millis(response) };
        let request = pack(&head, payload).ok_or(MethodFault::NoAnswer)?;
        let (waiting, answer) = self.calls.begin();
        match self.store.post_call(link, waiting.1, &request, connect + WAY).await {
            Ok(true) => {}
            Ok(false) => return Err(MethodFault::NotOnline),
            Err(error) => {
                warn!(%link, error = &error as &dyn std::error::Error, "a method call could not be sent to another hub");
                return Err(MethodFault::NotOnline);
            }
        }
        match timeout(connect + response + WAY, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(MethodFault::NoAnswer),
        }
    }

    /// Calls a device here for another process.
    pub(super) async fn serve_call(&self, link: &LinkId, call: u64, from: i64, request: Bytes) {
        let Some((head, payload)) = unpack::<Request>(&request) else {
            return warn!(%link, "another hub sent a method call that cannot be read");
        };
        let (connect, response) = (Duration::from_millis(head.connect_ms), Duration::from_millis(head.response_ms));
        let (reply, payload) = match self.local.call(link, &head.method, payload, connect, response).await {
            Ok(answer) => (Reply::Status(answer.status), answer.payload),
            Err(MethodFault::NotOnline) => (Reply::NotOnline, Bytes::new()),
            Err(MethodFault::NoAnswer) => (Reply::NoAnswer, Bytes::new()),
        };
        let Some(answer) = pack(&reply, &payload) else { return };
        if let Err(error) = self.store.post_answer(from, call, &answer).await {
            warn!(%link, error = &error as &dyn std::error::Error, "a method's answer could not be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_finds_its_caller_and_a_late_one_nobody() {
        let calls = Calls::default();
        let (first, answer) = calls.begin();
        let reply = Bytes::from(pack(&Reply::Status(299), b"{\"a\":\n1}").unwrap());
        calls.answer(first.1 + 1, &reply);
        calls.answer(first.1, &reply);
        let payload = Bytes::from_static(b"{\"a\":\n1}");
        assert_eq!(answer.await.unwrap(), Ok(MethodAnswer { status: 299, payload }));
        let (second, _gone) = calls.begin();
        let late = second.1;
        drop(second);
        calls.answer(late, &reply);
        assert!(calls.state().1.is_empty());
        let (third, answer) = calls.begin();
        calls.answer(third.1, &Bytes::from_static(b"nonsense"));
        assert_eq!(answer.await.unwrap(), Err(MethodFault::NoAnswer));
    }
}
