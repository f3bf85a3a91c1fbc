//! Whether a webhook comes from whom it says: the signatures of GitHub, GitLab and Azure DevOps.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::iothub::Secret;

/// The secret that the forge was given.
#[derive(Debug, Clone)]
pub(super) struct Hook(Secret);

/// What of a request tells who sent it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Proof<'a> {
    /// GitHub: `sha256=` and the HMAC of the body, in hexadecimal (`X-Hub-Signature-256`).
    pub(super) signature: Option<&'a str>,
    /// GitLab: the secret itself (`X-Gitlab-Token`).
    pub(super) token: Option<&'a str>,
    /// Azure DevOps: the secret as the password of basic authentication (`Authorization`).
    pub(super) authorization: Option<&'a str>,
}

impl Hook {
    pub(super) const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Whether one of the proofs is good. All that are there have to be: nobody sends two.
    pub(super) fn is_proven(&self, proof: Proof<'_>, body: &[u8]) -> bool {
        match proof {
            Proof { signature: Some(signature), token: None, authorization: None } => self.signs(signature, body),
            Proof { signature: None, token: Some(token), authorization: None } => self.is(token.as_bytes()),
            Proof { signature: None, token: None, authorization: Some(basic) } => self.is_password_of(basic),
            _ => false,
        }
    }

    fn signs(&self, signature: &str, body: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.reveal().as_bytes()) else { return false };
        mac.update(body);
        // Compared in constant time.
        signature.strip_prefix("sha256=").and_then(bytes).is_some_and(|given| mac.verify_slice(&given).is_ok())
    }

    /// Compares hashes, so that not even the length of the secret shows in the time it takes.
    fn is(&self, given: &[u8]) -> bool {
        Sha256::digest(given).ct_eq(&Sha256::digest(self.0.reveal())).into()
    }

    fn is_password_of(&self, authorization: &str) -> bool {
        let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
        let Ok(pair) = STANDARD.decode(encoded) else { return false };
        let at = pair.iter().position(|byte| *byte == b':');
        at.and_then(|at| pair.get(at + 1..)).is_some_and(|password| self.is(password))
    }
}

/// Bytes written in hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(std::str::from_utf8);
    digits.map(|pair| u8::from_str_radix(pair.ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"Hello, World!";
    /// Secret, body and signature of GitHub's own documentation.
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn proven(proof: Proof<'_>) -> bool {
        Hook::new(Secret::new("It's a Secret to Everybody")).is_proven(proof, BODY)
    }

    #[test]
    fn each_forge_proves_itself_in_its_own_way() {
        let basic = format!("Basic {}", STANDARD.encode("twinops:It's a Secret to Everybody"));
        assert!(proven(Proof { signature: Some(SIGNATURE), ..Proof::default() }));
        assert!(proven(Proof { token: Some("It's a Secret to Everybody"), ..Proof::default() }));
        assert!(proven(Proof { authorization: Some(&basic), ..Proof::default() }));
    }

    #[test]
    fn whoever_does_not_know_the_secret_proves_nothing() {
        assert!(!proven(Proof::default()));
        let upper = SIGNATURE.to_uppercase();
        for signature in ["", "sha256=", &SIGNATURE[..70], &SIGNATURE[7..], &upper, &SIGNATURE.replace('7', "8")] {
            assert!(!proven(Proof { signature: Some(signature), ..Proof::default() }), "{signature}");
        }
        for token in ["", "It's a Secret to Everybod", "it's a Secret to Everybody"] {
            let basic = format!("Basic {}", STANDARD.encode(format!("twinops:{token}")));
            assert!(!proven(Proof { token: Some(token), ..Proof::default() }), "{token}");
            assert!(!proven(Proof { authorization: Some(&basic), ..Proof::default() }), "{token}");
        }
        for basic in ["Basic", "Basic !", "Bearer It's a Secret to Everybody", "Basic dHdpbm9wcw=="] {
            assert!(!proven(Proof { authorization: Some(basic), ..Proof::default() }), "{basic}");
        }
        let both = Proof { signature: Some(SIGNATURE), token: Some("wrong"), authorization: None };
        assert!(!proven(both));
    }
}
