//! Units of systemd: what they are, and making them so.

use serde_json::{Value, json};

use super::Fault;
use crate::agent::port::{Call, Port, Run};

use std::time::Duration;

/// How long a unit may take to start or stop.
const LIMIT: Duration = Duration::from_mins(2);

/// A unit as systemd sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// `enabled`, `disabled`, `masked`, `static` and others.
    pub(crate) file: String,
    /// Whether it runs; `None` when nothing runs here.
    pub(crate) running: Option<bool>,
}

/// A unit; `None` when there is none of that name.
pub(crate) async fn look<R: Run>(port: &Port<R>, name: &str) -> Result<Option<Unit>, Fault> {
    if !port.is_live() {
        return look_at_files(port, name).await;
    }
    let asked = ["show", name, "-p", "LoadState", "-p", "UnitFileState", "-p", "ActiveState"];
    let said = port.systemctl(&asked).await?;
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default();
    if value("LoadState") == "not-found" {
        return Ok(None);
    }
    let file = if value("LoadState") == "masked" { "masked" } else { value("UnitFileState") };
    let running = matches!(value("ActiveState"), "active" | "activating" | "reloading");
    Ok(Some(Unit { file: file.to_owned(), running: Some(running) }))
}

async fn look_at_files<R: Run>(port: &Port<R>, name: &str) -> Result<Option<Unit>, Fault> {
    let root = format!("--root={}", port.tree.root().display());
    let asked = [root.as_str(), "is-enabled", name];
    let output = port.call(Call::new("systemctl", &asked)).await?;
    // It ends with 1 for a unit that is not enabled, and says nothing of one that it does not know.
    let file = output.stdout.lines().next().unwrap_or_default().trim().to_owned();
    Ok((!file.is_empty() && file != "not-found").then_some(Unit { file, running: None }))
}

/// Starts, stops or restarts a unit, where something runs.
pub(crate) async fn order<R: Run>(port: &Port<R>, verb: &str, name: &str) -> Result<(), Fault> {
    if !port.is_live() {
        return Ok(());
    }
    let asked = [verb, name];
    port.call(Call::new("systemctl", &asked).within(LIMIT)).await?.good("systemctl").map(drop)
}

/// Has systemd read its units again, where it runs.
pub(crate) async fn reload<R: Run>(port: &Port<R>) -> Result<(), Fault> {
    if port.is_live() { port.systemctl(&["daemon-reload"]).await.map(drop) } else { Ok(()) }
}

impl Unit {
    /// How it starts, in the words of `services`.
    pub(crate) fn startup(&self) -> Value {
        match self.file.as_str() {
            "masked" | "masked-runtime" => json!("disabled"),
            "enabled" | "enabled-runtime" | "alias" => json!("auto"),
            _ => json!("manual"),
        }
    }
}
