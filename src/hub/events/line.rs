//! One line: system properties, application properties, body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{hub::ports::LinkId, twin::Map};

/// Where a line is from (`iothub-message-source`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Telemetry,
    TwinChange,
    Lifecycle,
    Connection,
}

impl Source {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry",
            Self::TwinChange => "twinChangeEvents",
            Self::Lifecycle => "deviceLifecycleEvents",
            Self::Connection => "deviceConnectionStateEvents",
        }
    }

    /// What consumers are told of the body.
    pub(super) const fn schema(self) -> &'static str {
        match self {
            Self::Telemetry => "telemetry",
            Self::TwinChange => "twinChangeNotification",
            Self::Lifecycle => "deviceLifecycleNotification",
            Self::Connection => "deviceConnectionStateNotification",
        }
    }
}

/// A line that is being put together.
#[derive(Debug)]
pub(super) struct Line {
    system: Map,
    properties: Map,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Form<'a> {
    system_properties: &'a Map,
    properties: &'a Map,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    /// In the place of `body` for what is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Line {
    /// Of this origin, taken at this time.
    pub(super) fn new(source: Source, link: &LinkId, time: &str) -> Self {
        let mut new = Self { system: Map::new(), properties: Map::new() };
        new.system("iothub-connection-device-id", link.device.as_str());
        if let Some(module) = &link.module {
            new.system("iothub-connection-module-id", &**module);
        }
        new.system("iothub-message-source", source.name());
        new.system("iothub-enqueuedtime", time);
        new
    }

    /// Adds a system property; the first one of a name stays.
    pub(super) fn system(&mut self, name: &str, value: impl Into<Value>) {
        self.system.entry(name).or_insert_with(|| value.into());
    }

    /// Adds an application property; the first one of a name stays.
    pub(super) fn property(&mut self, name: &str, value: impl Into<Value>) {
        self.properties.entry(name).or_insert_with(|| value.into());
    }

    /// With a body that is JSON, as it stands; what is none after all goes as bytes.
    pub(super) fn with_json(self, body: &str) -> Vec<u8> {
        // Outside of strings a line break is as good as a space, and inside there is none.
        let line = body.replace(['\n', '\r'], " ");
        match serde_json::from_str::<&RawValue>(&line) {
            Ok(json) => self.text(Some(json), None),
            Err(_) => self.with_bytes(body.as_bytes()),
        }
    }

    /// With a body of any bytes.
    pub(super) fn with_bytes(self, body: &[u8]) -> Vec<u8> {
        self.text(None, Some(STANDARD.encode(body)))
    }

    fn text(&self, body: Option<&RawValue>, body_base64: Option<String>) -> Vec<u8> {
        let form = Form { system_properties: &self.system, properties: &self.properties, body, body_base64 };
        // Maps of text and JSON that was read before can always be written.
        let mut text = serde_json::to_vec(&form).unwrap_or_default();
        text.push(b'\n');
        text
    }
}
