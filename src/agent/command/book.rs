//! What was called and what was answered, on disk, so that a call that comes twice does nothing the second time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;

use super::{Refused, Reply, told};
use crate::{
    agent::{ledger::replace, moment::boot},
    component::command::{
        Command,
        answer::{Done, State},
    },
    twin::Map,
};

const NAME: &str = "commands.json";
/// As many calls are remembered.
const MOST: usize = 32;
/// As many are reported.
const REPORTED: usize = 4;
/// The largest answer that is reported, in bytes.
const LARGEST_REPORTED: usize = 1024;

/// The calls of this device, and what its configuration offers.
#[derive(Debug)]
pub(crate) struct Book {
    folder: PathBuf,
    calls: Mutex<Vec<Call>>,
}

/// What this device says of its commands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Offers {
    /// Those that may be called.
    pub(crate) allowed: Vec<&'static str>,
    /// Those that the device's own configuration does not allow.
    pub(crate) not_allowed: Vec<&'static str>,
    /// Those that it has no way to do.
    pub(crate) unsupported: Vec<&'static str>,
}

/// A call, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    /// How the caller names it.
    pub(super) id: Option<String>,
    /// The command, by its own name.
    pub(super) command: String,
    /// A digest of what it was handed, without the token.
    pub(super) digest: String,
    /// The section in which the Windows IoT client reports it.
    pub(super) section: Option<String>,
    /// When.
    pub(super) at: String,
    /// The boot in which it was called.
    pub(super) boot: Option<String>,
    /// 202 while it is under way.
    pub(super) status: i32,
    pub(super) answer: Value,
}

impl Call {
    /// Whether it ends with the agent, or with the device.
    fn ends_all(&self) -> bool {
        Command::find(&self.command).is_some_and(|command| command == Command::Reboot || command.destroys())
    }

    fn told(&self) -> Value {
        let mut told = json!({"command": self.command, "at": self.at, "status": self.status});
        if let Some(id) = &self.id {
            told["id"] = id.as_str().into();
        }
        let fits = serde_json::to_vec(&self.answer).is_ok_and(|text| text.len() <= LARGEST_REPORTED);
        if fits && !self.answer.is_null() {
            told["answer"] = self.answer.clone();
        }
        told
    }
}

impl Book {
    /// The book in a folder. What was under way when the agent ended is not known to be done.
    pub(crate) fn open(folder: &Path) -> Self {
        let calls = match read(&folder.join(NAME)) {
            Ok(calls) => calls,
            Err(fault) => {
                warn!(%fault, "the file of commands cannot be read; none is known to have been called");
                Vec::new()
            }
        };
        let calls = calls.into_iter().map(after_a_restart).collect();
        Self { folder: folder.to_owned(), calls: Mutex::new(calls) }
    }

    /// The answer to a call that came before; `None` when it is new.
    ///
    /// # Errors
    /// When it is still under way, or its id named another call.
    pub(super) fn find(&self, command: Command, id: &str, digest: &str) -> Result<Option<Reply>, Refused> {
        let calls = self.lock();
        let Some(call) = calls.iter().find(|call| call.id.as_deref() == Some(id)) else { return Ok(None) };
        if call.command != command.name() || call.digest != digest {
            return Err(Refused::Busy(format!("`{id}` named another call; give this one an id of its own")));
        }
        if call.status == 202 {
            return Err(Refused::Busy(format!("`{id}` is still under way; ask again for its answer")));
        }
        Ok(Some(Reply { status: call.status, body: call.answer.clone() }))
    }

    /// Notes that a call begins, before it does; the oldest are forgotten.
    ///
    /// # Errors
    /// When it cannot be written; then it must not begin.
    pub(super) fn begin(&self, call: Call) -> Result<(), Refused> {
        let mut calls = self.lock();
        let mut next = calls.clone();
        next.push(call);
        next.drain(..next.len().saturating_sub(MOST));
        self.keep(&next).map_err(|fault| Refused::Failed(format!("the call cannot be noted on disk: {fault}")))?;
        *calls = next;
        Ok(())
    }

    /// Notes what came of a call.
    pub(super) fn end(&self, begun: &Call, reply: &Reply) {
        self.change(begun, |calls, at| {
            calls[at].status = reply.status;
            calls[at].answer = reply.body.clone();
        });
    }

    /// Notes that a call did not begin after all.
    pub(super) fn forget(&self, begun: &Call) {
        self.change(begun, |calls, at| drop(calls.remove(at)));
    }

    fn change(&self, begun: &Call, work: impl FnOnce(&mut Vec<Call>, usize)) {
        let mut calls = self.lock();
        let Some(at) = calls.iter().rposition(|call| call == begun) else { return };
        work(&mut calls, at);
        if let Err(fault) = self.keep(&calls) {
            warn!(%fault, "cannot note on disk what came of a command");
        }
    }

    /// The last calls as they are reported; `None` when there was none.
    pub(crate) fn reported(&self) -> Option<Value> {
        let calls = self.lock();
        let shown = &calls[calls.len().saturating_sub(REPORTED)..];
        (!shown.is_empty()).then(|| shown.iter().map(Call::told).collect())
    }

    /// What the Windows IoT client reports of its commands, by section.
    pub(crate) fn sections(&self) -> Map {
        let calls = self.lock();
        let named = calls.iter().filter_map(|call| Some((call.section.clone()?, super::old::section(call))));
        named.collect()
    }

    fn keep(&self, calls: &[Call]) -> io::Result<()> {
        replace(&self.folder, NAME, &serde_json::to_vec(calls)?)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Vec<Call>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

/// A restart that was asked for has come when the device was started anew.
fn after_a_restart(mut call: Call) -> Call {
    let anew = call.boot.is_some() && call.boot != boot();
    if call.command == Command::Reboot.name() && anew && call.status < 300 {
        (call.status, call.answer) = (200, told(&Done { state: State::Done }));
    } else if call.status == 202 && !call.ends_all() {
        let error = "the agent ended before this did; whether it was done is not known";
        (call.status, call.answer) = (500, json!({ "error": error }));
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, command: Command) -> Call {
        Call {
            id: Some(id.to_owned()),
            command: command.name().to_owned(),
            digest: "d".to_owned(),
            section: None,
            at: "2026-11-24T00:00:00Z".to_owned(),
            boot: Some("another".to_owned()),
            status: 202,
            answer: Value::Null,
        }
    }

    #[test]
    fn an_answer_is_given_again_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path());
        let begun = call("a", Command::UpdatesScan);
        assert_eq!(book.find(Command::UpdatesScan, "a", "d"), Ok(None));
        book.begin(begun.clone()).unwrap();
        assert!(matches!(book.find(Command::UpdatesScan, "a", "d"), Err(Refused::Busy(_))));
        let reply = Reply { status: 200, body: json!({"available": 0}) };
        book.end(&begun, &reply);
        for book in [book, Book::open(folder.path())] {
            assert_eq!(book.find(Command::UpdatesScan, "a", "d"), Ok(Some(reply.clone())));
            assert!(matches!(book.find(Command::UpdatesScan, "a", "other"), Err(Refused::Busy(_))));
            assert!(matches!(book.find(Command::Reboot, "a", "d"), Err(Refused::Busy(_))));
        }
    }

    #[test]
    fn what_was_under_way_is_told_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path());
        for (id, command) in [("scan", Command::UpdatesScan), ("boot", Command::Reboot), ("wipe", Command::Wipe)] {
            book.begin(call(id, command)).unwrap();
        }
        let book = Book::open(folder.path());
        let status = |id, command| book.find(command, id, "d").map(|reply| reply.map(|reply| reply.status));
        assert_eq!(status("scan", Command::UpdatesScan), Ok(Some(500)));
        assert_eq!(status("boot", Command::Reboot), Ok(Some(200)), "the device was started anew since");
        assert!(status("wipe", Command::Wipe).is_err());
    }

    #[test]
    fn the_oldest_are_forgotten_and_few_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path());
        assert_eq!(book.reported(), None);
        for at in 0..40 {
            book.begin(call(&at.to_string(), Command::UpdatesScan)).unwrap();
        }
        assert_eq!(book.find(Command::UpdatesScan, "7", "d"), Ok(None));
        assert!(book.find(Command::UpdatesScan, "8", "d").is_err());
        assert_eq!(book.reported().unwrap().as_array().unwrap().len(), REPORTED);
    }

    #[test]
    fn what_cannot_be_noted_does_not_begin_and_a_broken_file_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "[{").unwrap();
        let book = Book::open(folder.path());
        fs::create_dir(folder.path().join(format!("{NAME}.next"))).unwrap();
        assert!(matches!(book.begin(call("a", Command::Reboot)), Err(Refused::Failed(_))));
        assert_eq!(book.reported(), None);
    }
}
