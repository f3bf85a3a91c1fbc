//! How the device proves itself: tokens, and when the next one is due (protocol reference 1.3).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Settings;
use crate::iothub::{Audience, DeviceConnection, DeviceCredential, SasToken, Scope, Secret, sign};

/// How long a token that we sign lasts.
pub(crate) const LIFETIME: Duration = Duration::from_hours(1);
/// The part of that time before whose beginning a connection moves to the next token: five minutes of an hour.
const MARGIN: u32 = 12;

/// Why a device cannot prove itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A certificate is announced and none is there.
    #[error(
        "the connection string says x509=true; name the device's certificate and its key with --certificate and --key"
    )]
    NoCertificate,
    /// Two ways at once.
    #[error("the connection string holds a key, and --certificate names a certificate; keep one of them")]
    Both,
    /// The ready token is none.
    #[error("the SharedAccessSignature of the connection string cannot be read")]
    Token(#[source] crate::iothub::SasError),
}

/// A token and how long a connection may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    /// None when the certificate of the connection says it all.
    pub(super) token: Option<Secret>,
    /// When to connect anew; `None` when there is no other token to come.
    pub(super) renew_after: Option<Duration>,
}

/// Whether the device can prove itself at all.
///
/// # Errors
/// When the connection string holds nothing to do it with.
pub(crate) fn check(settings: &Settings) -> Result<(), CredentialError> {
    match (&settings.connection.credential, &settings.certificate) {
        (DeviceCredential::X509, None) => Err(CredentialError::NoCertificate),
        (DeviceCredential::Key(_) | DeviceCredential::Signature(_), Some(_)) => Err(CredentialError::Both),
        _ => pass(&settings.connection, SystemTime::now(), LIFETIME).map(|_| ()),
    }
}

/// The token for a connection that begins now.
///
/// # Errors
/// When the connection string holds nothing to make one from.
pub(super) fn pass(
    connection: &DeviceConnection,
    now: SystemTime,
    lifetime: Duration,
) -> Result<Pass, CredentialError> {
    match &connection.credential {
        DeviceCredential::Key(key) => {
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            // Rounded up: a short one would be over before its time.
            let token = sign(&audience(connection).to_string(), key, (since + lifetime).as_secs() + 1, None);
            // Devices that started together do not all come back in the same second.
            let early = (lifetime / MARGIN).mul_f64(1.0 + fastrand::f64());
            Ok(Pass { token: Some(Secret::new(token)), renew_after: Some(lifetime.saturating_sub(early)) })
        }
        DeviceCredential::Signature(token) => {
            SasToken::parse(token.reveal()).map_err(CredentialError::Token)?;
            Ok(Pass { token: Some(token.clone()), renew_after: None })
        }
        DeviceCredential::X509 => Ok(Pass { token: None, renew_after: None }),
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
    use crate::agent::net::Certificate;

    const KEY: &str = "SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn connection(rest: &str) -> DeviceConnection {
        DeviceConnection::parse(&format!("HostName=hub.example;DeviceId=d1;{rest}")).unwrap()
    }

    #[test]
    fn a_key_signs_a_token_for_its_own_device_and_it_is_renewed_before_its_end() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let pass = pass(&connection(KEY), now, LIFETIME).unwrap();
        let token = SasToken::parse(pass.token.unwrap().reveal()).unwrap();
        assert_eq!(token.expires_at(), 1_003_601);
        assert_eq!(token.audience().unwrap().scope, Scope::Device("d1".into()));
        let renew = pass.renew_after.unwrap();
        let margin = LIFETIME / MARGIN;
        assert!(renew + margin <= LIFETIME && renew + 2 * margin >= LIFETIME);
    }

    #[test]
    fn a_key_and_a_certificate_are_told_apart_before_connecting() {
        let files = Certificate { chain: "c".into(), key: "k".into() };
        let checked = |rest, certificate| {
            let address = "hub.example:8883".parse().unwrap();
            check(&Settings { certificate, ..Settings::new(connection(rest), address) })
        };
        assert_eq!(checked("x509=true", None), Err(CredentialError::NoCertificate));
        assert_eq!(checked("x509=true", Some(files.clone())), Ok(()));
        assert_eq!(checked(KEY, Some(files)), Err(CredentialError::Both));
        let pass = pass(&connection("x509=true"), UNIX_EPOCH, LIFETIME).unwrap();
        assert_eq!(pass, Pass { token: None, renew_after: None });
    }
}
