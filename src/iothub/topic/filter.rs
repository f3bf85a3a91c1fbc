//! What a device may subscribe to.

use std::fmt;
use std::str::FromStr;

use super::{DESIRED, METHOD, TWIN_RESPONSE, TopicError, sender};

/// One of the five subscriptions that a hub knows (protocol reference 11.2). Any other closes the link.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Messages from the cloud.
    CloudToDevice {
        /// The device it says it is.
        device: String,
    },
    /// Messages to a module.
    ModuleInputs {
        /// The device it says it is.
        device: String,
        /// The module it says it is.
        module: String,
        /// All that the module gets (`…/#`), not only its inputs (`…/inputs/#`).
        all: bool,
    },
    /// Answers to twin requests.
    TwinResponses,
    /// Changes of the desired properties.
    DesiredPatches,
    /// Direct methods.
    Methods,
}

impl FromStr for Filter {
    type Err = TopicError;

    fn from_str(filter: &str) -> Result<Self, TopicError> {
        let unknown = || TopicError::unknown(filter);
        let topic = filter.strip_suffix('#').ok_or_else(unknown)?;
        match topic {
            TWIN_RESPONSE => return Ok(Self::TwinResponses),
            DESIRED => return Ok(Self::DesiredPatches),
            METHOD => return Ok(Self::Methods),
            _ => {}
        }
        let (device, module, rest) = sender(topic).ok_or_else(unknown)?;
        let device = device.to_owned();
        match (module, rest) {
            (None, "messages/devicebound/") => Ok(Self::CloudToDevice { device }),
            (Some(module), "" | "inputs/") => {
                Ok(Self::ModuleInputs { device, module: module.to_owned(), all: rest.is_empty() })
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudToDevice { device } => write!(f, "devices/{device}/messages/devicebound/#"),
            Self::ModuleInputs { device, module, all } => {
                write!(f, "devices/{device}/modules/{module}/{}", if *all { "#" } else { "inputs/#" })
            }
            Self::TwinResponses => write!(f, "{TWIN_RESPONSE}#"),
            Self::DesiredPatches => write!(f, "{DESIRED}#"),
            Self::Methods => write!(f, "{METHOD}#"),
        }
    }
}
