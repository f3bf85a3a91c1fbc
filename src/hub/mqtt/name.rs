//! Who a CONNECT says it comes from (protocol reference 11.1).

use super::super::ports::LinkId;
use crate::{
    iothub::{ClientId, Username},
    twin::DeviceId,
};

/// Longest user name, in bytes: the longest ids and a model fit in several times.
const USERNAME: usize = 4096;
/// Longest name of a model, in characters, as DTDL has it.
const MODEL: usize = 128;

/// A client id and a user name that agree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) link: LinkId,
    pub(super) model_id: Option<String>,
}

impl Name {
    /// Takes both apart. The host in the user name is not looked at: this hub is the only one here.
    pub(super) fn parse(client_id: &str, username: &str) -> Option<Self> {
        if username.len() > USERNAME {
            return None;
        }
        let client: ClientId = client_id.parse().ok()?;
        let username: Username = username.parse().ok()?;
        if client != username.client || username.model_id.as_ref().is_some_and(|id| id.chars().count() > MODEL) {
            return None;
        }
        // A module's name follows the rules for a device's.
        let module = client.module.as_deref().map(DeviceId::new).transpose().ok()?;
        let module = module.map(|name| name.as_str().into());
        let link = LinkId { device: DeviceId::new(&client.device).ok()?, module };
        Some(Self { link, model_id: username.model_id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(client_id: &str, username: &str) -> Option<(String, Option<String>)> {
        let name = Name::parse(client_id, username)?;
        Some((name.link.to_string(), name.model_id))
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

    #[test]
    fn names_that_are_too_long_are_refused() {
        let id = "d".repeat(128);
        let model = |length: usize| format!("h/{id}/{id}/?model-id=dtmi:{}", "m".repeat(length - 5));
        let client = format!("{id}/{id}");
        assert!(parsed(&client, &model(128)).is_some());
        assert_eq!(parsed(&client, &model(129)), None);
        assert_eq!(parsed(&format!("{client}d"), &format!("h/{client}d/")), None);
        assert_eq!(parsed("d1", &format!("h/d1/?DeviceClientType={}", "x".repeat(USERNAME))), None);
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(client in ".{0,20}", username in ".{0,40}") {
            let _ = Name::parse(&client, &username);
            let _ = Name::parse(&client, &format!("h/{client}/{username}"));
        }
    }
}
