//! What happens, one JSON document a line.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value, json};

use crate::cli::Printer;

/// Where events are written. A reader that has gone away is no reason to stop reconciling.
pub(super) struct Journal {
    out: Mutex<Box<dyn Write + Send>>,
    /// The revision at hand, and who made it.
    about: Mutex<Map<String, Value>>,
}

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write events to `{}`", path.display())]
pub(super) struct JournalError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Journal {
    /// Appends to a file; `-` is stdout.
    pub(super) fn open(path: &Path, printer: &Printer) -> Result<Self, JournalError> {
        let file = || File::options().create(true).append(true).open(path);
        let out: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(printer.lines())
        } else {
            Box::new(file().map_err(|cause| JournalError { path: path.to_owned(), cause })?)
        };
        Ok(Self { out: Mutex::new(out), about: Mutex::default() })
    }

    /// From now on, all is about this revision.
    pub(super) fn about(&self, revision: &str, actor: Option<&str>) {
        let mut about = Map::new();
        about.insert("revision".to_owned(), revision.into());
        about.extend(actor.map(|actor| ("actor".to_owned(), actor.into())));
        *lock(&self.about) = about;
    }

    /// Writes an event with its own members.
    pub(super) fn write(&self, event: &str, more: Value) {
        let mut line = json!({ "time": jiff::Timestamp::now().to_string(), "event": event });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(lock(&self.about).clone());
            line.extend(more);
        }
        let mut out = lock(&self.out);
        // One write a line: other processes append to the same file.
        if let Err(error) = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()) {
            tracing::warn!(%error, "an event could not be written");
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
