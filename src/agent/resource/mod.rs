//! What the agent can look after: the contract of a resource, and of the platform that has them.
//!
//! A resource reads one property afresh, and makes it what is wanted. It neither compares nor remembers: what is to
//! be done, in which order, and what is said about it, is the reconciler's.

pub(crate) mod apps;
pub(crate) mod certificates;
pub(crate) mod device_info;
pub(crate) mod diagnostics;
pub(crate) mod dsc;
pub(crate) mod files;
pub(crate) mod linux;
pub(crate) mod packages;
pub(crate) mod reboot;
pub(crate) mod services;
pub(crate) mod simulated;
pub(crate) mod telemetry;
pub(crate) mod time;
pub(crate) mod units;
pub(crate) mod updates;
pub(crate) mod wifi;

use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};

use serde_json::Value;

use super::command::Refused;
pub(crate) use super::port::Fault;
use crate::{
    component::{
        command::{Command, Order},
        pnp::code,
    },
    twin::Map,
};

/// A wanted value that the device will not try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It cannot be meant.
    #[error("{0}")]
    Invalid(String),
    /// It could be meant, but not on this device.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody here knows the property.
    #[error("{0}")]
    Unsupported(String),
}

impl Refusal {
    /// The code of its answer.
    pub(crate) const fn code(&self) -> u16 {
        match self {
            Self::Invalid(_) => code::INVALID,
            Self::Forbidden(_) => code::FORBIDDEN,
            Self::Unsupported(_) => code::UNSUPPORTED,
        }
    }
}

/// A wanted value as the type of its component.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(property: &str, wanted: &Value) -> Result<T, Refusal> {
    T::deserialize(wanted).map_err(|fault| Refusal::Invalid(format!("`{property}`: {fault}")))
}

/// The same where it was checked before.
pub(crate) fn wanted<T: serde::de::DeserializeOwned>(property: &str, value: Option<&Value>) -> Result<T, Fault> {
    let value = value.ok_or_else(|| Fault::new(format!("`{property}` cannot be taken away")))?;
    typed(property, value).map_err(|refusal| Fault::new(refusal.to_string()))
}

/// What a resource keeps for putting back, as it lies in the ledger.
pub(crate) fn kept(value: &impl serde::Serialize) -> Result<Option<Value>, Fault> {
    serde_json::to_value(value).map(Some).map_err(|cause| Fault::because("keeping what is there", &cause))
}

/// The same read back.
pub(crate) fn unkept<T: serde::de::DeserializeOwned>(value: Option<&Value>) -> Result<T, Fault> {
    let value = value.ok_or_else(|| Fault::new("nothing was kept to be put back"))?;
    T::deserialize(value).map_err(|cause| Fault::because("reading what was kept", &cause))
}

/// Whether an id may name files and units of the device.
pub(crate) fn check_id(id: &str) -> Result<(), Refusal> {
    crate::component::files::check_id(id)
        .map_err(|_| Refusal::Invalid(format!("`{id}` is not an id; use 1 to 64 letters, digits, `_` and `-`")))
}

/// One component of the device.
pub(crate) trait Resource: Send + Sync + 'static {
    /// The components that must have been applied before.
    fn depends_on(&self) -> &[&'static str] {
        &[]
    }

    /// The properties of the same component that must have been applied before this one.
    fn follows(&self, _property: &str, _wanted: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Why this device cannot have the component at all; `None` when it can. Changes nothing.
    fn lack(&self) -> Option<String> {
        None
    }

    /// Whether making a property what is wanted, or putting it back, may cut the device off from its hub.
    fn may_cut_off(&self, _property: &str, _wanted: Option<&Value>) -> bool {
        false
    }

    /// The version of the component's model, `major.minor.patch`.
    fn version(&self) -> &'static str {
        "1.0.0"
    }

    /// The thing on the device that a property speaks of. While it stays, so does what it was before.
    fn place<'a>(&self, property: &'a str, _wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(property)
    }

    /// Whether a value can be meant, without looking at the device.
    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal>;

    /// The property as it is now; `None` when it is not there. No side effects.
    fn read(&self, property: &str, wanted: &Value) -> impl Future<Output = Result<Option<Value>, Fault>> + Send;

    /// Makes the property what is wanted; `None` takes it away. Idempotent.
    fn ensure(&self, property: &str, wanted: Option<&Value>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What [`Self::restore`] needs to bring the property back to what it is now; `None` when it is not there. Where
    /// putting back may cut off, a `wanted` of null is understood too.
    fn snapshot(&self, property: &str, wanted: &Value) -> impl Future<Output = Result<Option<Value>, Fault>> + Send {
        self.read(property, wanted)
    }

    /// Brings the property back to what it was at the time of a snapshot. `place` is the thing that it spoke of.
    fn restore(
        &self,
        property: &str,
        _place: &str,
        before: Option<&Value>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        self.ensure(property, before)
    }

    /// What the component tells without being asked. Leaves out what it cannot find out.
    fn facts(&self) -> impl Future<Output = Map> + Send {
        std::future::ready(Map::new())
    }
}

/// How a section of the twin is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As a component of Plug and Play.
    Pnp,
    /// As the `windows` section of the Windows IoT client of the first generation.
    Dm1,
    /// By the bare value.
    Echo,
    /// Not at all: it is not for this agent.
    Foreign,
}

/// How often the agent looks and tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The first wait after a failure; doubles up to `retry_most`.
    pub(crate) retry: Duration,
    pub(crate) retry_most: Duration,
    /// Between two looks at a device where nothing happens.
    pub(crate) recheck: Duration,
    /// How long work may take before the hub is told that it is in progress.
    pub(crate) patience: Duration,
}

/// The device: which resources it has and how it speaks.
pub(crate) trait Platform: Send + Sync + 'static {
    /// Its kind of resources.
    type Resource: Resource;

    /// The components that are there whether or not they are wanted.
    fn components(&self) -> &[&'static str];

    /// The components that this device's own configuration adds to those.
    fn added(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The resource behind a component.
    fn resource(&self, component: &str) -> Option<Arc<Self::Resource>>;

    /// How a wanted component is answered.
    fn style(&self, component: &str, wanted: &Value) -> Style;

    /// Whether a reported section is this agent's to change and remove.
    fn owns(&self, component: &str, reported: &Value) -> bool;

    /// How often to look and try.
    fn pace(&self) -> Pace;

    /// Carries out a direct method of this platform's own; `None` when it has none of that name.
    fn method(&self, _name: &str, _payload: &Value) -> Option<Result<Value, Refusal>> {
        None
    }

    /// Why this device cannot carry out a command; `None` when it can.
    fn lacks(&self, command: Command) -> Option<String> {
        let by_the_agent = matches!(command, Command::Report | Command::ClearReported);
        (!by_the_agent).then(|| format!("this kind of device has no way to do `{}`", command.name()))
    }

    /// Carries out a command that was allowed and noted.
    fn carry_out(&self, order: &Order) -> impl Future<Output = Result<Value, Refused>> + Send {
        let lack = self.lacks(order.command).unwrap_or_default();
        std::future::ready(Err(Refused::Unsupported(lack)))
    }
}
