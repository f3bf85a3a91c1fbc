//! The user name and client id of an MQTT CONNECT (protocol reference 11.1).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::escape;

/// Why a CONNECT cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UsernameError {
    /// No host or no device.
    #[error("a user name reads `{{host}}/{{device}}/?api-version=…`, with `/{{module}}` after the device for a module")]
    Form,
    /// A parameter's encoding does not make text.
    #[error("the user name's `{0}` cannot be read")]
    Unreadable(&'static str),
    /// The client id names nobody, or has too many parts.
    #[error("a client id reads `{{device}}` or `{{device}}/{{module}}`")]
    ClientId,
}

/// Who connects: a device, or a module of it. Ids are never percent-encoded here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId {
    /// The device.
    pub device: String,
    /// The module.
    pub module: Option<String>,
}

impl FromStr for ClientId {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        let (device, module) = match text.split_once('/') {
            Some((device, module)) => (device, Some(module)),
            None => (text, None),
        };
        if device.is_empty() || module.is_some_and(|module| module.is_empty() || module.contains('/')) {
            return Err(UsernameError::ClientId);
        }
        Ok(Self { device: device.to_owned(), module: module.map(str::to_owned) })
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        self.module.as_ref().map_or(Ok(()), |module| write!(f, "/{module}"))
    }
}

/// A CONNECT's user name, taken apart. Its client must be the packet's client id, or the hub refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    /// The hub's name as the client knows it, perhaps with a port.
    pub host: String,
    /// Who connects.
    pub client: ClientId,
    /// Which edition of the protocol; hand-written clients leave it out.
    pub api_version: Option<String>,
    /// The Plug and Play model that the device follows.
    pub model_id: Option<String>,
    /// The SDK and its version.
    pub client_type: Option<String>,
}

impl FromStr for Username {
    type Err = UsernameError;

    /// Parameters come in any order, encoded or raw, with or without the `?`; unknown ones are skipped.
    fn from_str(text: &str) -> Result<Self, UsernameError> {
        let (host, rest) = text.split_once('/').ok_or(UsernameError::Form)?;
        let (device, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (module, parameters) = if is_parameters(rest) {
            (None, rest)
        } else {
            let (module, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(module), rest)
        };
        let module = module.filter(|module| !module.is_empty());
        if host.is_empty() || device.is_empty() || (!parameters.is_empty() && !is_parameters(parameters)) {
            return Err(UsernameError::Form);
        }
        let parameters = parameters.strip_prefix('?').unwrap_or(parameters);
        Ok(Self {
            host: host.to_owned(),
            client: ClientId { device: device.to_owned(), module: module.map(str::to_owned) },
            api_version: parameter(parameters, "api-version")?,
            model_id: parameter(parameters, "model-id")?,
            client_type: parameter(parameters, "DeviceClientType")?,
        })
    }
}

/// Ids may hold `=` and `?`, but no `&`; a module is not called like a parameter.
fn is_parameters(text: &str) -> bool {
    let named = ["?", "api-version=", "model-id=", "DeviceClientType="].iter().any(|start| text.starts_with(start));
    named || text.split('/').next().is_some_and(|segment| segment.contains('&'))
}

fn parameter(parameters: &str, name: &'static str) -> Result<Option<String>, UsernameError> {
    let value = escape::pairs(parameters).find(|(key, _)| *key == name).and_then(|(_, value)| value);
    let value = value.filter(|value| !value.is_empty());
    value.map(|value| escape::decode(value).ok_or(UsernameError::Unreadable(name))).transpose()
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.host, self.client)?;
        let mut before = '?';
        for (name, value) in
            [("api-version", &self.api_version), ("DeviceClientType", &self.client_type), ("model-id", &self.model_id)]
        {
            if let Some(value) = value {
                write!(f, "{before}{name}={}", escape::encode(value))?;
                before = '&';
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Username {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_user_names_of_the_sdks_read() {
        let python = read(
            "h.azure-devices.net/d1/?api-version=2020-09-30&DeviceClientType=py%2F2.14.0%28x%29\
             &model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1",
        );
        assert_eq!(python.model_id.as_deref(), Some("dtmi:com:example:Thermostat;1"));
        assert_eq!(python.client_type.as_deref(), Some("py/2.14.0(x)"));
        let node = read(
            "localhost:9883/d1/m1/?api-version=2021-04-12&model-id=dtmi:com:example:Thermostat;1&DeviceClientType=a%2Fb",
        );
        assert_eq!((node.host.as_str(), node.client.to_string().as_str()), ("localhost:9883", "d1/m1"));
        assert_eq!(node.model_id, python.model_id);
    }

    #[test]
    fn hand_written_user_names_read() {
        assert_eq!(read("h/d1/api-version=2016-11-14").api_version.as_deref(), Some("2016-11-14"));
        assert_eq!(read("h/d1/m1/api-version=2016-11-14").client.module.as_deref(), Some("m1"));
        assert_eq!(read("h/d1/"), read("h/d1"));
        assert_eq!(read("h/d1/?x=y&DeviceClientType=raw/1").client_type.as_deref(), Some("raw/1"));
        assert_eq!(read("h/d=1?/m&x=1").client.module, None);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "h", "h/", "/d1/?api-version=1", "h/d1/m1/x/?api-version=1", "h/d1/?model-id=%ff"] {
            assert!(text.parse::<Username>().is_err(), "{text}");
        }
        for text in ["", "/m", "d/", "d/m/x"] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn user_names_round_trip(
            host in "[a-z.]{1,9}(:[0-9]{1,4})?", device in "[a-zA-Z0-9:.%_#*?!(),=@;$'-]{1,9}",
            module in option::of("[a-zA-Z0-9:.%_#*!(),=@;'-]{1,9}"), api_version in option::of("[0-9-]{1,10}"),
            model_id in option::of(".{1,9}"), client_type in option::of(".{1,9}"),
        ) {
            let username = Username { host, client: ClientId { device, module }, api_version, model_id, client_type };
            prop_assert_eq!(username.to_string().parse::<Username>(), Ok(username.clone()));
            prop_assert_eq!(username.client.to_string().parse::<ClientId>(), Ok(username.client));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>(), parts in "(h|/|\\?|&|=|api-version|model-id|%f){0,12}") {
            let _ = text.parse::<Username>();
            let _ = parts.parse::<Username>();
            let _ = text.parse::<ClientId>();
        }
    }
}
