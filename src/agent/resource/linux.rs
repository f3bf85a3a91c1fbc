//! A Linux device.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{
    Fault, Pace, Platform, Refusal, Resource, Style,
    apps::Apps,
    certificates::Certificates,
    device_info::DeviceInfo,
    diagnostics::Collectors,
    dsc::{self, Dsc, DscFolders},
    files::Files,
    packages::Packages,
    reboot::Reboot,
    services::Services,
    telemetry::Telemetry,
    time::Time,
    updates::Updates,
    wifi::Wifi,
};
use crate::{
    agent::{
        command::{Allow, Refused, linux::Acts},
        diagnostics::Diagnostics,
        port::{Artifacts, Port, System, Way},
    },
    component::{
        command::{Command, Order},
        pnp,
    },
    twin::Map,
};

pub(crate) const COMPONENTS: [&str; 12] = [
    "apps",
    "certificates",
    "deviceInfo",
    "diagnostics",
    "files",
    "packages",
    "reboot",
    "services",
    "telemetry",
    "time",
    "updates",
    "wifi",
];

const PACE: Pace = Pace {
    retry: Duration::from_mins(1),
    retry_most: Duration::from_hours(1),
    recheck: Duration::from_mins(5),
    patience: Duration::from_secs(5),
};

/// The resources of a Linux device.
pub(crate) struct Linux {
    resources: BTreeMap<Cow<'static, str>, Arc<LinuxResource>>,
    acts: Acts<System>,
}

/// One of them.
pub(crate) enum LinuxResource {
    Apps(Apps<System>),
    Certificates(Certificates<System>),
    DeviceInfo(DeviceInfo),
    Diagnostics(Collectors<System>),
    Dsc(Box<Dsc<System>>),
    Files(Files),
    Packages(Packages<System>),
    Reboot(Reboot<System>),
    Services(Services<System>),
    Telemetry(Telemetry<System>),
    Time(Time<System>),
    Updates(Updates<System>),
    Wifi(Wifi<System>),
}

/// What the device's own configuration lets the twin touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The folders below which files may be managed; none means no managed files.
    pub files: Vec<PathBuf>,
    /// The services that may be changed; `*` means all but those that carry the agent, none means no service.
    pub services: Vec<String>,
    /// Programs of others that are components as well.
    pub dsc: DscFolders,
    /// The folders below which files of logs may be collected; none means no such files.
    pub logs: Vec<PathBuf>,
    /// The methods that may be called.
    pub methods: Allow,
    /// A file with the argument vector of the program that brings the device back to how it was delivered.
    pub factory_reset: Option<PathBuf>,
    /// The same of the program that destroys the device's data.
    pub wipe: Option<PathBuf>,
}

impl Linux {
    /// The device whose file system begins at `root`. What it fetches goes through `artifacts`; what it collects lies in
    /// the state folder, and is handed over by `way`.
    pub(crate) fn new(root: &Path, allowed: &Allowed, artifacts: Artifacts, (state, way): (&Path, Way)) -> Self {
        let port = || Port::new(root, System);
        let diagnostics = Diagnostics::new(port(), &state.join("diagnostics"), &allowed.logs, way);
        let collectors = Collectors::new(port(), diagnostics.clone(), &state.join("collectors"));
        let resources = [
            LinuxResource::Apps(Apps::new(port(), artifacts.clone())),
            LinuxResource::Certificates(Certificates::new(port(), artifacts)),
            LinuxResource::DeviceInfo(DeviceInfo::new(root)),
            LinuxResource::Diagnostics(collectors),
            LinuxResource::Files(Files::new(root, &allowed.files)),
            LinuxResource::Packages(Packages::new(port())),
            LinuxResource::Reboot(Reboot::new(port())),
            LinuxResource::Services(Services::new(port(), &allowed.services)),
            LinuxResource::Telemetry(Telemetry::new(port())),
            LinuxResource::Time(Time::new(port())),
            LinuxResource::Updates(Updates::new(port())),
            LinuxResource::Wifi(Wifi::new(port())),
        ];
        let acts = Acts::new(port(), allowed, diagnostics);
        let own = COMPONENTS.into_iter().map(Cow::Borrowed).zip(resources);
        let found = dsc::find(&allowed.dsc, &COMPONENTS).into_iter();
        let others =
            found.map(|(name, found)| (Cow::Owned(name), LinuxResource::Dsc(Box::new(Dsc::new(port(), found)))));
        Self { acts, resources: own.chain(others).map(|(name, resource)| (name, Arc::new(resource))).collect() }
    }
}

impl Platform for Linux {
    type Resource = LinuxResource;

    fn components(&self) -> &[&'static str] {
        &COMPONENTS
    }

    fn added(&self) -> Vec<&str> {
        let others = self.resources.keys().map(AsRef::as_ref);
        others.filter(|name: &&str| !COMPONENTS.contains(name)).collect()
    }

    fn resource(&self, component: &str) -> Option<Arc<LinuxResource>> {
        self.resources.get(component).cloned()
    }

    fn style(&self, component: &str, wanted: &Value) -> Style {
        let ours = pnp::is_component(wanted) || (self.resources.contains_key(component) && wanted.is_object());
        if ours { Style::Pnp } else { Style::Foreign }
    }

    fn owns(&self, component: &str, reported: &Value) -> bool {
        pnp::is_component(reported) || self.resources.contains_key(component)
    }

    fn pace(&self) -> Pace {
        PACE
    }

    fn lacks(&self, command: Command) -> Option<String> {
        self.acts.lack(command)
    }

    async fn carry_out(&self, order: &Order) -> Result<Value, Refused> {
        self.acts.carry_out(order).await
    }
}

/// The same work for whichever resource it is.
macro_rules! each {
    ($own:ident, $resource:ident => $work:expr) => {
        match $own {
            Self::Apps($resource) => $work,
            Self::Certificates($resource) => $work,
            Self::DeviceInfo($resource) => $work,
            Self::Dsc($resource) => $work,
            Self::Diagnostics($resource) => $work,
            Self::Files($resource) => $work,
            Self::Packages($resource) => $work,
            Self::Reboot($resource) => $work,
            Self::Services($resource) => $work,
            Self::Telemetry($resource) => $work,
            Self::Time($resource) => $work,
            Self::Updates($resource) => $work,
            Self::Wifi($resource) => $work,
        }
    };
}

impl Resource for LinuxResource {
    fn depends_on(&self) -> &[&'static str] {
        each!(self, resource => resource.depends_on())
    }

    fn follows(&self, property: &str, wanted: &Value) -> Vec<String> {
        each!(self, resource => resource.follows(property, wanted))
    }

    fn lack(&self) -> Option<String> {
        each!(self, resource => resource.lack())
    }

    fn may_cut_off(&self, property: &str, wanted: Option<&Value>) -> bool {
        each!(self, resource => resource.may_cut_off(property, wanted))
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        each!(self, resource => resource.place(property, wanted))
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        each!(self, resource => resource.check(property, wanted))
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        each!(self, resource => resource.read(property, wanted).await)
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        each!(self, resource => resource.ensure(property, wanted).await)
    }

    async fn snapshot(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        each!(self, resource => resource.snapshot(property, wanted).await)
    }

    async fn restore(&self, property: &str, place: &str, before: Option<&Value>) -> Result<(), Fault> {
        each!(self, resource => resource.restore(property, place, before).await)
    }

    async fn facts(&self) -> Map {
        each!(self, resource => resource.facts().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_is_behind_its_own_name() {
        let nowhere = Path::new("/nowhere");
        let device = Linux::new(nowhere, &Allowed::default(), Artifacts::new(nowhere, None), (nowhere, Way::default()));
        let shown = |name: &str| match &*device.resource(name).unwrap() {
            LinuxResource::Apps(_) => "apps",
            LinuxResource::Certificates(_) => "certificates",
            LinuxResource::DeviceInfo(_) => "deviceInfo",
            LinuxResource::Dsc(_) => "one of others",
            LinuxResource::Diagnostics(_) => "diagnostics",
            LinuxResource::Files(_) => "files",
            LinuxResource::Packages(_) => "packages",
            LinuxResource::Reboot(_) => "reboot",
            LinuxResource::Services(_) => "services",
            LinuxResource::Telemetry(_) => "telemetry",
            LinuxResource::Time(_) => "time",
            LinuxResource::Updates(_) => "updates",
            LinuxResource::Wifi(_) => "wifi",
        };
        assert_eq!(COMPONENTS.map(shown), COMPONENTS);
    }
}
