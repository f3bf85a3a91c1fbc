//! JSON Web Tokens, taken apart and checked (RFC 7519, RFC 7515).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::keys::{Algorithm, Key};
use crate::iothub::CLOCK_SKEW_SECONDS;

/// Longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why a bearer token is refused. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BearerError {
    /// Not three parts of base64, or no JSON in them.
    #[error("it cannot be read")]
    Unreadable,
    /// Not among RS256, PS256 and ES256.
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    /// The keys were never fetched, or too long ago.
    #[error("the issuer's keys are not known")]
    NoKeys,
    /// None of the keys is the one that it names.
    #[error("it is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// The signature is another's.
    #[error("the signature is wrong")]
    Signature,
    /// Of another issuer.
    #[error("it is another issuer's")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// Over, or without an end.
    #[error("it has expired, or has no end")]
    Expired,
    /// Not yet.
    #[error("it does not hold yet")]
    Early,
}

/// A token whose signature nobody has looked at yet.
pub(crate) struct Token<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key: Option<String>,
    claims: Value,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood; we understand none.
    crit: Option<Value>,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    pub(crate) fn parse(text: &'t str) -> Result<Self, BearerError> {
        let (signed, signature) = text.rsplit_once('.').ok_or(BearerError::Unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or(BearerError::Unreadable)?;
        if text.len() > LONGEST {
            return Err(BearerError::Unreadable);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BearerError::Unreadable);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| BearerError::Unreadable)?;
        let algorithm = Algorithm::named(&header.alg).filter(|_| header.crit.is_none());
        Ok(Self {
            signed,
            signature: decode(signature)?,
            algorithm: algorithm.ok_or(BearerError::Algorithm)?,
            key: header.kid,
            claims: serde_json::from_slice(&decode(claims)?).map_err(|_| BearerError::Unreadable)?,
        })
    }

    /// Checks the signature with the keys of the issuer.
    ///
    /// # Errors
    /// [`BearerError::UnknownKey`] when none of them is the one that the token names: there may be newer ones.
    pub(crate) fn check_signature(&self, keys: &[Key]) -> Result<(), BearerError> {
        let mut candidates = keys.iter().filter(|key| key.may_be(self.key.as_deref(), self.algorithm)).peekable();
        if candidates.peek().is_none() {
            return Err(BearerError::UnknownKey);
        }
        let signed = candidates.any(|key| key.signed(self.algorithm, self.signed.as_bytes(), &self.signature));
        if signed { Ok(()) } else { Err(BearerError::Signature) }
    }

    /// Checks whose the token is, for whom (one of `audiences`) and when. Its claims, if all is well. `now` is in seconds
    /// since 1970.
    pub(crate) fn check_claims(self, issuer: &str, audiences: &[String], now: u64) -> Result<Value, BearerError> {
        let claims = self.claims;
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(BearerError::Issuer);
        }
        let is_ours = |value: &Value| value.as_str().is_some_and(|text| audiences.iter().any(|one| one == text));
        let for_us = match claims.get("aud") {
            Some(Value::Array(many)) => many.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if !for_us {
            return Err(BearerError::Audience);
        }
        let expires = claims.get("exp").and_then(seconds).ok_or(BearerError::Expired)?;
        if expires.saturating_add(CLOCK_SKEW_SECONDS) <= now {
            return Err(BearerError::Expired);
        }
        let begins = claims.get("nbf").map(|begins| seconds(begins).ok_or(BearerError::Early)).transpose()?;
        if begins.is_some_and(|begins| begins > now.saturating_add(CLOCK_SKEW_SECONDS)) {
            return Err(BearerError::Early);
        }
        Ok(claims)
    }
}

/// A date of a token; it may have a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, and saturating")]
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    fn checked(token: &str, now: u64) -> Result<Value, BearerError> {
        Token::parse(token).unwrap().check_claims("https://issuer", &["hub".to_owned(), "other".to_owned()], now)
    }

    fn text(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn only_strong_signatures_are_taken() {
        let algorithm = |header| Token::parse(&text(&header, &json!({}))).err();
        assert_eq!(algorithm(json!({"alg": "RS256"})), None);
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"alg": "rs256"}),
            json!({"alg": "RS384"}),
            json!({"alg": "RS256", "crit": ["exp"]}),
        ] {
            assert_eq!(algorithm(header.clone()), Some(BearerError::Algorithm), "{header}");
        }
        let long = text(&json!({"alg": "RS256"}), &json!({"x": "y".repeat(LONGEST)}));
        for bad in ["", "a", "a.b", "a.b.c", "....", "e30.e30.", &long] {
            assert_eq!(Token::parse(bad).err(), Some(BearerError::Unreadable), "{bad}");
        }
    }

    #[test]
    fn claims_are_checked_with_some_grace_for_clocks() {
        let check = |change: fn(&mut Value)| {
            let mut claims = json!({"iss": "https://issuer", "aud": "hub", "exp": NOW + 60, "nbf": NOW - 60});
            change(&mut claims);
            checked(&text(&json!({"alg": "ES256"}), &claims), NOW).map(drop)
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|claims| claims["aud"] = json!(["x", "other"])), Ok(()));
        assert_eq!(check(|claims| claims["exp"] = json!(999_700.5)), Err(BearerError::Expired));
        assert_eq!(check(|claims| claims["exp"] = json!(999_701)), Ok(()));
        assert_eq!(check(|claims| claims["exp"] = json!(-1)), Err(BearerError::Expired));
        assert_eq!(check(|claims| claims["exp"] = Value::Null), Err(BearerError::Expired));
        assert_eq!(check(|claims| claims["nbf"] = json!(NOW + 300)), Ok(()));
        assert_eq!(check(|claims| claims["nbf"] = json!(NOW + 301)), Err(BearerError::Early));
        assert_eq!(check(|claims| claims["nbf"] = json!("soon")), Err(BearerError::Early));
        assert_eq!(check(|claims| claims["iss"] = json!("https://issuer/")), Err(BearerError::Issuer));
        for aud in [json!("x"), json!([]), json!(["x"]), Value::Null] {
            let mut claims = json!({"iss": "https://issuer", "exp": NOW + 60});
            claims["aud"] = aud;
            let token = text(&json!({"alg": "ES256"}), &claims);
            assert_eq!(checked(&token, NOW), Err(BearerError::Audience));
        }
        assert_eq!(check(|claims| *claims = json!([])), Err(BearerError::Issuer));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(any in ".{0,80}", header in "[A-Za-z0-9_{}:,\"-]{0,40}", claims in "\\PC{0,40}") {
            let _ = Token::parse(&any);
            let near = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let _ = Token::parse(&near);
        }

        #[test]
        fn no_claims_make_the_check_panic(iss in any::<bool>(), exp in any::<f64>(), nbf in any::<i64>(), now in any::<u64>()) {
            let iss = if iss { "https://issuer" } else { "" };
            let claims = json!({"iss": iss, "aud": "hub", "exp": exp, "nbf": nbf});
            let token = text(&json!({"alg": "PS256"}), &claims);
            let _ = checked(&token, now);
        }
    }
}
