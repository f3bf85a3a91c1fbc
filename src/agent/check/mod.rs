//! Why the agent cannot connect, or cannot apply: every step on its way, tried once. A step that needs another which
//! failed is skipped, so that what failed first is what has to be seen to.
//!
//! * `reach` has the way to the hub: names, ports, trust, clock.
//! * `certificate` reads of a certificate what a person wants to know of it.
//! * `device` has what is needed on the device itself.

mod certificate;
mod device;
mod reach;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use super::{
    Identity,
    link::{self, Settings},
    net::chain,
    options::{Given, OptionsError},
};
use crate::iothub::DeviceConnection;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is well.
    Ok,
    /// The agent works, but not in all that it could do.
    Warning,
    /// The agent cannot work.
    Failed,
    /// It needs a step that failed.
    Skipped,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All steps, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Report {
    /// Whether the agent can work.
    pub fn is_well(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::Failed)
    }

    /// As JSON, on one line.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    fn add(&mut self, name: &'static str, outcome: Outcome, found: impl Into<String>, remedy: Option<&str>) {
        self.steps.push(Step { name, outcome, found: found.into(), remedy: remedy.map(str::to_owned) });
    }

    fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.add(name, Outcome::Ok, found, None);
    }

    fn warn(&mut self, name: &'static str, found: impl Into<String>, remedy: &str) {
        self.add(name, Outcome::Warning, found, Some(remedy));
    }

    fn fail(&mut self, name: &'static str, found: impl Into<String>, remedy: &str) {
        self.add(name, Outcome::Failed, found, Some(remedy));
    }

    fn skip(&mut self, name: &'static str, why: &str) {
        self.add(name, Outcome::Skipped, why, None);
    }
}

/// For people: a line for each step, and the remedy below it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            let sign = match step.outcome {
                Outcome::Ok => "ok",
                Outcome::Warning => "warning",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            writeln!(f, "{sign:<8} {:<14} {}", step.name, step.found)?;
            if let Some(remedy) = &step.remedy {
                writeln!(f, "{:<24}{remedy}", "")?;
            }
        }
        f.write_str("\n")?;
        f.write_str(if self.is_well() { "the agent can work\n" } else { "the agent cannot work yet\n" })
    }
}

/// Goes through all steps. An agent of the same device that runs loses its connection for a moment.
pub async fn check(given: Given, variable: impl Fn(&str) -> Option<String>) -> Report {
    let mut report = Report::default();
    let secret = given.connection_file.clone();
    let config = match given.into_config(variable) {
        Ok(config) => config,
        Err(fault) => {
            let remedy = match fault {
                OptionsError::Secret(_) => "give the file to the user of the agent alone",
                _ => "say who the device is as in `--help`",
            };
            report.fail("configuration", chain(&fault), remedy);
            return report;
        }
    };
    device::secrets(secret.as_deref(), &mut report);
    device::permissions(&config, &mut report);
    device::tools(&config, &mut report);
    let Some(connection) = whom(&config, &mut report).await else {
        report.skip("hub", "it is not known to which hub the device belongs");
        return report;
    };
    let settings = config.settings(&connection);
    if let Err(fault) = link::check_credential(&settings) {
        report.fail("identity", chain(&fault), "give the agent one way to prove itself");
        return report;
    }
    reach::hub(&settings, &mut report).await;
    report
}

/// Who the device is, and where it belongs.
async fn whom(config: &super::Config, report: &mut Report) -> Option<DeviceConnection> {
    let registrar = match &config.identity {
        Identity::Known(connection) => {
            report.ok("configuration", format!("{connection}"));
            return Some(connection.clone());
        }
        Identity::Provisioned(_) => config.registrar()?,
    };
    if let Some(known) = registrar.remembered() {
        report.ok("provisioning", format!("{known}, as remembered"));
        return Some(known);
    }
    match registrar.register().await {
        Ok(connection) => {
            report.ok("provisioning", format!("{connection}"));
            Some(connection)
        }
        Err(fault) => {
            let remedy = "check --id-scope, --registration-id and the enrolment; behind a proxy give --proxy";
            report.fail("provisioning", chain(&fault), remedy);
            None
        }
    }
}

/// Connects once, by one way, and says goodbye.
async fn identity(settings: &Settings, websocket: bool, report: &mut Report) {
    let way = if websocket { "over WebSocket" } else { "over MQTT" };
    match link::probe(settings, websocket).await {
        Ok(()) => report.ok("identity", format!("the hub takes {} {way}", settings.connection)),
        Err(fault) => report.fail(
            "identity",
            format!("{way}: {}", chain(&fault)),
            "see that the hub has the device, enabled, with this key or certificate, and that the clock is right",
        ),
    }
}
