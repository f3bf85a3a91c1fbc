//! From the body of a PUT to the module that is kept (protocol reference 3.2, 3.3). Pure but for new keys.

use super::identity_rules::{authentication, next_etag};
use crate::{
    hub::{failure::Failure, ports::LinkId},
    iothub::{Authentication, AuthenticationType, ModuleIdentity, NEVER},
};

/// Most modules of a device.
pub(super) const MOST: usize = 50;
/// The modules that every gateway has (protocol reference 3.4).
pub(super) const SYSTEM: [&str; 2] = ["$edgeAgent", "$edgeHub"];
/// Who looks after them.
const MANAGER: &str = "iotEdge";

/// Whether a module is the hub's to make and to delete.
pub(super) fn is_system(module: &str) -> bool {
    module.starts_with('$')
}

/// The module that a PUT leaves: a full replacement, whatever was there before.
pub(super) fn replace(
    link: &LinkId,
    body: ModuleIdentity,
    old: Option<&ModuleIdentity>,
    ticks: u64,
) -> Result<ModuleIdentity, Failure> {
    let name = link.module.as_deref().unwrap_or_default();
    if is_system(name) {
        return Err(Failure::invalid(format!("module id `{name}` begins with `$`; such modules are the hub's own")));
    }
    let same = |named: &str, path: &str| named.is_empty() || named == path;
    if !same(&body.device_id, link.device.as_str()) || !same(&body.module_id, name) {
        let message = format!(
            "the body names module `{}/{}`, the path `{link}`; they must be the same",
            body.device_id, body.module_id
        );
        return Err(Failure::invalid(message));
    }
    let mut given = body.authentication.unwrap_or_default();
    if given.kind == AuthenticationType::None {
        given.kind = AuthenticationType::Sas;
    }
    Ok(ModuleIdentity {
        managed_by: body.managed_by.filter(|manager| !manager.is_empty()),
        authentication: Some(authentication(given)?),
        ..blank(link, old, ticks)?
    })
}

/// A module that the hub makes for a gateway.
pub(super) fn system(link: &LinkId, ticks: u64) -> Result<ModuleIdentity, Failure> {
    let none = Authentication { kind: AuthenticationType::None, ..Authentication::default() };
    Ok(ModuleIdentity { managed_by: Some(MANAGER.to_owned()), authentication: Some(none), ..blank(link, None, ticks)? })
}

fn blank(link: &LinkId, old: Option<&ModuleIdentity>, ticks: u64) -> Result<ModuleIdentity, Failure> {
    Ok(ModuleIdentity {
        module_id: link.module.as_deref().unwrap_or_default().to_owned(),
        device_id: link.device.to_string(),
        generation_id: old.map_or_else(|| ticks.to_string(), |old| old.generation_id.clone()),
        etag: next_etag(old.map(|old| &old.etag))?,
        connection_state_updated_time: NEVER.to_owned(),
        last_activity_time: NEVER.to_owned(),
        ..ModuleIdentity::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{iothub::ErrorCode, twin::DeviceId};

    fn link(module: &str) -> LinkId {
        LinkId { device: DeviceId::new("d1").unwrap(), module: Some(module.into()) }
    }

    fn put(body: &Value, old: Option<&ModuleIdentity>) -> Result<ModuleIdentity, Failure> {
        replace(&link("m1"), serde_json::from_value(body.clone()).unwrap(), old, 7)
    }

    #[test]
    fn a_minimal_module_has_keys_and_no_manager() {
        for body in [json!({}), json!({"moduleId": "m1", "deviceId": "d1", "managedBy": ""})] {
            let made = put(&body, None).unwrap();
            assert_eq!((made.module_id.as_str(), made.device_id.as_str()), ("m1", "d1"));
            assert!(made.authentication.unwrap().symmetric_key.keys().unwrap().is_some() && made.managed_by.is_none());
        }
    }

    #[test]
    fn a_module_without_authentication_type_gets_keys_instead_of_an_error() {
        let made = put(&json!({"authentication": {"type": "none"}}), None).unwrap();
        let authentication = made.authentication.unwrap();
        assert_eq!(authentication.kind, AuthenticationType::Sas);
        assert!(authentication.symmetric_key.keys().unwrap().is_some());
    }

    #[test]
    fn leaving_out_the_manager_of_a_module_clears_it_and_its_keys_are_new() {
        let old = put(&json!({"managedBy": "me"}), None).unwrap();
        assert_eq!(old.managed_by.as_deref(), Some("me"));
        let new = put(&json!({}), Some(&old)).unwrap();
        assert_eq!((&new.managed_by, &new.generation_id), (&None, &old.generation_id));
        assert!(new.etag != old.etag && new.authentication != old.authentication);
    }

    #[test]
    fn a_module_that_breaks_a_rule_is_refused() {
        for body in [
            json!({"deviceId": "d2"}),
            json!({"moduleId": "m2"}),
            json!({"authentication": {"symmetricKey": {"primaryKey": "AA==", "secondaryKey": "AA=="}}}),
            json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB"}}}),
        ] {
            assert_eq!(put(&body, None).unwrap_err().code, ErrorCode::ArgumentInvalid, "{body}");
        }
        let system = replace(&link("$edgeAgent"), ModuleIdentity::default(), None, 7);
        assert_eq!(system.unwrap_err().code, ErrorCode::ArgumentInvalid);
    }

    #[test]
    fn a_module_of_the_hubs_own_belongs_to_iot_edge_and_has_no_credentials() {
        let made = system(&link(SYSTEM[0]), 7).unwrap();
        assert_eq!((made.managed_by.as_deref(), made.generation_id.as_str()), (Some("iotEdge"), "7"));
        assert_eq!(made.authentication.unwrap().kind, AuthenticationType::None);
    }
}
