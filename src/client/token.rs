//! The credentials that go with every request: signed once, used for an hour.

use std::{
    sync::{PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};

use super::http::Authorization;
use crate::{
    iothub::{ServiceConnection, ServiceCredential, sign},
    reconcile::ports::HubError,
};

/// How long a token lasts, in seconds, as service SDKs have it (protocol reference 1.3).
const LIFETIME: u64 = 3600;
/// How long before its end a token is replaced: longer than clocks are apart and a request takes.
const RENEWAL: u64 = 900;

/// Makes and keeps the token.
#[derive(Debug)]
pub(super) struct Tokens {
    /// What tokens are for: tokens keep naming the hub when a gateway is connected to (protocol reference 1.2).
    resource: String,
    credential: ServiceCredential,
    current: RwLock<Option<Current>>,
}

#[derive(Debug, Clone)]
struct Current {
    authorization: Authorization,
    renew_at: u64,
}

impl Tokens {
    pub(super) fn new(connection: &ServiceConnection) -> Self {
        Self {
            resource: connection.host.to_string(),
            credential: connection.credential.clone(),
            current: RwLock::new(None),
        }
    }

    /// The hub, and what proves that we may ask it.
    pub(super) fn of(&self) -> (&str, &ServiceCredential) {
        (&self.resource, &self.credential)
    }

    /// A token that lasts a while.
    pub(super) fn current(&self) -> Result<Authorization, HubError> {
        // A machine whose clock stands before 1970 will be told by the hub that its token has expired.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.at(now)
    }

    fn at(&self, now: u64) -> Result<Authorization, HubError> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = known.as_ref().filter(|current| now < current.renew_at) {
            return Ok(current.authorization.clone());
        }
        drop(known);
        let new = self.make(now)?;
        let authorization = new.authorization.clone();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(authorization)
    }

    fn make(&self, now: u64) -> Result<Current, HubError> {
        let expiry = now + LIFETIME;
        let (token, renew_at) = match &self.credential {
            ServiceCredential::Key { policy, key } => {
                (sign(&self.resource, key, expiry, Some(policy)), expiry - RENEWAL)
            }
            ServiceCredential::Signature(ready) => (ready.reveal().to_owned(), u64::MAX),
        };
        let unusable = || HubError::Unauthorized { message: "the SharedAccessSignature has line breaks in it".into() };
        Ok(Current { authorization: Authorization::new(&token).ok_or_else(unusable)?, renew_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Tokens {
        Tokens::new(&ServiceConnection::parse(text).unwrap())
    }

    fn text(authorization: &Authorization) -> String {
        format!("{authorization:?}")
    }

    #[test]
    fn a_token_is_signed_once_and_renewed_before_its_end() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let tokens = tokens(&format!("HostName=h.net;SharedAccessKeyName=owner;SharedAccessKey={key}"));
        tokens.at(1000).unwrap();
        let renew_at = |tokens: &Tokens| tokens.current.read().unwrap().as_ref().map(|current| current.renew_at);
        assert_eq!(renew_at(&tokens), Some(1000 + 3600 - 900));
        tokens.at(3699).unwrap();
        assert_eq!(renew_at(&tokens), Some(3700));
        tokens.at(3700).unwrap();
        assert_eq!(renew_at(&tokens), Some(3700 + 2700));
    }

    #[test]
    fn a_ready_token_is_used_as_it_is_and_never_shown() {
        let tokens = tokens("HostName=h.net;SharedAccessSignature=SharedAccessSignature sr=h&sig=s3cret&se=9");
        let current = tokens.at(u64::MAX / 2).unwrap();
        assert!(!text(&current).contains("s3cret"), "{current:?}");
        assert!(!format!("{tokens:?}").contains("s3cret"));
    }
}
