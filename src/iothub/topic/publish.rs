//! What a device publishes.

use std::fmt;
use std::str::FromStr;

use super::{METHOD_RESPONSE, Parameters, Properties, REPORTED, TWIN_GET, TopicError, below, sender, status};

/// A topic that a device may publish to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publish {
    /// A message to the cloud (protocol reference 11.3).
    Telemetry {
        /// The device it says it is.
        device: String,
        /// The module it says it is.
        module: Option<String>,
        /// What the message says about itself.
        properties: Properties,
    },
    /// Ask for the twin (11.5).
    TwinGet {
        /// Echoed in the answer.
        rid: String,
    },
    /// Merge a patch into the reported properties (11.6).
    TwinPatchReported {
        /// Echoed in the answer.
        rid: String,
        /// The version they are expected to have.
        version: Option<u64>,
    },
    /// Answer a direct method (11.8).
    MethodResponse {
        /// The method's own status; any number.
        status: i32,
        /// The hub's request id, echoed.
        rid: String,
    },
}

impl FromStr for Publish {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        if let Some(rest) = topic.strip_prefix(TWIN_GET) {
            return Ok(Self::TwinGet { rid: Parameters::new(rest).rid()? });
        }
        if let Some(rest) = topic.strip_prefix(REPORTED) {
            let parameters = Parameters::new(rest);
            return Ok(Self::TwinPatchReported { rid: parameters.rid()?, version: parameters.version()? });
        }
        if let Some(rest) = topic.strip_prefix(METHOD_RESPONSE) {
            let (status, parameters) = status(rest)?;
            return Ok(Self::MethodResponse { status, rid: parameters.rid()? });
        }
        telemetry(topic)
    }
}

fn telemetry(topic: &str) -> Result<Publish, TopicError> {
    let unknown = || TopicError::unknown(topic);
    let (device, module, rest) = sender(topic).ok_or_else(unknown)?;
    let properties = Properties::parse(below(rest, "messages/events").ok_or_else(unknown)?)?;
    Ok(Publish::Telemetry { device: device.to_owned(), module: module.map(str::to_owned), properties })
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Telemetry { device, module: None, properties } => {
                write!(f, "devices/{device}/messages/events/{properties}")
            }
            Self::Telemetry { device, module: Some(module), properties } => {
                write!(f, "devices/{device}/modules/{module}/messages/events/{properties}")
            }
            Self::TwinGet { rid } => write!(f, "{TWIN_GET}?$rid={rid}"),
            Self::TwinPatchReported { rid, version: None } => write!(f, "{REPORTED}?$rid={rid}"),
            Self::TwinPatchReported { rid, version: Some(version) } => {
                write!(f, "{REPORTED}?$rid={rid}&$version={version}")
            }
            Self::MethodResponse { status, rid } => write!(f, "{METHOD_RESPONSE}{status}/?$rid={rid}"),
        }
    }
}
