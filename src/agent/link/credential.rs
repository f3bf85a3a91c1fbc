//! How the device proves itself: tokens, and when the next one is due (protocol reference 1.3).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::iothub::{Audience, DeviceConnection, DeviceCredential, SasToken, Scope, Secret, sign};

/// How long a token that we sign lasts.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long before its end a connection moves to the next one.
const MARGIN: Duration = Duration::from_mins(5);

/// Why a device cannot prove itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A certificate was announced.
    #[error("this agent cannot use a client certificate; give it a connection string with a SharedAccessKey")]
    Certificate,
    /// The ready token is none.
    #[error("the SharedAccessSignature of the connection string cannot be read")]
    Token(#[source] crate::iothub::SasError),
}

/// A token and how long a connection may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) token: Secret,
    /// When to connect anew; `None` when there is no other token to come.
    pub(super) renew_after: Option<Duration>,
}

/// Whether the device can prove itself at all.
///
/// # Errors
/// When the connection string holds nothing to do it with.
pub(crate) fn check(connection: &DeviceConnection) -> Result<(), CredentialError> {
    pass(connection, SystemTime::now()).map(|_| ())
}

/// The token for a connection that begins now.
///
/// # Errors
/// When the connection string holds nothing to make one from.
pub(super) fn pass(connection: &DeviceConnection, now: SystemTime) -> Result<Pass, CredentialError> {
    match &connection.credential {
        DeviceCredential::Key(key) => {
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            let token = sign(&audience(connection).to_string(), key, (since + LIFETIME).as_secs(), None);
            // Devices that started together do not all come back in the same second.
            let early = MARGIN.mul_f64(1.0 + fastrand::f64());
            Ok(Pass { token: Secret::new(token), renew_after: Some(LIFETIME.saturating_sub(early)) })
        }
        DeviceCredential::Signature(token) => {
            SasToken::parse(token.reveal()).map_err(CredentialError::Token)?;
            Ok(Pass { token: token.clone(), renew_after: None })
        }
        DeviceCredential::X509 => Err(CredentialError::Certificate),
    }
}

fn audience(connection: &DeviceConnection) -> Audience {
    let device = connection.device_id.clone();
    let scope = match &connection.module_id {
        Some(module) => Scope::Module(device, module.clone()),
        None => Scope::Device(device),
    };
    Audience { host: connection.host.to_string(), scope }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(rest: &str) -> DeviceConnection {
        DeviceConnection::parse(&format!("HostName=hub.example;DeviceId=d1;{rest}")).unwrap()
    }

    #[test]
    fn a_key_signs_a_token_for_its_own_device_and_it_is_renewed_before_its_end() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let pass = pass(&connection("SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), now).unwrap();
        let token = SasToken::parse(pass.token.reveal()).unwrap();
        assert_eq!(token.expires_at(), 1_003_600);
        assert_eq!(token.audience().unwrap().scope, Scope::Device("d1".into()));
        let renew = pass.renew_after.unwrap();
        assert!(renew + MARGIN <= LIFETIME && renew + 2 * MARGIN >= LIFETIME);
    }

    #[test]
    fn a_certificate_is_refused_before_connecting() {
        assert_eq!(pass(&connection("x509=true"), UNIX_EPOCH), Err(CredentialError::Certificate));
    }
}
