//! A Linux device.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{
    Fault, Pace, Platform, Refusal, Resource, Style, command::System, device_info::DeviceInfo, files::Files, time::Time,
};
use crate::{component::pnp, twin::Map};

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
            time: Arc::new(LinuxResource::Time(Time::new(root, System))),
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

impl Resource for LinuxResource {
    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        match self {
            Self::DeviceInfo(resource) => resource.place(property, wanted),
            Self::Files(resource) => resource.place(property, wanted),
            Self::Time(resource) => resource.place(property, wanted),
        }
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match self {
            Self::DeviceInfo(resource) => resource.check(property, wanted),
            Self::Files(resource) => resource.check(property, wanted),
            Self::Time(resource) => resource.check(property, wanted),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        match self {
            Self::DeviceInfo(resource) => resource.read(property, wanted).await,
            Self::Files(resource) => resource.read(property, wanted).await,
            Self::Time(resource) => resource.read(property, wanted).await,
        }
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        match self {
            Self::DeviceInfo(resource) => resource.ensure(property, wanted).await,
            Self::Files(resource) => resource.ensure(property, wanted).await,
            Self::Time(resource) => resource.ensure(property, wanted).await,
        }
    }

    async fn facts(&self) -> Map {
        match self {
            Self::DeviceInfo(resource) => resource.facts().await,
            Self::Files(resource) => resource.facts().await,
            Self::Time(resource) => resource.facts().await,
        }
    }
}
