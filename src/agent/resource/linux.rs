//! A Linux device.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{Fault, Pace, Platform, Refusal, Resource, Style, device_info::DeviceInfo, files::Files, time::Time};
use crate::{
    agent::port::{Port, System},
    component::pnp,
    twin::Map,
};

const COMPONENTS: [&str; 3] = ["deviceInfo", "files", "time"];

const PACE: Pace = Pace {
    retry: Duration::from_mins(1),
    retry_most: Duration::from_hours(1),
    recheck: Duration::from_mins(5),
    patience: Duration::from_secs(5),
};

/// The resources of a Linux device.
pub(crate) struct Linux {
    device_info: Arc<LinuxResource>,
    files: Arc<LinuxResource>,
    time: Arc<LinuxResource>,
}

/// One of them.
pub(crate) enum LinuxResource {
    DeviceInfo(DeviceInfo),
    Files(Files),
    Time(Time<System>),
}

impl Linux {
    /// The device whose file system begins at `root`, with managed files below `files_root` alone.
    pub(crate) fn new(root: &Path, files_root: &[PathBuf]) -> Self {
        Self {
            device_info: Arc::new(LinuxResource::DeviceInfo(DeviceInfo::new(root))),
            files: Arc::new(LinuxResource::Files(Files::new(root, files_root))),
            time: Arc::new(LinuxResource::Time(Time::new(Port::new(root, System)))),
        }
    }
}

impl Platform for Linux {
    type Resource = LinuxResource;

    fn components(&self) -> &[&'static str] {
        &COMPONENTS
    }

    fn resource(&self, component: &str) -> Option<Arc<LinuxResource>> {
        let found = match component {
            "deviceInfo" => &self.device_info,
            "files" => &self.files,
            "time" => &self.time,
            _ => return None,
        };
        Some(Arc::clone(found))
    }

    fn style(&self, component: &str, wanted: &Value) -> Style {
        let ours = pnp::is_component(wanted) || (COMPONENTS.contains(&component) && wanted.is_object());
        if ours { Style::Pnp } else { Style::Foreign }
    }

    fn owns(&self, component: &str, reported: &Value) -> bool {
        pnp::is_component(reported) || COMPONENTS.contains(&component)
    }

    fn pace(&self) -> Pace {
        PACE
    }
}

/// The same work for whichever resource it is.
macro_rules! each {
    ($own:ident, $resource:ident => $work:expr) => {
        match $own {
            Self::DeviceInfo($resource) => $work,
            Self::Files($resource) => $work,
            Self::Time($resource) => $work,
        }
    };
}

impl Resource for LinuxResource {
    fn depends_on(&self) -> &[&'static str] {
        each!(self, resource => resource.depends_on())
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
