//! Which gateway a device is, and which it belongs to (protocol reference 3.4). Pure.

use crate::{
    hub::failure::Failure,
    iothub::{DeviceIdentity, ErrorCode},
    twin::DeviceId,
};

/// How every scope begins; the gateway's id, `-` and a number follow.
const SCHEME: &str = "ms-azure-iot-edge://";

/// The scopes of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scopes {
    /// A gateway's own, or that of the gateway to which a leaf belongs.
    pub(super) device: Option<String>,
    /// That of the gateway above, if there is one.
    pub(super) parents: Vec<String>,
}

/// The scopes that a PUT leaves. Whether the parent is there is for [`new_parent`] and whoever can look.
pub(super) fn replace(
    id: &DeviceId,
    body: &DeviceIdentity,
    old: Option<&DeviceIdentity>,
    ticks: u64,
) -> Result<Scopes, Failure> {
    let given = body.device_scope.as_deref().filter(|scope| !scope.is_empty());
    match (body.capabilities.iot_edge, old) {
        (true, Some(old)) if old.capabilities.iot_edge => {
            let own = old.device_scope.as_deref();
            if given != own {
                let own = own.unwrap_or_default();
                return Err(invalid(format!(
                    "Device scope is immutable: send back deviceScope `{own}` of gateway {id}"
                )));
            }
            gateway(own.unwrap_or_default().to_owned(), body)
        }
        (true, Some(_)) if given.is_some() => {
            let message =
                format!("Device scope is immutable: device {id} becomes a gateway only with an empty deviceScope");
            Err(invalid(message))
        }
        (true, _) => gateway(format!("{SCHEME}{id}-{ticks}"), body),
        // A gateway that becomes a leaf loses its parent.
        (false, Some(old)) if old.capabilities.iot_edge => Ok(Scopes::default()),
        (false, _) => {
            let scope = given.map(str::to_owned);
            Ok(Scopes { parents: scope.clone().into_iter().collect(), device: scope })
        }
    }
}

fn gateway(own: String, body: &DeviceIdentity) -> Result<Scopes, Failure> {
    let parents: Vec<String> = body.parent_scopes.iter().filter(|scope| !scope.is_empty()).cloned().collect();
    if parents.len() > 1 {
        return Err(invalid("a gateway has one parent at most; parentScopes names several".to_owned()));
    }
    if parents.contains(&own) {
        return Err(invalid("a gateway cannot be its own parent".to_owned()));
    }
    Ok(Scopes { device: Some(own), parents })
}

/// The parent that an identity has and `old` had not: the one that has to be looked for.
pub(super) fn new_parent<'a>(new: &'a DeviceIdentity, old: Option<&DeviceIdentity>) -> Option<&'a str> {
    let parent = new.parent_scopes.first()?;
    let known = old.is_some_and(|old| old.parent_scopes.contains(parent));
    (!known).then_some(parent)
}

/// The gateway of which a text would be the scope.
pub(super) fn gateway_of(scope: &str) -> Option<DeviceId> {
    let (id, _) = scope.strip_prefix(SCHEME)?.rsplit_once('-')?;
    DeviceId::new(id).ok()
}

/// Whether this is the gateway that a scope names.
pub(super) fn is_gateway(identity: &DeviceIdentity, scope: &str) -> bool {
    identity.capabilities.iot_edge && identity.device_scope.as_deref() == Some(scope)
}

pub(super) fn unknown(scope: &str) -> Failure {
    invalid(format!("no gateway of this hub has the scope `{scope}`"))
}

fn invalid(message: String) -> Failure {
    Failure::new(ErrorCode::InvalidDeviceScope, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const OWN: &str = "ms-azure-iot-edge://d1-7";
    const PARENT: &str = "ms-azure-iot-edge://up-1";

    fn identity(body: &Value) -> DeviceIdentity {
        serde_json::from_value(body.clone()).unwrap()
    }

    fn put(body: &Value, old: Option<&Value>) -> Result<Scopes, ErrorCode> {
        let old = old.map(identity);
        let id = DeviceId::new("d1").unwrap();
        replace(&id, &identity(body), old.as_ref(), 7).map_err(|failure| failure.code)
    }

    fn scopes(device: Option<&str>, parent: Option<&str>) -> Scopes {
        Scopes { device: device.map(str::to_owned), parents: parent.map(str::to_owned).into_iter().collect() }
    }

    #[test]
    fn a_new_gateway_gets_its_scope_from_the_hub_whatever_it_says() {
        let edge = json!({"iotEdge": true});
        assert_eq!(put(&json!({"capabilities": edge, "deviceScope": "mine"}), None), Ok(scopes(Some(OWN), None)));
        let child = json!({"capabilities": edge, "parentScopes": [PARENT]});
        assert_eq!(put(&child, None), Ok(scopes(Some(OWN), Some(PARENT))));
        for parents in [json!([PARENT, "ms-azure-iot-edge://x-1"]), json!([OWN])] {
            let body = json!({"capabilities": edge, "parentScopes": parents});
            assert_eq!(put(&body, None), Err(ErrorCode::InvalidDeviceScope), "{parents}");
        }
    }

    #[test]
    fn a_gateway_sends_its_scope_back_and_is_detached_by_leaving_out_its_parent() {
        let edge = json!({"iotEdge": true});
        let old = json!({"capabilities": edge, "deviceScope": OWN, "parentScopes": [PARENT]});
        assert_eq!(put(&old, Some(&old)), Ok(scopes(Some(OWN), Some(PARENT))));
        for detached in [json!({"parentScopes": []}), json!({}), json!({"parentScopes": null})] {
            let mut body = json!({"capabilities": edge, "deviceScope": OWN});
            body.as_object_mut().unwrap().extend(detached.as_object().unwrap().clone());
            assert_eq!(put(&body, Some(&old)), Ok(scopes(Some(OWN), None)), "{body}");
        }
        for scope in [Value::Null, json!(""), json!("ms-azure-iot-edge://d1-8")] {
            let body = json!({"capabilities": edge, "deviceScope": scope});
            assert_eq!(put(&body, Some(&old)), Err(ErrorCode::InvalidDeviceScope), "{scope}");
        }
    }

    #[test]
    fn a_leaf_belongs_to_the_gateway_whose_scope_it_has() {
        let leaf = json!({"deviceScope": PARENT});
        assert_eq!(put(&leaf, None), Ok(scopes(Some(PARENT), Some(PARENT))));
        assert_eq!(
            put(&json!({"parentScopes": [PARENT]}), None),
            Ok(scopes(None, None)),
            "parentScopes alone are ignored"
        );
        assert_eq!(put(&json!({"deviceScope": ""}), Some(&leaf)), Ok(scopes(None, None)));
    }

    #[test]
    fn a_leaf_becomes_a_gateway_with_an_empty_scope_and_a_gateway_a_leaf_without_parent() {
        let leaf = json!({"deviceScope": PARENT});
        let edge = json!({"iotEdge": true});
        let becomes = json!({"capabilities": edge, "deviceScope": ""});
        assert_eq!(put(&becomes, Some(&leaf)), Ok(scopes(Some(OWN), None)));
        let body = json!({"capabilities": edge, "deviceScope": PARENT});
        assert_eq!(put(&body, Some(&leaf)), Err(ErrorCode::InvalidDeviceScope));
        let gateway = json!({"capabilities": edge, "deviceScope": OWN, "parentScopes": [PARENT]});
        let body = json!({"deviceScope": OWN, "parentScopes": [PARENT]});
        assert_eq!(put(&body, Some(&gateway)), Ok(scopes(None, None)));
    }

    #[test]
    fn only_a_parent_that_is_new_has_to_be_looked_for() {
        let new = identity(&json!({"parentScopes": [PARENT]}));
        assert_eq!(new_parent(&new, None), Some(PARENT));
        assert_eq!(new_parent(&new, Some(&new)), None);
        assert_eq!(new_parent(&DeviceIdentity::default(), Some(&new)), None);
    }

    proptest! {
        #[test]
        fn the_gateway_of_a_scope_is_found_and_no_text_panics(id in "[a-z0-9.:_-]{1,20}", ticks in any::<u64>(), junk in ".{0,40}") {
            let scope = format!("{SCHEME}{id}-{ticks}");
            prop_assert_eq!(gateway_of(&scope).map(|id| id.to_string()), Some(id));
            let _ = gateway_of(&junk);
            let _ = gateway_of(&format!("{SCHEME}{junk}"));
        }
    }
}
