//! Symmetric keys (protocol reference 1.4).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Fewest bytes of a key.
pub const MIN_KEY_BYTES: usize = 16;
/// Most bytes of a key.
pub const MAX_KEY_BYTES: usize = 64;

/// Why a text is not a key. The text itself is never part of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not base64.
    #[error("a key must be base64 text, with its `=` at the end")]
    NotBase64,
    /// Too short or too long once decoded.
    #[error("Invalid device key length: {0} bytes, but a key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES}")]
    Length(usize),
    /// Only one of primary and secondary key was supplied.
    #[error("Either no keys or both keys can be set")]
    OnlyOne,
}

/// A symmetric key: 16 to 64 bytes, known as base64 text (protocol reference 1.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// As supplied, because a hub echoes keys byte for byte.
    text: Secret,
    bytes: Zeroizing<Vec<u8>>,
}

impl Key {
    /// Reads base64 text.
    ///
    /// # Errors
    ///
    /// When it is not base64, or has not 16 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyError::NotBase64)?);
        Self::check(bytes.len())?;
        Ok(Self { text: Secret::new(text), bytes })
    }

    /// A key of given bytes, which have to come from a source of randomness fit for keys; a hub mints 32.
    ///
    /// # Errors
    ///
    /// When there are not 16 to 64 of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::check(bytes.len())?;
        Ok(Self { text: Secret::new(STANDARD.encode(bytes)), bytes: bytes.to_vec().into() })
    }

    fn check(length: usize) -> Result<(), KeyError> {
        if (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&length) { Ok(()) } else { Err(KeyError::Length(length)) }
    }

    /// The base64 text, for whoever has a right to it.
    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }

    /// The key of one device of an enrolment group: derived from the group's key and the registration id (protocol
    /// reference 13.3).
    #[must_use]
    pub fn derive(&self, registration_id: &str) -> Self {
        let bytes = Zeroizing::new(self.hmac(registration_id.as_bytes()));
        Self { text: Secret::new(STANDARD.encode(&*bytes)), bytes: bytes.to_vec().into() }
    }

    /// HMAC-SHA-256 of some bytes under this key.
    pub(super) fn hmac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC takes keys of every length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Whether a signature is this key's, in constant time.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.hmac(message).ct_eq(signature).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_text_and_shows_nothing() {
        let text = STANDARD.encode([7; 32]);
        let key = Key::parse(&text).unwrap();
        assert_eq!((key.reveal(), format!("{key:?}").as_str()), (text.as_str(), "Key(…)"));
        assert_eq!(Key::from_bytes(&[7; 32]), Ok(key));
    }

    #[test]
    fn lengths_outside_16_to_64_bytes_are_refused() {
        assert_eq!(Key::parse("not base64!"), Err(KeyError::NotBase64));
        assert_eq!(Key::from_bytes(&[0; 15]), Err(KeyError::Length(15)));
        assert_eq!(Key::parse(&STANDARD.encode([0; 65])), Err(KeyError::Length(65)));
        assert!(Key::from_bytes(&[0; 16]).is_ok() && Key::from_bytes(&[0; 64]).is_ok());
    }

    #[test]
    fn hmac_is_the_one_of_rfc_4231() {
        // Test case 1 of the RFC.
        let key = Key::from_bytes(&[0x0b; 20]).unwrap();
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert_eq!(key.hmac(b"Hi There").as_slice(), bytes);
        assert!(key.verifies(b"Hi There", &key.hmac(b"Hi There")));
        assert!(!key.verifies(b"Hi There", b"") && !key.verifies(b"Hi", &key.hmac(b"Hi There")));
    }
}
