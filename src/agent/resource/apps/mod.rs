//! `apps` on Linux: Debian packages, archives that run as services, and containers by Podman.
//!
//! One file a kind; each reads an app, and makes it what is wanted. What comes from elsewhere is used only with its
//! digest.

mod archive;
mod container;
mod deb;

use std::{borrow::Cow, time::Duration};

use serde_json::{Value, json};

use super::{Fault, Refusal, Resource, check_id, typed, units, wanted};
use crate::{
    agent::port::{Artifacts, Port, Run},
    component::{
        apps::{App, AppStartup, AppType, RunState},
        artifact::Presence,
    },
};

/// How long an installation may take when nothing else is said.
const LIMIT: Duration = Duration::from_mins(15);

/// The programs of the device.
#[derive(Debug)]
pub(crate) struct Apps<R> {
    port: Port<R>,
    artifacts: Artifacts,
}

/// How long the installation of an app may take.
fn limit(app: &App) -> Duration {
    app.timeout_seconds.map_or(LIMIT, |seconds| Duration::from_secs(seconds.into()))
}

impl<R: Run> Apps<R> {
    pub(crate) fn new(port: Port<R>, artifacts: Artifacts) -> Self {
        Self { port, artifacts }
    }

    /// What is there of an app, in the words of the component; `None` when it is not installed.
    async fn installed(&self, id: &str, app: &App) -> Result<Option<Value>, Fault> {
        match app.r#type {
            AppType::Deb => deb::read(&self.port, app).await,
            AppType::Container => container::read(&self.port, id, app),
            _ => archive::read(&self.port, id, app),
        }
    }

    /// Whether the unit of an app starts and runs as it is wanted.
    async fn runs_as_wanted(&self, id: &str, app: &App) -> Result<bool, Fault> {
        let Some(unit) = unit(id, app) else { return Ok(true) };
        let held = units::look(&self.port, &unit).await?;
        let running = held.as_ref().and_then(|held| held.running);
        let wanted = app.desired_run_state.map(|state| state == RunState::Running);
        let runs = wanted.is_none() || running.is_none() || running == wanted;
        // The start of a container is in its own file.
        let starts = app.r#type == AppType::Container
            || held.is_some_and(|held| (held.startup() == "auto") == (app.startup == Some(AppStartup::Background)));
        Ok(runs && starts)
    }

    async fn set_run_state(&self, id: &str, app: &App, changed: bool) -> Result<(), Fault> {
        let Some(unit) = unit(id, app) else { return Ok(()) };
        match app.desired_run_state {
            Some(RunState::Running) if changed => units::order(&self.port, "restart", &unit).await,
            Some(RunState::Running) => units::order(&self.port, "start", &unit).await,
            Some(RunState::Stopped) => units::order(&self.port, "stop", &unit).await,
            None if changed => units::order(&self.port, "try-restart", &unit).await,
            None => Ok(()),
        }
    }

    async fn install(&self, id: &str, app: &App) -> Result<(), Fault> {
        let is_there = self.installed(id, app).await?;
        let changed = !is_there.as_ref().is_some_and(|held| is_version(held, app));
        if changed {
            let work = async {
                match app.r#type {
                    AppType::Deb => deb::install(&self.port, &self.artifacts, app, limit(app)).await,
                    AppType::Container => container::install(&self.port, id, app).await,
                    _ => archive::install(&self.port, &self.artifacts, id, app).await,
                }
            };
            let late = |_| Fault::new(format!("the installation took longer than {} seconds", limit(app).as_secs()));
            tokio::time::timeout(limit(app), work).await.map_err(late)??;
        }
        if app.r#type == AppType::Archive {
            archive::enable(&self.port, id, app).await?;
        }
        self.set_run_state(id, app, changed).await
    }

    async fn remove(&self, id: &str, app: &App) -> Result<(), Fault> {
        match app.r#type {
            AppType::Deb => super::packages::apt(&self.port, "remove", &[&app.name], limit(app)).await,
            AppType::Container => container::remove(&self.port, id).await,
            _ => archive::remove(&self.port, id).await,
        }
    }
}

/// The unit that an app runs as; a package of Debian brings its own, which `services` looks after.
fn unit(id: &str, app: &App) -> Option<String> {
    match app.r#type {
        AppType::Container => Some(container::unit(id)),
        AppType::Archive => Some(archive::unit(id)),
        _ => None,
    }
}

/// Starts or stops an app that has a unit of its own; false when there is none of that id.
pub(crate) async fn order<R: Run>(port: &Port<R>, verb: &str, id: &str) -> Result<bool, Fault> {
    for unit in [container::unit(id), archive::unit(id)] {
        if units::look(port, &unit).await?.is_some() {
            units::order(port, verb, &unit).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_version(held: &Value, app: &App) -> bool {
    held.get("version").and_then(Value::as_str) == app.version.as_deref()
}

/// What this device has no way to do, or not yet.
fn check_kind(app: &App) -> Result<(), Refusal> {
    let unsupported = |why: &str| Err(Refusal::Unsupported(why.to_owned()));
    match app.r#type {
        AppType::Deb | AppType::Container | AppType::Archive => {}
        AppType::Flatpak | AppType::Snap => return unsupported("flatpaks and snaps are not supported yet"),
        _ => return unsupported("this kind of package is for Windows"),
    }
    if app.startup == Some(AppStartup::Foreground) {
        return unsupported("programs on the screen are not supported yet; `background` and `none` are");
    }
    if app.signer.is_some() {
        return unsupported("`signer` is for Windows; here the digest says which package is meant");
    }
    if app.r#type != AppType::Deb && !app.dependencies.is_empty() {
        return unsupported("only Debian packages have `dependencies`");
    }
    if app.r#type == AppType::Deb && (app.desired_run_state.is_some() || app.startup.is_some()) {
        return unsupported("a Debian package brings its own service; declare that in `services`");
    }
    Ok(())
}

impl<R: Run> Resource for Apps<R> {
    fn follows(&self, _property: &str, wanted: &Value) -> Vec<String> {
        let after = wanted.get("after").and_then(Value::as_array);
        after.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let app: App = typed(property, wanted)?;
        check_kind(&app)?;
        if app.state.unwrap_or_default() == Presence::Present && app.version.is_none() {
            return Err(Refusal::Invalid("an app is installed at an exact `version`".to_owned()));
        }
        match app.r#type {
            AppType::Deb => deb::check(&self.port, &app),
            AppType::Container => container::check(&self.port, &app),
            _ => archive::check(&app),
        }
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        let kind = wanted.get("type").and_then(Value::as_str).unwrap_or_default();
        let thing = if kind == "deb" { wanted.get("name").and_then(Value::as_str) } else { None };
        format!("{kind} {}", thing.unwrap_or(property)).into()
    }

    async fn read(&self, property: &str, value: &Value) -> Result<Option<Value>, Fault> {
        let app: App = wanted(property, Some(value))?;
        let held = self.installed(property, &app).await?;
        let absent = app.state == Some(Presence::Absent);
        match held {
            None if absent => Ok(Some(value.clone())),
            None => Ok(None),
            Some(held) if absent || !is_version(&held, &app) => Ok(Some(held)),
            Some(_) if self.runs_as_wanted(property, &app).await? => Ok(Some(value.clone())),
            Some(mut held) => {
                held["desiredRunState"] = json!("unknown");
                Ok(Some(held))
            }
        }
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let app: App = wanted(property, value)?;
        match app.state.unwrap_or_default() {
            Presence::Absent => self.remove(property, &app).await,
            Presence::Present => self.install(property, &app).await,
        }
    }

    /// The kind and the version; that is what a package manager can go back to.
    async fn snapshot(&self, property: &str, value: &Value) -> Result<Option<Value>, Fault> {
        let app: App = wanted(property, Some(value))?;
        let absent = json!({"type": app.r#type, "name": app.name, "state": "absent"});
        Ok(Some(self.installed(property, &app).await?.unwrap_or(absent)))
    }
}

#[cfg(test)]
mod tests;
