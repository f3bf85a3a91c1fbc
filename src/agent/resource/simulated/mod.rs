//! A device made up: it takes any component, remembers it in its state folder, and is as slow, as faulty and as often
//! out of reach as its profile says. What it makes up about itself follows from its id.

mod device;
pub(crate) mod facts;

use std::{path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::{Fault, Pace, Platform, Refusal, Resource, Style};
use crate::{
    agent::{
        command::{Refused, told},
        link::Outages,
    },
    component::{
        command::{
            Command, Order,
            answer::{Done, Scanned, State},
        },
        pnp,
        time::{Ntp, check_zone},
    },
    twin::Map,
};
use device::Device;
pub(crate) use device::seed;

/// The section of the Windows IoT client.
pub(crate) const WINDOWS: &str = "windows";
/// The method with which someone plays being at the device.
const SET: &str = "simulated*set";
/// What it is likely to be asked for, so that it can say that it knows it.
pub(crate) const COMPONENTS: [&str; 4] = ["deviceInfo", "files", "time", "updates"];

const PACE: Pace = Pace {
    retry: Duration::from_secs(2),
    retry_most: Duration::from_mins(1),
    recheck: Duration::from_secs(30),
    patience: Duration::from_millis(250),
};

/// How a simulated device behaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// How long each change takes, give or take a half.
    pub latency: Duration,
    /// The share of changes that fail, 0 to 1.
    pub failure_rate: f64,
    /// The components that always fail, e.g. `time` or `windows.timeInfo`.
    pub fail: Vec<String>,
    /// When it is out of reach.
    pub outages: Option<Outages>,
}

/// A device made up.
pub(crate) struct Simulated {
    device: Arc<Device>,
}

/// One component of it.
pub(crate) struct SimulatedResource {
    device: Arc<Device>,
    component: String,
}

impl Simulated {
    /// The device of that id, as it was left in its state folder.
    pub(crate) fn new(id: &str, folder: &Path, profile: Profile) -> Self {
        Self { device: Arc::new(Device::open(id, folder, profile)) }
    }
}

/// What [`SET`] takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    component: String,
    #[serde(default)]
    property: String,
    #[serde(default)]
    value: Option<Value>,
}

impl Platform for Simulated {
    type Resource = SimulatedResource;

    fn components(&self) -> &[&'static str] {
        &COMPONENTS
    }

    fn resource(&self, component: &str) -> Option<Arc<SimulatedResource>> {
        Some(Arc::new(SimulatedResource { device: Arc::clone(&self.device), component: component.to_owned() }))
    }

    fn style(&self, component: &str, wanted: &Value) -> Style {
        style(component, wanted)
    }

    fn owns(&self, _component: &str, _reported: &Value) -> bool {
        true
    }

    fn pace(&self) -> Pace {
        PACE
    }

    fn method(&self, name: &str, payload: &Value) -> Option<Result<Value, Refusal>> {
        let set = || {
            let change = Change::deserialize(payload).map_err(|fault| Refusal::Invalid(fault.to_string()))?;
            self.device.set(&change.component, &change.property, change.value.as_ref());
            Ok(Value::Null)
        };
        (name == SET).then(set)
    }

    fn lacks(&self, command: Command) -> Option<String> {
        let files = command.only_reads();
        files.then(|| "a simulated device collects nothing".to_owned())
    }

    async fn carry_out(&self, order: &Order) -> Result<Value, Refused> {
        if let Some(lack) = self.lacks(order.command) {
            return Err(Refused::Unsupported(lack));
        }
        Ok(match order.command {
            Command::UpdatesScan => told(&Scanned { available: 0, packages: Vec::new() }),
            Command::AppsStart | Command::AppsStop => told(&Done { state: State::Done }),
            Command::FactoryReset | Command::Wipe => {
                self.device.forget();
                told(&Done { state: State::Scheduled })
            }
            _ => told(&Done { state: State::Scheduled }),
        })
    }
}

/// How a device made up answers a component.
pub(crate) fn style(component: &str, wanted: &Value) -> Style {
    match wanted {
        _ if pnp::is_component(wanted) => Style::Pnp,
        Value::Object(_) if component == WINDOWS => Style::Dm1,
        _ => Style::Echo,
    }
}

/// Whether one of these names, `component` or `component.property`, speaks of a property.
pub(crate) fn names(list: &[String], component: &str, property: &str) -> bool {
    list.iter().any(|name| {
        name == component
            || name.split_once('.').is_some_and(|(first, second)| first == component && second == property)
    })
}

/// Whether there is such a time zone: a real device looks into its own database, a device made up into this machine's.
fn is_there(zone: &str) -> bool {
    let all = jiff::tz::db();
    all.is_definitively_empty() || all.get(zone).is_ok()
}

/// Whether a value can be meant, as far as a device made up can tell.
pub(crate) fn check(component: &str, property: &str, wanted: &Value) -> Result<(), Refusal> {
    let invalid = |why: String| Err(Refusal::Invalid(why));
    match (component, property) {
        ("deviceInfo", property) if !property.is_empty() => {
            Err(Refusal::Unsupported(format!("`deviceInfo` is read only; `{property}` cannot be set")))
        }
        ("time", "timeZone") => match wanted.as_str() {
            Some(zone) if check_zone(zone).is_ok() && !is_there(zone) => {
                invalid(format!("the zone database of this device has no `{zone}`"))
            }
            Some(zone) => check_zone(zone).or_else(|fault| invalid(fault.to_string())),
            None => invalid("`timeZone` must be a string".to_owned()),
        },
        ("time", "ntp") => match serde_json::from_value::<Ntp>(wanted.clone()) {
            Ok(ntp) => ntp.check().or_else(|fault| invalid(fault.to_string())),
            Err(fault) => invalid(format!("`ntp`: {fault}")),
        },
        (WINDOWS, section) if !wanted.is_object() => invalid(format!("`{section}` must be an object")),
        _ => Ok(()),
    }
}

impl Resource for SimulatedResource {
    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check(&self.component, property, wanted)
    }

    async fn read(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        if self.component == WINDOWS && property == "deviceInfo" {
            return Ok(Some(Value::Object(facts::windows(self.device.id()))));
        }
        Ok(self.device.get(&self.component, property))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        self.device.work(&self.component, property).await?;
        self.device.set(&self.component, property, wanted);
        Ok(())
    }

    async fn facts(&self) -> Map {
        match self.component.as_str() {
            "deviceInfo" => facts::neutral(self.device.id()),
            _ => Map::new(),
        }
    }
}
