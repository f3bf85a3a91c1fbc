//! MQTT topics as types, printing and parsing side by side (protocol reference 11.2 to 11.8).
//!
//! [`Publish`] is what a device sends, [`Deliver`] what a hub sends, [`Filter`] what a device may subscribe to;
//! [`RegistrationRequest`] and [`RegistrationResponse`] are those of a device that is still to be assigned to a hub.
//! A topic that none of them knows is an error, and a hub closes the link over it. Ids stand in topics as they are,
//! never percent-encoded; the order of query parameters does not matter when reading.

mod deliver;
mod filter;
mod properties;
mod provisioning;
mod publish;
#[cfg(test)]
mod tests;

use thiserror::Error;

use super::escape;

pub use deliver::Deliver;
pub use filter::Filter;
pub use properties::Properties;
pub use provisioning::{REGISTRATION_RESPONSES, RegistrationRequest, RegistrationResponse};
pub use publish::Publish;

/// Where a response to a twin request arrives, up to its status.
const TWIN_RESPONSE: &str = "$iothub/twin/res/";
const TWIN_GET: &str = "$iothub/twin/GET/";
const REPORTED: &str = "$iothub/twin/PATCH/properties/reported/";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/";
const METHOD: &str = "$iothub/methods/POST/";
const METHOD_RESPONSE: &str = "$iothub/methods/res/";

/// Why a topic is none of IoT Hub's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TopicError {
    /// Not one of the topics of the protocol.
    #[error("an IoT hub has no topic `{0}`")]
    Unknown(String),
    /// A parameter is not there.
    #[error("the topic has no `{0}`")]
    Missing(&'static str),
    /// A parameter or segment does not read.
    #[error("the topic's {0} cannot be read")]
    Unreadable(&'static str),
}

impl TopicError {
    /// Of a topic, cut to what a log line can hold.
    fn unknown(topic: &str) -> Self {
        Self::Unknown(topic.chars().take(120).map(|c| if c.is_control() { '?' } else { c }).collect())
    }
}

/// `…/?$rid=1&$version=2`, without the question mark.
struct Parameters<'t>(&'t str);

impl<'t> Parameters<'t> {
    /// Of what follows the last `/`; older clients leave the question mark out.
    fn new(text: &'t str) -> Self {
        Self(text.strip_prefix('?').unwrap_or(text))
    }

    fn get(&self, name: &str) -> Option<&'t str> {
        escape::pairs(self.0)
            .find(|(key, _)| *key == name || escape::decode(key).is_some_and(|key| key == name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// The request id, exactly as it stands, for it is echoed verbatim.
    fn rid(&self) -> Result<String, TopicError> {
        self.get("$rid").filter(|rid| !rid.is_empty()).map(str::to_owned).ok_or(TopicError::Missing("$rid"))
    }

    fn version(&self) -> Result<Option<u64>, TopicError> {
        self.get("$version").map(|text| text.parse().map_err(|_| TopicError::Unreadable("$version"))).transpose()
    }
}

/// `{status}/{parameters}`.
fn status<T: std::str::FromStr>(text: &str) -> Result<(T, Parameters<'_>), TopicError> {
    let (status, rest) = text.split_once('/').ok_or(TopicError::Missing("$rid"))?;
    Ok((status.parse().map_err(|_| TopicError::Unreadable("status"))?, Parameters::new(rest)))
}

/// A device, or a module of it, out of `devices/{id}/…` or `devices/{id}/modules/{mid}/…`, and what follows.
fn sender(topic: &str) -> Option<(&str, Option<&str>, &str)> {
    let (device, rest) = topic.strip_prefix("devices/")?.split_once('/')?;
    let (module, rest) = match rest.strip_prefix("modules/") {
        Some(rest) => rest.split_once('/').map(|(module, rest)| (Some(module), rest))?,
        None => (None, rest),
    };
    let named = !device.is_empty() && module.is_none_or(|module| !module.is_empty());
    named.then_some((device, module, rest))
}

/// What follows a segment: nothing, or a slash and the rest.
fn below<'t>(text: &'t str, segment: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(segment)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}
