//! The agent as a service of the system: installed with the options that it is given, and removed again.
//!
//! Everything goes through the port, so that an image is served like the system that runs; there nothing is started.

#[cfg(test)]
mod tests;
mod unit;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    options::{CONNECTION_VARIABLE, Given, OptionsError, STATE},
    port::{Fault, Port, Run, System},
};
use unit::MARK;

/// The name of the service.
const SERVICE: &str = "twinops-agent.service";
/// Its unit.
const UNIT: &str = "etc/systemd/system/twinops-agent.service";
/// The connection string, when it was not in a file.
const CONNECTION: &str = "etc/twinops/installed-connection";

/// Why the service is not installed, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The options make no sense.
    #[error("the agent would not start with these options")]
    Options(#[source] OptionsError),
    /// A path depends on where one stands.
    #[error("`{0}` must be a whole path from `/` on, as the device sees it")]
    Relative(PathBuf),
    /// Somebody else wrote that unit.
    #[error("`/{UNIT}` was written by somebody else; move it away first")]
    Foreign,
    /// Nothing to work on.
    #[error("the device did not do it: {0}")]
    Device(String),
    /// The state folder stays.
    #[error("cannot remove the state folder `{path}`")]
    Purge {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl From<Fault> for InstallError {
    fn from(fault: Fault) -> Self {
        Self::Device(fault.to_string())
    }
}

/// A service to be.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The program, and the words that make it the agent.
    pub program: Vec<String>,
    /// The options that the agent is to have; `root` is where it is installed.
    pub given: Given,
}

/// Whether the service is only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write and start it.
    Install,
    /// Show the unit.
    Print,
}

impl Installation {
    /// Writes the unit, enables and starts it; or shows it. What there is to say. `variable` looks an environment
    /// variable up.
    ///
    /// # Errors
    /// When the options make no sense or the device does not do it.
    pub async fn carry_out(
        mut self,
        mode: Mode,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<String, InstallError> {
        let root = self.given.root.take().unwrap_or_else(|| "/".into());
        let own = self.given.connection_file.is_none() && self.given.id_scope.is_none();
        let connection = if own { variable(CONNECTION_VARIABLE).map(zeroize::Zeroizing::new) } else { None };
        if root == Path::new("/") {
            // The files are those of the device; better now than in its log.
            self.given.clone().into_config(&variable).map_err(InstallError::Options)?;
        }
        if own {
            self.given.connection_file = Some(Path::new("/").join(CONNECTION));
        }
        let unit = unit::text(&self.program, &self.given)?;
        if mode == Mode::Print {
            return Ok(unit);
        }
        install(&Port::new(&root, System), &unit, connection.as_ref().map(|text| text.as_str())).await
    }
}

async fn install<R: Run>(port: &Port<R>, unit: &str, connection: Option<&str>) -> Result<String, InstallError> {
    refuse_foreign(port)?;
    if let Some(connection) = connection {
        port.tree.write(CONNECTION, connection.trim().as_bytes(), 0o600)?;
    }
    port.tree.write_text(UNIT, unit)?;
    if !port.is_live() {
        port.systemctl(&["enable", SERVICE]).await?;
        return Ok(format!("{SERVICE} is written and enabled; it starts with the system\n"));
    }
    port.systemctl(&["daemon-reload"]).await?;
    port.systemctl(&["enable", SERVICE]).await?;
    // One that runs has the options from before.
    port.systemctl(&["restart", SERVICE]).await?;
    Ok(format!("{SERVICE} is written, enabled and started\n"))
}

/// Stops and removes the service below `root`, and what was written for it; with `purge` the state folder too. What
/// there is to say.
///
/// # Errors
/// When the device does not do it.
pub async fn uninstall(root: &Path, state: Option<&Path>, purge: bool) -> Result<String, InstallError> {
    let state = purge.then(|| state.unwrap_or(Path::new(STATE)));
    remove(&Port::new(root, System), state).await
}

async fn remove<R: Run>(port: &Port<R>, purge: Option<&Path>) -> Result<String, InstallError> {
    refuse_foreign(port)?;
    let mut said = format!("there is no {SERVICE}\n");
    if port.tree.is_file(UNIT) {
        let stop: &[&str] = if port.is_live() { &["disable", "--now", SERVICE] } else { &["disable", SERVICE] };
        port.systemctl(stop).await?;
        port.tree.remove(UNIT)?;
        if port.is_live() {
            port.systemctl(&["daemon-reload"]).await?;
        }
        said = format!("{SERVICE} is removed\n");
    }
    port.tree.remove(CONNECTION)?;
    if let Some(state) = purge {
        let path = port.tree.at(&inside(state)?);
        match fs::remove_dir_all(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(InstallError::Purge { path, cause }),
            _ => said.push_str("its state folder is removed\n"),
        }
    }
    Ok(said)
}

fn refuse_foreign<R: Run>(port: &Port<R>) -> Result<(), InstallError> {
    match port.tree.text(UNIT)? {
        Some(text) if !text.starts_with(MARK) => Err(InstallError::Foreign),
        _ => Ok(()),
    }
}

/// A whole path as the port takes it.
fn inside(path: &Path) -> Result<String, InstallError> {
    let inner = path.strip_prefix("/").ok().filter(|inner| inner.components().next().is_some());
    inner.map(|inner| inner.to_string_lossy().into_owned()).ok_or_else(|| InstallError::Relative(path.to_owned()))
}
