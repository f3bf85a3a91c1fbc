//! The credentials that go with every request: got once, used until shortly before their end.

use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Mutex;

use super::{
    entra::{Entra, EntraError},
    http::{Authorization, ClientError, plain_client},
    login::Login,
};
use crate::{
    iothub::{HostName, ServiceCredential, sign},
    reconcile::ports::HubError,
};

/// How long a signature lasts, in seconds, as service SDKs have it (protocol reference 1.3).
const LIFETIME: u64 = 3600;
/// How long before its end a token is replaced, in seconds: longer than clocks are apart and a request takes.
const RENEWAL: u64 = 900;
/// How long a token from a file is used before the file is read again, in seconds: nobody says when it was replaced.
const READ_AGAIN: u64 = 60;
/// How long Entra ID may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What tokens of Entra ID are for in Azure's public cloud (protocol reference 1.6), and by the ends of the names of
/// hubs elsewhere.
const RESOURCE: &str = "https://iothubs.azure.net";
const RESOURCES: [(&str, &str); 2] =
    [(".azure-devices.cn", "https://iothubs.azure.cn"), (".azure-devices.us", "https://iothubs.azure.us")];

/// Gets and keeps the token.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The hub: tokens keep naming it when a gateway is connected to (protocol reference 1.2).
    hub: String,
    source: Source,
    current: RwLock<Option<Current>>,
    /// Many requests find out at once that a token has ended; one of them gets the next.
    renewing: Mutex<()>,
}

/// Where tokens come from.
#[derive(Debug)]
enum Source {
    Shared(ServiceCredential),
    Entra { identity: Entra, http: reqwest::Client, resource: &'static str },
    File(PathBuf),
}

#[derive(Debug, Clone)]
struct Current {
    authorization: Authorization,
    renew_at: u64,
}

impl Tokens {
    pub(super) fn new(login: &Login) -> Result<Self, ClientError> {
        let source = match login {
            Login::Connection(connection) => Source::Shared(connection.credential.clone()),
            Login::TokenFile { path, .. } => Source::File(path.clone()),
            Login::Entra { host, identity } => {
                let http = plain_client(PATIENCE, None)?;
                Source::Entra { identity: identity.clone(), http, resource: resource(host) }
            }
        };
        Ok(Self { hub: login.host().to_string(), source, current: RwLock::new(None), renewing: Mutex::default() })
    }

    /// The hub, and the key or signature that we have for it.
    pub(super) fn of(&self) -> (&str, Option<&ServiceCredential>) {
        let Source::Shared(credential) = &self.source else { return (&self.hub, None) };
        (&self.hub, Some(credential))
    }

    /// A token that lasts a while.
    pub(super) async fn current(&self) -> Result<Authorization, HubError> {
        // A machine whose clock stands before 1970 will be told by the hub that its token has expired.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.at(now).await
    }

    async fn at(&self, now: u64) -> Result<Authorization, HubError> {
        if let Some(known) = self.known(now) {
            return Ok(known);
        }
        let _one_at_a_time = self.renewing.lock().await;
        if let Some(known) = self.known(now) {
            return Ok(known);
        }
        let (token, renew_at) = self.make(now).await?;
        let unusable = || unauthorized("the token has line breaks in it".to_owned());
        let authorization = Authorization::new(&token).ok_or_else(unusable)?;
        let new = Current { authorization: authorization.clone(), renew_at };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(authorization)
    }

    fn known(&self, now: u64) -> Option<Authorization> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|current| now < current.renew_at).map(|current| current.authorization.clone())
    }

    /// What to send, and from when on something else.
    async fn make(&self, now: u64) -> Result<(String, u64), HubError> {
        match &self.source {
            Source::Shared(ServiceCredential::Key { policy, key }) => {
                let expiry = now + LIFETIME;
                Ok((sign(&self.hub, key, expiry, Some(policy)), expiry - RENEWAL))
            }
            Source::Shared(ServiceCredential::Signature(ready)) => Ok((ready.reveal().to_owned(), u64::MAX)),
            Source::File(path) => Ok((bearer(&read(path).await?), now + READ_AGAIN)),
            Source::Entra { identity, http, resource } => {
                let token = identity.token(http, resource).await.map_err(refused)?;
                let lasts = token.lasts.as_secs();
                // Of a short one a fifth is left.
                Ok((bearer(&token.text), now + lasts - RENEWAL.min(lasts / 5)))
            }
        }
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn read(path: &Path) -> Result<String, HubError> {
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| unauthorized(format!("cannot read the token in {}: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

/// What tokens for a hub are for: its cloud's hubs.
fn resource(host: &HostName) -> &'static str {
    let name = host.name().to_ascii_lowercase();
    RESOURCES.iter().find(|(end, _)| name.ends_with(end)).map_or(RESOURCE, |(_, resource)| resource)
}

fn unauthorized(message: String) -> HubError {
    HubError::Unauthorized { message }
}

/// Whoever does not answer may do so later; whoever refuses, or whom nobody vouches for, will not.
fn refused(error: EntraError) -> HubError {
    match error {
        EntraError::Unreachable { .. } => HubError::Unreachable(Box::new(error)),
        EntraError::Federated { ref cause, .. } => unauthorized(format!("{error}: {cause}")),
        other => unauthorized(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iothub::ServiceConnection;

    fn tokens(text: &str) -> Tokens {
        Tokens::new(&Login::from(&ServiceConnection::parse(text).unwrap())).unwrap()
    }

    fn renew_at(tokens: &Tokens) -> Option<u64> {
        tokens.current.read().unwrap().as_ref().map(|current| current.renew_at)
    }

    #[tokio::test]
    async fn a_token_is_signed_once_and_renewed_before_its_end() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let tokens = tokens(&format!("HostName=h.net;SharedAccessKeyName=owner;SharedAccessKey={key}"));
        tokens.at(1000).await.unwrap();
        assert_eq!(renew_at(&tokens), Some(1000 + 3600 - 900));
        tokens.at(3699).await.unwrap();
        assert_eq!(renew_at(&tokens), Some(3700));
        tokens.at(3700).await.unwrap();
        assert_eq!(renew_at(&tokens), Some(3700 + 2700));
    }

    #[tokio::test]
    async fn a_ready_token_is_used_as_it_is_and_never_shown() {
        let tokens = tokens("HostName=h.net;SharedAccessSignature=SharedAccessSignature sr=h&sig=s3cret&se=9");
        let current = tokens.at(u64::MAX / 2).await.unwrap();
        assert!(!format!("{current:?}").contains("s3cret"), "{current:?}");
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn a_token_in_a_file_is_read_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let login = Login::TokenFile { host: HostName::parse("hub.example").unwrap(), path: path.clone() };
        let tokens = Tokens::new(&login).unwrap();
        let missing = tokens.at(1000).await.unwrap_err();
        assert!(matches!(&missing, HubError::Unauthorized { message } if message.contains("token")), "{missing}");
        std::fs::write(&path, "first\n").unwrap();
        assert!(tokens.at(1000).await.unwrap().is("Bearer first"));
        std::fs::write(&path, "second\n").unwrap();
        assert!(tokens.at(1059).await.unwrap().is("Bearer first"));
        assert!(tokens.at(1060).await.unwrap().is("Bearer second"));
        assert!(!format!("{tokens:?}").contains("second"));
    }

    #[test]
    fn a_token_of_entra_is_for_the_hubs_of_the_cloud() {
        let resource = |name: &str| super::resource(&HostName::parse(name).unwrap());
        assert_eq!(resource("contoso.azure-devices.net"), "https://iothubs.azure.net");
        assert_eq!(resource("Contoso.Azure-Devices.CN"), "https://iothubs.azure.cn");
        assert_eq!(resource("contoso.azure-devices.us"), "https://iothubs.azure.us");
        assert_eq!(resource("localhost:8443"), RESOURCE);
    }
}
