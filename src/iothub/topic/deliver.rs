//! What a hub delivers to a device.

use std::fmt;
use std::str::FromStr;

use super::{DESIRED, METHOD, Parameters, Properties, TWIN_RESPONSE, TopicError, below, sender, status};

/// A topic that a hub delivers on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deliver {
    /// The answer to a twin request (protocol reference 11.5, 11.6).
    TwinResponse {
        /// As HTTP has them: 200, 204, 400, …
        status: u16,
        /// The device's request id, echoed.
        rid: String,
        /// The new version of the reported properties, after a patch.
        version: Option<u64>,
    },
    /// The desired properties have changed (11.7).
    DesiredPatch {
        /// Their new version.
        version: u64,
    },
    /// A direct method is called (11.8).
    Method {
        /// The method.
        name: String,
        /// To be echoed in the answer.
        rid: String,
    },
    /// A message from the cloud (11.4).
    CloudToDevice {
        /// The device it is for.
        device: String,
        /// What the message says about itself.
        properties: Properties,
    },
    /// A message to an input of a module (11.2).
    ModuleInput {
        /// The module's device.
        device: String,
        /// The module it is for.
        module: String,
        /// The input's name.
        input: String,
        /// What the message says about itself.
        properties: Properties,
    },
}

impl FromStr for Deliver {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        if let Some(rest) = topic.strip_prefix(TWIN_RESPONSE) {
            let (status, parameters) = status(rest)?;
            return Ok(Self::TwinResponse { status, rid: parameters.rid()?, version: parameters.version()? });
        }
        if let Some(rest) = topic.strip_prefix(DESIRED) {
            let version = Parameters::new(rest).version()?.ok_or(TopicError::Missing("$version"))?;
            return Ok(Self::DesiredPatch { version });
        }
        if let Some(rest) = topic.strip_prefix(METHOD) {
            let (name, rest) = rest.split_once('/').ok_or(TopicError::Missing("$rid"))?;
            return Ok(Self::Method { name: name.to_owned(), rid: Parameters::new(rest).rid()? });
        }
        message(topic)
    }
}

fn message(topic: &str) -> Result<Deliver, TopicError> {
    let unknown = || TopicError::unknown(topic);
    let (device, module, rest) = sender(topic).ok_or_else(unknown)?;
    let device = device.to_owned();
    if let Some(module) = module {
        let rest = rest.strip_prefix("inputs/").ok_or_else(unknown)?;
        let (input, properties) = rest.split_once('/').unwrap_or((rest, ""));
        let properties = Properties::parse(properties)?;
        return Ok(Deliver::ModuleInput { device, module: module.to_owned(), input: input.to_owned(), properties });
    }
    let properties = Properties::parse(below(rest, "messages/devicebound").ok_or_else(unknown)?)?;
    Ok(Deliver::CloudToDevice { device, properties })
}

/// `$rid` stands before `$version`, for the Java SDK reads by position (11.6).
impl fmt::Display for Deliver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwinResponse { status, rid, version } => {
                write!(f, "{TWIN_RESPONSE}{status}/?$rid={rid}")?;
                version.map_or(Ok(()), |version| write!(f, "&$version={version}"))
            }
            Self::DesiredPatch { version } => write!(f, "{DESIRED}?$version={version}"),
            Self::Method { name, rid } => write!(f, "{METHOD}{name}/?$rid={rid}"),
            Self::CloudToDevice { device, properties } => {
                write!(f, "devices/{device}/messages/devicebound/{properties}")
            }
            Self::ModuleInput { device, module, input, properties } => {
                write!(f, "devices/{device}/modules/{module}/inputs/{input}/{properties}")
            }
        }
    }
}
