//! Who did what: a line of JSON for every action, in a file where one is given, and in the log always.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::{error, info};

use super::session::Session;

/// Where actions are written.
#[derive(Debug, Default)]
pub(super) struct Audit(Option<PathBuf>);

impl Audit {
    /// To the log, and to this file, which has to be writable.
    pub(super) fn open(file: Option<&Path>) -> io::Result<Self> {
        if let Some(path) = file {
            OpenOptions::new().create(true).append(true).open(path)?;
        }
        Ok(Self(file.map(Path::to_owned)))
    }

    /// Writes what somebody did. An action that cannot be written down does not happen.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, session: &Session, action: &str, about: Value) -> io::Result<()> {
        let (actor, role) = (session.actor.as_str(), session.role.word());
        info!(target: "twinops::portal::audit", actor, role, action, %about, "an action");
        let Some(path) = &self.0 else { return Ok(()) };
        let time = Timestamp::now().to_string();
        let line = json!({ "time": time, "actor": actor, "role": role, "action": action, "about": about });
        let written = OpenOptions::new().create(true).append(true).open(path);
        let written = written.and_then(|mut file| writeln!(file, "{line}"));
        if let Err(error) = &written {
            error!(%error, "the audit log cannot be written");
        }
        written
    }
}
