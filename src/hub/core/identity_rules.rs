//! From the body of a PUT to the identity that is kept (protocol reference 1.4, 1.5, 3). Pure but for new keys.

use super::scopes;
use crate::{
    hub::{failure::Failure, random, random::NoRandomness},
    iothub::{
        Authentication, AuthenticationType, ConnectionState, DeviceIdentity, ETag, ErrorCode, NEVER, SymmetricKey,
        X509Thumbprint,
    },
    twin::DeviceId,
};

/// Longest reason for a status, in characters.
const REASON: usize = 128;

/// The identity that a PUT leaves: a full replacement, whatever was there before. What is not the client's to say
/// comes from `old` or is made anew.
pub(super) fn replace(
    id: &DeviceId,
    body: DeviceIdentity,
    old: Option<&DeviceIdentity>,
    ticks: u64,
    time: &str,
) -> Result<DeviceIdentity, Failure> {
    if !body.device_id.is_empty() && body.device_id != id.as_str() {
        let message = format!("the body names device `{}`, the path `{id}`; they must be the same", body.device_id);
        return Err(Failure::invalid(message));
    }
    if body.status_reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON) {
        return Err(Failure::invalid(format!("statusReason has more than {REASON} characters")));
    }
    let status_updated_time = match old {
        None => NEVER.to_owned(),
        Some(old) if old.status == body.status => old.status_updated_time.clone(),
        Some(_) => time.to_owned(),
    };
    let scopes = scopes::replace(id, &body, old, ticks)?;
    Ok(DeviceIdentity {
        device_id: id.to_string(),
        generation_id: old.map_or_else(|| ticks.to_string(), |old| old.generation_id.clone()),
        etag: next_etag(old.map(|old| &old.etag))?,
        device_scope: scopes.device,
        authentication: Some(authentication(body.authentication.unwrap_or_default())?),
        status_updated_time,
        connection_state: ConnectionState::default(),
        connection_state_updated_time: NEVER.to_owned(),
        last_activity_time: NEVER.to_owned(),
        cloud_to_device_message_count: 0,
        status: body.status,
        status_reason: body.status_reason,
        capabilities: body.capabilities,
        parent_scopes: scopes.parents,
    })
}

/// Another one than before, and no earlier one of the same id, lest a stale `If-Match` pass after a re-creation.
pub(super) fn next_etag(old: Option<&ETag>) -> Result<ETag, Failure> {
    let etag = ETag::of_identity(random::number()?.into());
    if old == Some(&etag) { next_etag(old) } else { Ok(etag) }
}

/// How an identity is to prove itself, with keys made where they were left to the hub.
pub(super) fn authentication(given: Authentication) -> Result<Authentication, Failure> {
    let none = Authentication { kind: given.kind, ..Authentication::default() };
    match given.kind {
        AuthenticationType::Sas => Ok(Authentication { symmetric_key: keys(&given.symmetric_key)?, ..none }),
        AuthenticationType::SelfSigned => {
            check_thumbprints(&given.x509_thumbprint)?;
            Ok(Authentication { x509_thumbprint: given.x509_thumbprint, ..none })
        }
        AuthenticationType::CertificateAuthority => Ok(none),
        AuthenticationType::None => Err(Failure::invalid("DeviceAuthenticationTypeIsMissing")),
    }
}

/// The keys as they were supplied, or new ones.
fn keys(given: &SymmetricKey) -> Result<SymmetricKey, Failure> {
    let (primary, secondary) = match given.keys().map_err(|error| Failure::invalid(error.to_string()))? {
        Some(keys) => keys,
        None => (random::key()?, random::key()?),
    };
    Ok(SymmetricKey {
        primary_key: Some(primary.reveal().to_owned().into()),
        secondary_key: Some(secondary.reveal().to_owned().into()),
    })
}

fn check_thumbprints(given: &X509Thumbprint) -> Result<(), Failure> {
    let fits = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let all = [&given.primary_thumbprint, &given.secondary_thumbprint];
    if all.into_iter().flatten().all(|text| fits(text)) {
        return Ok(());
    }
    Err(Failure::invalid("StringIsNotThumbprint: a thumbprint is 40 or 64 hexadecimal digits without separators"))
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "no key could be made");
        Self::new(ErrorCode::ServerError, "the hub cannot make keys now")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn put(body: &Value, old: Option<&DeviceIdentity>) -> Result<DeviceIdentity, Failure> {
        let body = serde_json::from_value(body.clone()).unwrap();
        replace(&DeviceId::new("d1").unwrap(), body, old, 7, "T")
    }

    fn keys_of(identity: &DeviceIdentity) -> SymmetricKey {
        identity.authentication.clone().unwrap().symmetric_key
    }

    #[test]
    fn a_minimal_body_makes_an_enabled_device_with_two_keys() {
        let made = put(&json!({"deviceId": "d1"}), None).unwrap();
        let (primary, secondary) = keys_of(&made).keys().unwrap().unwrap();
        assert!(primary != secondary);
        assert_eq!((made.generation_id.as_str(), made.status_updated_time.as_str()), ("7", NEVER));
    }

    #[test]
    fn empty_keys_are_no_keys_and_supplied_ones_come_back() {
        for empty in [json!({"primaryKey": "", "secondaryKey": ""}), json!({}), Value::Null] {
            let made = put(&json!({"authentication": {"type": "sas", "symmetricKey": empty}}), None).unwrap();
            assert!(keys_of(&made).keys().unwrap().is_some());
        }
        let mine = json!({"primaryKey": "MDEyMzQ1Njc4OWFiY2RlZg==", "secondaryKey": "MTEyMzQ1Njc4OWFiY2RlZg=="});
        let made = put(&json!({"authentication": {"symmetricKey": mine}}), None).unwrap();
        assert_eq!(serde_json::to_value(keys_of(&made)).unwrap(), mine);
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for body in [
            json!({"deviceId": "d2"}),
            json!({"statusReason": "x".repeat(129)}),
            json!({"authentication": {"type": "none"}}),
            json!({"authentication": {"symmetricKey": {"primaryKey": "MDEyMzQ1Njc4OWFiY2RlZg=="}}}),
            json!({"authentication": {"symmetricKey": {"primaryKey": "AA==", "secondaryKey": "AA=="}}}),
            json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AA:BB"}}}),
        ] {
            assert_eq!(put(&body, None).unwrap_err().code, ErrorCode::ArgumentInvalid, "{body}");
        }
    }

    #[test]
    fn an_update_replaces_all_but_what_is_the_hubs() {
        let old = put(&json!({"authentication": {"type": "selfSigned"}, "statusReason": "r"}), None).unwrap();
        let new = put(&json!({"deviceId": "d1", "status": "disabled"}), Some(&old)).unwrap();
        assert_eq!((&new.generation_id, new.status_reason.as_ref()), (&old.generation_id, None));
        assert!(new.etag != old.etag && new.status_updated_time == "T" && keys_of(&new).keys().unwrap().is_some());
    }
}
