//! What tokens are signed with: a JSON Web Key Set, read leniently, and signatures checked against it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Most keys of an issuer that are looked at.
const MOST: usize = 100;

/// How tokens may be signed. Nothing else is taken, above all not `none`, and no secret shared with the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// A key of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    only: Option<Algorithm>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// An uncompressed point.
    P256(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A member of the set, as far as it matters.
#[derive(Deserialize)]
struct Raw {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that tokens can be checked with; others are skipped.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Key>, serde_json::Error> {
    let set: Set = serde_json::from_slice(text)?;
    Ok(set.keys.into_iter().take(MOST).filter_map(|raw| Key::read(serde_json::from_value(raw).ok()?)).collect())
}

impl Key {
    fn read(raw: Raw) -> Option<Self> {
        if raw.purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let only = match raw.alg {
            Some(name) => Some(Algorithm::named(&name)?),
            None => None,
        };
        let kind = match (raw.kty.as_str(), raw.crv.as_deref()) {
            ("RSA", _) => Kind::Rsa(number(&raw.n?)?, number(&raw.e?)?),
            ("EC", Some("P-256")) => Kind::P256(point(&raw.x?, &raw.y?)?),
            _ => return None,
        };
        Some(Self { id: raw.kid, only, kind })
    }

    /// Whether it may be the key that a token names; one that names none may be signed with any.
    pub(super) fn may_be(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        let fits = matches!(
            (&self.kind, algorithm),
            (Kind::Rsa(..), Algorithm::Rs256 | Algorithm::Ps256) | (Kind::P256(_), Algorithm::Es256)
        );
        fits && self.only.is_none_or(|only| only == algorithm) && id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    /// Whether it made a signature.
    pub(super) fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (&self.kind, algorithm) {
            (Kind::Rsa(n, e), Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            (Kind::Rsa(n, e), Algorithm::Ps256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PSS_2048_8192_SHA256, message, signature).is_ok()
            }
            (Kind::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// A big number without the zeros before it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn point(x: &str, y: &str) -> Option<Vec<u8>> {
    let part = |text| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
    Some([vec![4], part(x)?, part(y)?].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_cannot_sign_tokens_are_skipped() {
        let rsa = json!({"kty": "RSA", "kid": "a", "n": "AAEC", "e": "AQAB", "x5c": ["?"]});
        let with = |name: &str, value: &str| {
            let mut key = rsa.clone();
            key[name] = json!(value);
            key
        };
        let half = URL_SAFE_NO_PAD.encode([7; 32]);
        let keys = [
            rsa.clone(),
            with("use", "enc"),
            with("alg", "RSA-OAEP"),
            with("kty", "oct"),
            with("n", "?"),
            json!(7),
            json!({"kty": "EC", "crv": "P-256", "x": half, "y": half}),
            json!({"kty": "EC", "crv": "P-384", "x": half, "y": half}),
            json!({"kty": "EC", "crv": "P-256", "x": half, "y": "AA"}),
            with("alg", "PS256"),
        ];
        let keys = parse(json!({"keys": keys}).to_string().as_bytes()).unwrap();
        assert_eq!(keys.len(), 3);
        assert_eq!(keys[0].kind, Kind::Rsa(vec![1, 2], vec![1, 0, 1]));
        let fits =
            |key: &Key, id| [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256].map(|one| key.may_be(id, one));
        assert_eq!(fits(&keys[0], Some("a")), [true, true, false]);
        assert_eq!(fits(&keys[0], Some("b")), [false; 3]);
        assert_eq!(fits(&keys[1], None), [false, false, true]);
        assert_eq!(fits(&keys[2], Some("a")), [false, true, false]);
        assert!(!keys.iter().any(|key| key.signed(Algorithm::Es256, b"m", &[0; 64])));
        assert!(parse(b"{}").is_err() && parse(b"").is_err());
    }

    proptest! {
        #[test]
        fn no_set_makes_the_parser_panic(n in "[A-Za-z0-9_-]{0,20}", kty in "RSA|EC|x", alg in "RS256|ES256|none") {
            let set = json!({"keys": [{"kty": kty, "crv": "P-256", "n": n, "e": n, "x": n, "y": n}]}).to_string();
            for key in parse(set.as_bytes()).unwrap() {
                prop_assert!(Algorithm::named(&alg).is_none_or(|alg| !key.signed(alg, b"message", b"signature")));
            }
        }
    }
}
