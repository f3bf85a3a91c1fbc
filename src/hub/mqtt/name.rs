//! Who a CONNECT says it comes from (protocol reference 11.1).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::super::ports::LinkId;
use crate::twin::DeviceId;

/// A client id and a user name that agree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) link: LinkId,
    pub(super) model_id: Option<Cow<'a, str>>,
}

impl<'a> Name<'a> {
    /// Takes apart `{host}/{client id}/?{parameters}`; the `?` may be missing, and so may all the parameters. The
    /// host is not looked at: this hub is the only one here.
    pub(super) fn parse(client_id: &str, username: &'a str) -> Option<Self> {
        let link = link(client_id)?;
        let (_host, rest) = username.split_once('/')?;
        let rest = rest.strip_prefix(client_id)?;
        let parameters = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        let parameters = parameters.strip_prefix('?').unwrap_or(parameters);
        // A device that named only itself as client id, but a module as user.
        if parameters.split(['&', '=']).next()?.contains('/') {
            return None;
        }
        Some(Self { link, model_id: model_id(parameters)? })
    }
}

fn link(client_id: &str) -> Option<LinkId> {
    let (device, module) = match client_id.split_once('/') {
        None => (client_id, None),
        Some((device, module)) => (device, Some(module)),
    };
    // A module's name follows the rules for a device's.
    let module = module.map(DeviceId::new).transpose().ok()?;
    Some(LinkId { device: DeviceId::new(device).ok()?, module: module.map(|name| name.as_str().into()) })
}

/// The outer `None` means that it is not UTF-8.
fn model_id(parameters: &str) -> Option<Option<Cow<'_, str>>> {
    let Some(raw) = parameters.split('&').find_map(|pair| pair.strip_prefix("model-id=")) else { return Some(None) };
    percent_decode_str(raw).decode_utf8().ok().map(|id| Some(id).filter(|id| !id.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(client_id: &str, username: &str) -> Option<(String, Option<String>)> {
        let name = Name::parse(client_id, username)?;
        Some((name.link.to_string(), name.model_id.map(Cow::into_owned)))
    }

    #[test]
    fn observed_user_names_are_understood() {
        let model = Some("dtmi:com:example:Thermostat;1".to_owned());
        for (client, username, model) in [
            ("d1", "h.net/d1/?api-version=2019-10-01&DeviceClientType=azure%2F2.14%28%29", &None),
            ("d1", "h/d1/?api-version=1&DeviceClientType=x&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1", &model),
            ("d1", "h:9883/d1/?api-version=1&model-id=dtmi:com:example:Thermostat;1&DeviceClientType=x", &model),
            ("d1/m1", "localhost/d1/m1/?api-version=2021-04-12&DeviceClientType=a/b", &None),
            ("d1", "h/d1/api-version=2016-11-14", &None),
            ("d1", "h/d1", &None),
            ("a?b", "h/a?b/?api-version=1", &None),
        ] {
            assert_eq!(parsed(client, username), Some((client.to_owned(), model.clone())), "{username}");
        }
    }

    #[test]
    fn a_client_id_and_a_user_name_that_disagree_are_refused() {
        for (client, username) in [
            ("d1", "h/d2/?api-version=1"),
            ("d1", "h/d1x/?api-version=1"),
            ("d1", "h/d1/m1/?api-version=1"),
            ("d1/m1", "h/d1/?api-version=1"),
            ("d1", "d1"),
            ("d 1", "h/d 1/"),
            ("d1/m/x", "h/d1/m/x/"),
            ("d1/", "h/d1//?x"),
        ] {
            assert_eq!(parsed(client, username), None, "{username}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(client in ".{0,20}", username in ".{0,40}") {
            let _ = Name::parse(&client, &username);
            let _ = Name::parse(&client, &format!("h/{client}/{username}"));
        }
    }
}
