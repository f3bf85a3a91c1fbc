//! `services` on Linux: units of systemd that the device lets be changed.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Fault, Refusal, Resource, check_id, typed, units, wanted};
use crate::{
    agent::port::{Port, Run},
    component::services::{Service, ServiceStartup, ServiceState},
};

/// What would end the agent, or the device's own care for itself.
const OURS: [&str; 3] = ["twinops-agent.service", "dbus.service", "systemd-journald.service"];

/// The services.
#[derive(Debug)]
pub(crate) struct Services<R> {
    port: Port<R>,
    /// The units that may be changed; `*` means all but those that carry the agent.
    allowed: Vec<String>,
}

/// The name of a unit, with its kind.
fn unit(name: &str) -> Cow<'_, str> {
    let kinds = [".service", ".timer", ".socket", ".path", ".target"];
    if kinds.iter().any(|kind| name.ends_with(kind)) { name.into() } else { format!("{name}.service").into() }
}

impl<R: Run> Services<R> {
    pub(crate) fn new(port: Port<R>, allowed: &[String]) -> Self {
        Self { port, allowed: allowed.to_vec() }
    }

    fn may(&self, name: &str) -> bool {
        let listed = self.allowed.iter().any(|allowed| allowed == "*" || unit(allowed) == unit(name));
        listed && !OURS.contains(&unit(name).as_ref())
    }

    async fn set_startup(&self, name: &str, held: &Value, startup: ServiceStartup) -> Result<(), Fault> {
        let systemctl = async |arguments: &[&str]| self.port.systemctl(arguments).await.map(drop);
        if *held == "disabled" && startup != ServiceStartup::Disabled {
            systemctl(&["unmask", name]).await?;
        }
        match startup {
            ServiceStartup::Auto | ServiceStartup::DelayedAuto => systemctl(&["enable", name]).await,
            ServiceStartup::Manual => systemctl(&["disable", name]).await,
            ServiceStartup::Disabled => {
                units::order(&self.port, "stop", name).await?;
                systemctl(&["mask", name]).await
            }
        }
    }
}

impl<R: Run> Resource for Services<R> {
    fn lack(&self) -> Option<String> {
        (!self.port.has("systemctl")).then(|| "this device has no systemd".to_owned())
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        wanted.get("name").and_then(Value::as_str).map_or(property.into(), unit)
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property)?;
        let service: Service = typed(property, wanted)?;
        let formed = |c: char| c.is_ascii_alphanumeric() || ":_.\\@-".contains(c);
        if service.name.is_empty() || service.name.starts_with('-') || !service.name.chars().all(formed) {
            return Err(Refusal::Invalid(format!("`{}` is not the name of a service", service.name)));
        }
        if !self.may(&service.name) {
            return Err(Refusal::Forbidden(format!("this device does not let `{}` be changed", service.name)));
        }
        if service.startup == Some(ServiceStartup::Disabled) && service.state == Some(ServiceState::Running) {
            return Err(Refusal::Invalid("a service that is disabled cannot run".to_owned()));
        }
        match service.state {
            Some(_) if !self.port.is_live() => {
                Err(Refusal::Unsupported("services run only where systemd does; `state` has no effect here".to_owned()))
            }
            _ => Ok(()),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let Some(held) = units::look(&self.port, &self.place(property, wanted)).await? else { return Ok(None) };
        let mut startup = held.startup();
        // There is one way to start by itself here.
        if startup == "auto" && wanted.get("startup").is_some_and(|wanted| wanted == "delayedAuto") {
            startup = json!("delayedAuto");
        }
        let mut found = json!({"name": wanted.get("name"), "startup": startup});
        if let Some(running) = held.running {
            found["state"] = if running { json!("running") } else { json!("stopped") };
        }
        Ok(Some(found))
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let service: Service = wanted(property, value)?;
        let name = unit(&service.name);
        let Some(held) = units::look(&self.port, &name).await? else {
            return Err(Fault::new(format!("there is no unit `{name}` on this device")));
        };
        if let Some(startup) = service.startup {
            self.set_startup(&name, &held.startup(), startup).await?;
        }
        match service.state {
            Some(ServiceState::Running) => units::order(&self.port, "start", &name).await,
            Some(ServiceState::Stopped) => units::order(&self.port, "stop", &name).await,
            None => Ok(()),
        }
    }

    /// A unit that was not there cannot be put back, and is not missed.
    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        if before.is_none() {
            return Ok(());
        }
        self.ensure(property, before).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::port::recorded::Recorded;

    fn device(allowed: &[&str]) -> (tempfile::TempDir, Services<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        port.tree.write_text("usr/bin/systemctl", "").unwrap();
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        (root, Services::new(port.living(), &allowed))
    }

    fn show(services: &Services<Recorded>, file: &str, active: &str) {
        let said = format!("LoadState=loaded\nUnitFileState={file}\nActiveState={active}\n");
        let root = format!("systemctl --root={} show", services.port.tree.root().display());
        services.port.programs().answer(&root, &said);
    }

    #[tokio::test]
    async fn a_service_is_read_started_and_enabled() {
        let (_root, services) = device(&["cron"]);
        show(&services, "disabled", "inactive");
        let wanted = json!({"name": "cron", "startup": "delayedAuto", "state": "running"});
        let found = services.read("c", &wanted).await.unwrap().unwrap();
        assert_eq!(found, json!({"name": "cron", "startup": "manual", "state": "stopped"}));
        services.ensure("c", Some(&wanted)).await.unwrap();
        let ran = services.port.programs().changed();
        assert!(ran[0].ends_with(" enable cron.service") && ran[1] == "systemctl start cron.service", "{ran:?}");
        show(&services, "enabled", "active");
        assert_eq!(services.read("c", &wanted).await.unwrap(), Some(wanted));
    }

    #[tokio::test]
    async fn a_service_is_masked_and_put_back() {
        let (_root, services) = device(&["*"]);
        show(&services, "enabled", "active");
        let wanted = json!({"name": "cron.service", "startup": "disabled"});
        let before = services.snapshot("c", &wanted).await.unwrap();
        services.ensure("c", Some(&wanted)).await.unwrap();
        let ran = services.port.programs().changed();
        assert!(ran[0] == "systemctl stop cron.service" && ran[1].ends_with(" mask cron.service"), "{ran:?}");
        show(&services, "masked", "inactive");
        services.restore("c", "cron.service", before.as_ref()).await.unwrap();
        let ran: Vec<String> = services.port.programs().changed();
        let verbs: Vec<&str> = ran.iter().filter_map(|line| line.rsplit(' ').nth(1)).collect();
        assert_eq!(verbs, ["unmask", "enable", "start"]);
    }

    #[tokio::test]
    async fn what_the_device_does_not_allow_is_refused() {
        let (_root, services) = device(&["*"]);
        for name in ["twinops-agent", "dbus"] {
            let refused = services.check("a", &json!({"name": name, "startup": "disabled"}));
            assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{name}");
        }
        for wanted in [
            json!({"name": "-x"}),
            json!({"name": "a b"}),
            json!({"name": "a", "startup": "sometimes"}),
            json!({"name": "a", "startup": "disabled", "state": "running"}),
        ] {
            assert!(matches!(services.check("a", &wanted), Err(Refusal::Invalid(_))), "{wanted}");
        }
        let (_root, closed) = device(&[]);
        assert!(matches!(closed.check("a", &json!({"name": "cron"})), Err(Refusal::Forbidden(_))));
        let root = format!("systemctl --root={} show", services.port.tree.root().display());
        services.port.programs().answer(&root, "LoadState=not-found\n");
        let fault = services.ensure("a", Some(&json!({"name": "none", "state": "running"}))).await.unwrap_err();
        assert_eq!(fault.to_string(), "there is no unit `none.service` on this device");
    }

    /// `systemctl` knows the units of an image without a systemd that runs.
    #[tokio::test]
    async fn units_of_an_image_are_enabled_for_real() {
        use crate::agent::port::System;
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), System);
        if !Port::new("/".as_ref(), System).has("systemctl") {
            assert!(std::env::var_os("CI").is_none(), "systemctl is needed");
            return eprintln!("NOT RUN: systemctl is not installed");
        }
        let text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
        port.tree.write_text("usr/lib/systemd/system/x.service", text).unwrap();
        port.tree.write_text("etc/systemd/system/.keep", "").unwrap();
        let services = Services::new(port, &["*".to_owned()]);
        for startup in ["auto", "disabled", "manual", "auto"] {
            let wanted = json!({"name": "x", "startup": startup});
            services.ensure("x", Some(&wanted)).await.unwrap();
            assert_eq!(services.read("x", &wanted).await.unwrap(), Some(wanted));
        }
        let state = json!({"name": "x", "state": "running"});
        assert!(matches!(services.check("x", &state), Err(Refusal::Unsupported(_))));
    }
}
