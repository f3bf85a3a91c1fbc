//! SAS tokens, signed and verified (protocol reference 1.3).
//!
//! Verifying goes in steps, because a hub has to look a key up in between: [`SasToken::parse`],
//! [`SasToken::check_expiry`], look up the key by [`SasToken::policy`] or by device, [`SasToken::is_signed_by`],
//! [`SasToken::scope_at`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::audience::{Audience, Scope};
use super::escape;
use super::host::HostName;
use super::key::Key;

/// How far clocks may be apart, in seconds, before a token counts as expired.
pub const CLOCK_SKEW_SECONDS: u64 = 300;

const PREFIX: &str = "SharedAccessSignature ";

/// Why a token is refused. Messages are for the hub's log; they hold nothing of the token's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SasError {
    /// Not a token at all.
    #[error("the token does not begin with `SharedAccessSignature `")]
    Prefix,
    /// A field is not there.
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    /// A field stands twice.
    #[error("the token has `{0}` twice")]
    Duplicate(&'static str),
    /// A field does not read.
    #[error("the token's `{0}` cannot be read")]
    Unreadable(&'static str),
    /// Too old.
    #[error("the token expired at {expired} (seconds since 1970)")]
    Expired {
        /// The end it carries, in seconds since 1970 UTC.
        expired: u64,
    },
    /// For another hub.
    #[error("the token is for another host")]
    Host,
    /// For no part of a hub.
    #[error("the token's resource is no part of a hub")]
    Resource,
}

/// A parsed token. `Debug` leaves the signature out.
#[derive(Clone, PartialEq, Eq)]
pub struct SasToken {
    /// `sr` exactly as it stands: the signature is over this text, not over a decoded one.
    resource: String,
    /// `se` exactly as it stands.
    expiry_text: String,
    expiry: u64,
    signature: Vec<u8>,
    policy: Option<String>,
}

impl SasToken {
    /// Reads a token; the order of its fields does not matter, fields it does not know are skipped.
    ///
    /// # Errors
    ///
    /// When a field is missing, doubled or unreadable.
    pub fn parse(text: &str) -> Result<Self, SasError> {
        let fields = text.trim().strip_prefix(PREFIX).ok_or(SasError::Prefix)?;
        let [mut sr, mut sig, mut se, mut skn] = [None; 4];
        for (name, value) in escape::pairs(fields) {
            let (slot, name) = match name {
                "sr" => (&mut sr, "sr"),
                "sig" => (&mut sig, "sig"),
                "se" => (&mut se, "se"),
                "skn" => (&mut skn, "skn"),
                _ => continue,
            };
            if slot.replace(value.unwrap_or_default()).is_some() {
                return Err(SasError::Duplicate(name));
            }
        }
        let expiry_text = se.ok_or(SasError::Missing("se"))?;
        let signature = escape::decode(sig.ok_or(SasError::Missing("sig"))?).ok_or(SasError::Unreadable("sig"))?;
        let policy = skn.filter(|name| !name.is_empty()).map(escape::decode);
        Ok(Self {
            resource: sr.ok_or(SasError::Missing("sr"))?.to_owned(),
            expiry_text: expiry_text.to_owned(),
            expiry: seconds(expiry_text).ok_or(SasError::Unreadable("se"))?,
            signature: STANDARD.decode(signature).map_err(|_| SasError::Unreadable("sig"))?,
            policy: policy.map(|name| name.ok_or(SasError::Unreadable("skn"))).transpose()?,
        })
    }

    /// When the token ends, in seconds since 1970 UTC; a link opened with it is cut then.
    pub fn expires_at(&self) -> u64 {
        self.expiry
    }

    /// The policy whose key signed it; none when a device's or module's own key did.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// Whether the token still lasts, with [`CLOCK_SKEW_SECONDS`] of grace. `now` is in seconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// [`SasError::Expired`].
    pub fn check_expiry(&self, now: u64) -> Result<(), SasError> {
        if self.expiry.saturating_add(CLOCK_SKEW_SECONDS) > now {
            Ok(())
        } else {
            Err(SasError::Expired { expired: self.expiry })
        }
    }

    /// Whether a key made the signature, in constant time.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        key.verifies(to_sign(&self.resource, &self.expiry_text).as_bytes(), &self.signature)
    }

    /// What the token is for, wherever that is.
    ///
    /// # Errors
    ///
    /// [`SasError::Resource`] when that is no part of a hub.
    pub fn audience(&self) -> Result<Audience, SasError> {
        let decoded = escape::decode(&self.resource).ok_or(SasError::Unreadable("sr"))?;
        Audience::parse(&decoded).ok_or(SasError::Resource)
    }

    /// What the token opens at a given hub.
    ///
    /// # Errors
    ///
    /// [`SasError::Host`] when it is for another hub, [`SasError::Resource`] when for no part of one.
    pub fn scope_at(&self, host: &HostName) -> Result<Scope, SasError> {
        let audience = self.audience()?;
        if host.is(&audience.host) { Ok(audience.scope) } else { Err(SasError::Host) }
    }
}

impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasToken")
            .field("resource", &self.resource)
            .field("expiry", &self.expiry)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Decimal digits only; an `i64` is as far as any SDK goes.
fn seconds(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?
}

fn to_sign(resource: &str, expiry: &str) -> String {
    format!("{resource}\n{expiry}")
}

/// Signs a token for a resource that is not yet encoded, e.g. an [`Audience`]. `expiry` is in seconds since 1970 UTC;
/// `policy` is given with a policy's key and left out with a device's own.
pub fn sign(resource: &str, key: &Key, expiry: u64, policy: Option<&str>) -> String {
    let resource = escape::encode(resource);
    let signature = STANDARD.encode(key.hmac(to_sign(&resource, &expiry.to_string()).as_bytes()));
    let mut token = format!("{PREFIX}sr={resource}&sig={}&se={expiry}", escape::encode(&signature));
    if let Some(policy) = policy {
        token.push_str("&skn=");
        token.push_str(&escape::encode(policy));
    }
    token
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::from_bytes(&[9; 32]).unwrap()
    }

    /// A token as some SDK would write it, with its own idea of encoding.
    fn written(resource: &str, order: &str) -> String {
        let signature = STANDARD.encode(key().hmac(format!("{resource}\n2000000000").as_bytes()));
        let fields = order.replace("SR", resource).replace("SIG", &signature.replace('+', "%2B").replace('=', "%3D"));
        format!("SharedAccessSignature {fields}")
    }

    #[test]
    fn tokens_of_every_sdk_verify_over_their_text_as_it_stands() {
        let host = HostName::parse("localhost").unwrap();
        for (resource, order, scope) in [
            ("localhost%3A9443", "sr=SR&sig=SIG&se=2000000000&skn=iothubowner", Scope::Hub),
            ("localhost", "sr=SR&sig=SIG&skn=iothubowner&se=2000000000", Scope::Hub),
            ("localhost%2Fdevices%2Fd1", "sr=SR&sig=SIG&se=2000000000", Scope::Device("d1".into())),
            ("localhost%3A9883%2Fdevices%2Fd1", "sr=SR&sig=SIG&se=2000000000", Scope::Device("d1".into())),
            (
                "localhost%2Fdevices%2Fd1%2Fmodules%2Fm",
                "sr=SR&sig=SIG&se=2000000000&skn=",
                Scope::Module("d1".into(), "m".into()),
            ),
            ("localhost/devices", "sr=SR&sig=SIG&skn=iothub%6Fwner&se=2000000000", Scope::AllDevices),
            ("localhost%2fdevices%2fd%231", "se=2000000000&sr=SR&sig=SIG", Scope::Device("d#1".into())),
            ("LOCALHOST/devices/d1/api-version=2016-11-14", "sr=SR&sig=SIG&se=2000000000", Scope::Device("d1".into())),
            ("localhost/devices/d1/modules/m1", "sr=SR&sig=SIG&se=2000000000", Scope::Module("d1".into(), "m1".into())),
        ] {
            let token = SasToken::parse(&written(resource, order)).unwrap();
            assert!(token.is_signed_by(&key()), "{resource}");
            assert_eq!(token.scope_at(&host), Ok(scope), "{resource}");
        }
        let node_dps = SasToken::parse(&written("0ne1/registrations/R1", "sr=SR&sig=SIG&se=2000000000")).unwrap();
        assert!(node_dps.audience().unwrap().scope.allows_registration("r1"));
    }

    #[test]
    fn a_device_token_is_the_one_that_another_implementation_makes() {
        let key = Key::parse("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
        let expected = "SharedAccessSignature sr=myhub.azure-devices.net%2Fdevices%2Fd1\
             &sig=sIOVyeanP3CtRzRZM3MSNU1cro6SLuf21EUzsFQWnzI%3D&se=2000000000";
        assert_eq!(sign("myhub.azure-devices.net/devices/d1", &key, 2_000_000_000, None), expected);
    }

    #[test]
    fn a_bare_plus_in_a_signature_stays_a_plus() {
        let resource = (0..1000)
            .map(|n| format!("h/devices/d{n}"))
            .find(|resource| STANDARD.encode(key().hmac(format!("{resource}\n2000000000").as_bytes())).contains('+'))
            .unwrap();
        let signature = STANDARD.encode(key().hmac(format!("{resource}\n2000000000").as_bytes()));
        let text = format!("SharedAccessSignature sr={resource}&sig={signature}&se=2000000000");
        assert!(SasToken::parse(&text).unwrap().is_signed_by(&key()));
    }

    #[test]
    fn a_signature_may_be_escaped_as_much_or_as_little_as_the_sdks_do() {
        let plain = (0..1000)
            .map(|n| format!("h/devices/d{n}"))
            .map(|resource| (STANDARD.encode(key().hmac(format!("{resource}\n2000000000").as_bytes())), resource))
            .find(|(signature, _)| signature.contains('+') && signature.contains('/'));
        let (signature, resource) = plain.unwrap();
        let service = signature.replace('+', "%2B").replace('=', "%3D");
        let lower = signature.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d");
        for signature in [&signature, &service, &escape::encode(&signature), &lower] {
            let text = format!("SharedAccessSignature sr={resource}&sig={signature}&se=2000000000");
            assert!(SasToken::parse(&text).unwrap().is_signed_by(&key()), "{signature}");
        }
    }

    #[test]
    fn scopes_match_whole_segments() {
        let device = Scope::Device("a".into());
        assert!(device.allows_device("a") && !device.allows_device("ab") && !device.allows_device("A"));
        assert!(device.allows_module("a", "m") && !device.allows_service());
        let module = Scope::Module("a".into(), "m".into());
        assert!(module.allows_module("a", "m") && !module.allows_module("a", "n") && !module.allows_device("a"));
        assert!(Scope::Hub.allows_service() && Scope::Hub.allows_device("x") && !Scope::AllDevices.allows_service());
        let odd = Audience { host: "h".into(), scope: Scope::Device("api-version=1".into()) };
        assert_eq!(Audience::parse("h/devices/api-version=1"), Some(odd.clone()), "an id, not all devices");
        assert_eq!(Audience::parse("h/devices/api-version=1/api-version=2"), Some(odd));
        assert_eq!(Audience::parse("h/devices/a/messages/events"), None);
        assert_eq!(Audience::parse("h//devices"), None);
        assert_eq!(Audience::parse(""), None);
    }

    #[test]
    fn expiry_has_five_minutes_of_grace() {
        let token = SasToken::parse(&sign("h", &key(), 1000, None)).unwrap();
        assert_eq!(token.check_expiry(1299), Ok(()));
        assert_eq!(token.check_expiry(1300), Err(SasError::Expired { expired: 1000 }));
    }

    #[test]
    fn broken_tokens_are_refused_for_the_right_reason() {
        for (text, error) in [
            ("Bearer x", SasError::Prefix),
            ("SharedAccessSignature sig=AA%3D%3D&se=1", SasError::Missing("sr")),
            ("SharedAccessSignature sr=h&se=1", SasError::Missing("sig")),
            ("SharedAccessSignature sr=h&sig=AA%3D%3D", SasError::Missing("se")),
            ("SharedAccessSignature sr=h&sr=g&sig=AA%3D%3D&se=1", SasError::Duplicate("sr")),
            ("SharedAccessSignature sr=h&sig=AA%3D%3D&se=-1", SasError::Unreadable("se")),
            ("SharedAccessSignature sr=h&sig=AA%3D%3D&se=", SasError::Unreadable("se")),
            ("SharedAccessSignature sr=h&sig=A&se=1", SasError::Unreadable("sig")),
        ] {
            assert_eq!(SasToken::parse(text), Err(error), "{text}");
        }
        let other = SasToken::parse(&sign("other", &key(), 1, None)).unwrap();
        assert_eq!(other.scope_at(&HostName::parse("hub").unwrap()), Err(SasError::Host));
        assert!(!format!("{other:?}").contains("signature"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>(), fields in "(sr|sig|se|skn|=|&|%|%2|a|1|/){0,20}") {
            let _ = SasToken::parse(&text);
            if let Ok(token) = SasToken::parse(&format!("{PREFIX}{fields}")) {
                let _ = token.audience();
                prop_assert!(!token.is_signed_by(&key()));
            }
        }

        #[test]
        fn what_is_signed_verifies_and_nothing_else(device in "[a-zA-Z0-9%#+&=;$ ]{1,20}", se in 0..u64::MAX, policy in ".{1,9}") {
            let audience = Audience { host: "h".into(), scope: Scope::Device(device) };
            let token = SasToken::parse(&sign(&audience.to_string(), &key(), se, Some(&policy))).unwrap();
            prop_assert!(token.is_signed_by(&key()) && !token.is_signed_by(&Key::from_bytes(&[8; 32]).unwrap()));
            prop_assert_eq!(token.audience(), Ok(audience));
            prop_assert_eq!((token.policy(), token.expires_at()), (Some(policy.as_str()), se));
        }
    }
}
