//! `telemetry` on Linux: switches off what tells the system's maker anything. Most systems have nothing of the kind.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, Refusal, Resource, kept, typed, units, unkept};
use crate::{
    agent::port::{Kept, Port, Run},
    component::telemetry::TelemetryLevel,
};

const POPULARITY: &str = "etc/popularity-contest.conf";
/// Services that report crashes.
const UNITS: [&str; 2] = ["apport.service", "whoopsie.service"];

/// What is told of the device.
#[derive(Debug)]
pub(crate) struct Telemetry<R> {
    port: Port<R>,
}

#[derive(Serialize, Deserialize)]
struct Before {
    popularity: Kept,
    /// The services that were not masked.
    open: Vec<String>,
}

impl<R: Run> Telemetry<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }

    fn units(&self) -> impl Iterator<Item = &'static str> {
        let is_there = |name: &&str| {
            ["usr/lib", "lib"].iter().any(|folder| self.port.tree.is_file(&format!("{folder}/systemd/system/{name}")))
        };
        UNITS.into_iter().filter(is_there)
    }

    /// The services that are not masked.
    async fn open(&self) -> Result<Vec<String>, Fault> {
        let mut open = Vec::new();
        for name in self.units() {
            let held = units::look(&self.port, name).await?;
            if held.is_some_and(|unit| unit.startup() != "disabled") {
                open.push(name.to_owned());
            }
        }
        Ok(open)
    }

    fn takes_part(&self) -> Result<bool, Fault> {
        let text = self.port.tree.text(POPULARITY)?.unwrap_or_default();
        Ok(text.lines().rev().any(|line| line.trim().eq_ignore_ascii_case("PARTICIPATE=\"yes\"")))
    }
}

impl<R: Run> Resource for Telemetry<R> {
    fn lack(&self) -> Option<String> {
        let any = self.port.tree.is_file(POPULARITY) || self.units().next().is_some();
        (!any).then(|| "nothing on this device tells its maker anything".to_owned())
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match property {
            "level" if typed::<TelemetryLevel>(property, wanted)? == TelemetryLevel::Disabled => Ok(()),
            "level" => Err(Refusal::Unsupported("Linux has no such levels; `disabled` is all there is".to_owned())),
            other => Err(Refusal::Unsupported(format!("`telemetry` has no property `{other}`"))),
        }
    }

    async fn read(&self, _property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        let disabled = !self.takes_part()? && self.open().await?.is_empty();
        Ok(disabled.then(|| json!("disabled")))
    }

    async fn ensure(&self, _property: &str, _wanted: Option<&Value>) -> Result<(), Fault> {
        if let Some(text) = self.port.tree.text(POPULARITY)?.filter(|text| text.contains("PARTICIPATE")) {
            let quiet = |line: &str| {
                let line = if line.trim_start().starts_with("PARTICIPATE=") { "PARTICIPATE=\"no\"" } else { line };
                format!("{line}\n")
            };
            self.port.tree.write_text(POPULARITY, &text.lines().map(quiet).collect::<Vec<_>>().concat())?;
        }
        for name in self.open().await? {
            units::order(&self.port, "stop", &name).await?;
            self.port.systemctl(&["mask", &name]).await?;
        }
        Ok(())
    }

    async fn snapshot(&self, _property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        kept(&Before { popularity: self.port.tree.keep(POPULARITY)?, open: self.open().await? })
    }

    async fn restore(&self, _property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let before: Before = unkept(before)?;
        self.port.tree.put_back(POPULARITY, &before.popularity)?;
        for name in before.open {
            self.port.systemctl(&["unmask", &name]).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::port::recorded::Recorded;

    #[tokio::test]
    async fn what_there_is_falls_silent_and_speaks_again() {
        let root = tempfile::tempdir().unwrap();
        let telemetry = Telemetry::new(Port::new(root.path(), Recorded::default()));
        let (wanted, tree) = (json!("disabled"), &telemetry.port.tree);
        assert!(telemetry.lack().is_some());
        tree.write_text(POPULARITY, "MY_HOSTID=\"1\"\nPARTICIPATE=\"yes\"\n").unwrap();
        tree.write_text("usr/lib/systemd/system/whoopsie.service", "").unwrap();
        assert_eq!(telemetry.lack(), None);
        let asked = format!("systemctl --root={} is-enabled", root.path().display());
        telemetry.port.programs().answer(&asked, "enabled\n");
        assert_eq!(telemetry.read("level", &wanted).await, Ok(None));
        let before = telemetry.snapshot("level", &wanted).await.unwrap();
        telemetry.ensure("level", Some(&wanted)).await.unwrap();
        telemetry.port.programs().end(&asked, 1, "masked\n");
        assert_eq!(telemetry.read("level", &wanted).await, Ok(Some(wanted)));
        assert_eq!(tree.text(POPULARITY).unwrap().unwrap(), "MY_HOSTID=\"1\"\nPARTICIPATE=\"no\"\n");
        telemetry.restore("level", "level", before.as_ref()).await.unwrap();
        assert!(telemetry.takes_part().unwrap());
        let verbs: Vec<String> = telemetry.port.programs().ran();
        assert!(verbs.iter().any(|line| line.ends_with(" mask whoopsie.service")), "{verbs:?}");
        assert!(verbs.last().unwrap().ends_with(" unmask whoopsie.service"));
    }

    #[test]
    fn levels_that_there_are_not_are_said_to_be_none() {
        let root = tempfile::tempdir().unwrap();
        let telemetry = Telemetry::new(Port::new(root.path(), Recorded::default()));
        assert!(matches!(telemetry.check("level", &json!("required")), Err(Refusal::Unsupported(_))));
        assert!(matches!(telemetry.check("level", &json!("loud")), Err(Refusal::Invalid(_))));
        assert_eq!(telemetry.check("level", &json!("disabled")), Ok(()));
    }
}
