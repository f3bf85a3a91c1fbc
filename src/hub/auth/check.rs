//! Credentials, checked: parse, expiry, key, signature, scope, permission, in this order (protocol reference 1.3).

use std::sync::Arc;

use super::{
    action::Action,
    oidc::{BearerError, Issuer},
    policies::{Policies, Policy},
};
use crate::{
    hub::ports::LinkId,
    iothub::{Authentication, AuthenticationType, HostName, Permissions, SasError, SasToken, Scope},
};

/// Why somebody is not let in; for the hub's log. Holds nothing of what was shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error("there are no credentials")]
    NoCredentials,
    #[error("{0}")]
    Token(#[from] SasError),
    #[error("there is no policy of that name")]
    Policy,
    #[error("the signature is made with another key")]
    Signature,
    #[error("the token is for something else")]
    Scope,
    #[error("policy `{policy}` has no permission among {needed}")]
    Permission { policy: String, needed: Permissions },
    #[error("the identity proves itself in another way")]
    Kind,
    #[error("the certificate is not the identity's")]
    Certificate,
    #[error("the certificate has ended")]
    CertificateExpired,
    #[error("the certificate's common name is not the identity's")]
    CertificateName,
    #[error("the certificate does not lead to an authority of this hub, or not now")]
    CertificateChain,
    #[error("the bearer token is none of the issuer's: {0}")]
    Bearer(#[from] BearerError),
    #[error("no role of the bearer token has the data action {0}")]
    Role(&'static str),
    #[error("there is no such identity")]
    Unknown,
    #[error("the identity is disabled")]
    Disabled,
}

impl Denial {
    /// Whether somebody failed to prove who they are, rather than asking for more than they may.
    pub(crate) const fn is_failed_attempt(&self) -> bool {
        !matches!(self, Self::Permission { .. } | Self::Scope | Self::Role(_) | Self::Bearer(BearerError::NoKeys))
    }
}

/// The hub's names and policies, and whose bearer tokens it takes.
#[derive(Debug)]
pub(crate) struct Authority {
    names: Vec<HostName>,
    policies: Policies,
    issuer: Option<Arc<Issuer>>,
}

impl Authority {
    /// Takes tokens for any of these names. They carry no port, so that a token may name any: a hub can be reached
    /// through several.
    pub(crate) const fn new(names: Vec<HostName>, policies: Policies) -> Self {
        Self { names, policies, issuer: None }
    }

    /// Takes bearer tokens of an issuer as well.
    #[must_use]
    pub(crate) fn with_issuer(self, issuer: Option<Arc<Issuer>>) -> Self {
        Self { issuer, ..self }
    }

    /// The hub's policies.
    pub(crate) const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Whether a name, with or without a port, is one of the hub's.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.is(name))
    }

    /// Whether the service API may be used by whoever sends this header: a shared access signature, or a bearer token
    /// if there is an issuer. `now` is in seconds since 1970.
    pub(crate) async fn admit(&self, header: Option<&str>, action: Action, now: u64) -> Result<(), Denial> {
        match (&self.issuer, header.and_then(bearer)) {
            (Some(issuer), Some(token)) => issuer.admit(token, action, now).await,
            _ => self.service(header, action, now),
        }
    }

    /// Whether the service API may be used with a shared access signature. `now` is in seconds since 1970.
    pub(crate) fn service(&self, header: Option<&str>, action: Action, now: u64) -> Result<(), Denial> {
        let token = SasToken::parse(header.ok_or(Denial::NoCredentials)?)?;
        let policy = self.policy(&token, now)?;
        if !self.scope(&token)?.allows_service() {
            return Err(Denial::Scope);
        }
        permit(policy, action.permissions())
    }

    /// Whether a token opens a device; if so, when it ends.
    pub(crate) fn device_token(
        &self,
        link: &LinkId,
        authentication: &Authentication,
        token: &str,
        now: u64,
    ) -> Result<u64, Denial> {
        let token = SasToken::parse(token)?;
        if token.policy().is_some() {
            permit(self.policy(&token, now)?, &[Permissions::DEVICE_CONNECT])?;
        } else {
            token.check_expiry(now)?;
            own_key(&token, authentication)?;
        }
        let scope = self.scope(&token)?;
        let allowed = match &link.module {
            None => scope.allows_device(link.device.as_str()),
            Some(module) => scope.allows_module(link.device.as_str(), module),
        };
        if allowed { Ok(token.expires_at()) } else { Err(Denial::Scope) }
    }

    fn policy(&self, token: &SasToken, now: u64) -> Result<&Policy, Denial> {
        token.check_expiry(now)?;
        let policy = self.policies.get(token.policy().unwrap_or_default()).ok_or(Denial::Policy)?;
        let signed = [&policy.primary, &policy.secondary].map(|key| token.is_signed_by(key));
        signed.contains(&true).then_some(policy).ok_or(Denial::Signature)
    }

    fn scope(&self, token: &SasToken) -> Result<Scope, Denial> {
        let audience = token.audience()?;
        if self.names.iter().any(|name| name.is(&audience.host)) {
            Ok(audience.scope)
        } else {
            Err(SasError::Host.into())
        }
    }
}

/// The token of a header that has one; the scheme has no letter case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

fn permit(policy: &Policy, any_of: &[Permissions]) -> Result<(), Denial> {
    if any_of.iter().any(|needed| policy.permissions.contains(*needed)) {
        return Ok(());
    }
    let needed = any_of.iter().copied().fold(Permissions::NONE, Permissions::with);
    Err(Denial::Permission { policy: policy.name.clone(), needed })
}

fn own_key(token: &SasToken, authentication: &Authentication) -> Result<(), Denial> {
    if authentication.kind != AuthenticationType::Sas {
        return Err(Denial::Kind);
    }
    let (primary, secondary) = authentication.symmetric_key.keys().ok().flatten().ok_or(Denial::Kind)?;
    let signed = [primary, secondary].map(|key| token.is_signed_by(&key));
    signed.contains(&true).then_some(()).ok_or(Denial::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        iothub::{Key, SymmetricKey, sign},
        twin::DeviceId,
    };

    const NOW: u64 = 1_000_000;

    fn authority() -> Authority {
        Authority::new(vec![HostName::parse("localhost").unwrap()], Policies::generate().unwrap())
    }

    fn header(authority: &Authority, policy: &str, resource: &str, expiry: u64) -> String {
        sign(resource, &authority.policies.get(policy).unwrap().secondary, expiry, Some(policy))
    }

    fn device() -> (Key, Authentication) {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        let text = key.reveal().to_owned();
        let keys = SymmetricKey { primary_key: Some(text.clone().into()), secondary_key: Some(text.into()) };
        (key, Authentication { symmetric_key: keys, ..Authentication::default() })
    }

    fn link(id: &str) -> LinkId {
        LinkId { device: DeviceId::new(id).unwrap(), module: None }
    }

    #[test]
    fn a_policy_opens_what_it_permits_and_nothing_else() {
        let authority = authority();
        let ask = |policy, resource, expiry, action| {
            authority.service(Some(&header(&authority, policy, resource, expiry)), action, NOW)
        };
        assert_eq!(ask("service", "localhost:8443", NOW + 1, Action::WriteTwins), Ok(()));
        assert_eq!(ask("iothubowner", "LOCALHOST", NOW + 1, Action::WriteDevices), Ok(()));
        let denied = ask("registryReadWrite", "localhost", NOW + 1, Action::WriteTwins);
        assert!(matches!(denied, Err(Denial::Permission { .. })));
        assert_eq!(ask("service", "elsewhere", NOW + 1, Action::ReadTwins), Err(SasError::Host.into()));
        assert_eq!(ask("service", "localhost/devices/d1", NOW + 1, Action::ReadTwins), Err(Denial::Scope));
        let expired = ask("service", "localhost", NOW - 301, Action::ReadTwins);
        assert!(matches!(expired, Err(Denial::Token(SasError::Expired { .. }))));
    }

    #[test]
    fn what_no_policy_signed_does_not_open_the_service() {
        let authority = authority();
        let (key, _) = device();
        let ask = |text: Option<&str>| authority.service(text, Action::ReadTwins, NOW);
        assert_eq!(ask(None), Err(Denial::NoCredentials));
        assert_eq!(ask(Some("Bearer x")), Err(SasError::Prefix.into()));
        assert_eq!(ask(Some(&sign("localhost", &key, NOW + 1, Some("nobody")))), Err(Denial::Policy));
        assert_eq!(ask(Some(&sign("localhost", &key, NOW + 1, None))), Err(Denial::Policy));
        assert_eq!(ask(Some(&sign("localhost", &key, NOW + 1, Some("service")))), Err(Denial::Signature));
    }

    #[test]
    fn a_device_key_opens_its_device_alone() {
        let authority = authority();
        let (key, authentication) = device();
        let ask = |id, resource: &str, key: &Key| {
            authority.device_token(&link(id), &authentication, &sign(resource, key, NOW + 9, None), NOW)
        };
        assert_eq!(ask("d1", "localhost/devices/d1", &key), Ok(NOW + 9));
        assert_eq!(ask("d1", "localhost/devices/d12", &key), Err(Denial::Scope));
        let other = Key::from_bytes(&[8; 32]).unwrap();
        assert_eq!(ask("d1", "localhost/devices/d1", &other), Err(Denial::Signature));
        let none = Authentication { kind: AuthenticationType::SelfSigned, ..Authentication::default() };
        let token = sign("localhost/devices/d1", &key, NOW + 9, None);
        assert_eq!(authority.device_token(&link("d1"), &none, &token, NOW), Err(Denial::Kind));
    }

    #[test]
    fn a_policy_opens_devices_only_if_it_may() {
        let authority = authority();
        let (_, authentication) = device();
        let ask = |policy, resource| {
            let token = header(&authority, policy, resource, NOW + 9);
            authority.device_token(&link("d1"), &authentication, &token, NOW)
        };
        assert_eq!(ask("device", "localhost/devices"), Ok(NOW + 9));
        assert_eq!(ask("iothubowner", "localhost"), Ok(NOW + 9));
        assert!(matches!(ask("service", "localhost"), Err(Denial::Permission { .. })));
        assert_eq!(ask("device", "localhost/devices/d2"), Err(Denial::Scope));
    }
}
