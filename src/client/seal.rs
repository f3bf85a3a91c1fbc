//! Sealing what is kept of a hub: only who holds the hub's key reads it, and would be shown it by the hub as well.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

use super::HubClient;
use crate::iothub::ServiceCredential;

/// What the derived key is for, and nothing else.
const PURPOSE: &str = "twinops/kept-twins";

/// Seals and opens bytes under a key that is derived from the hub's.
pub struct Seal {
    key: LessSafeKey,
    /// The hub: what was sealed for one is broken for another.
    hub: String,
}

impl HubClient {
    /// A seal for what is kept of this hub; `None` when its credential holds no key.
    pub fn seal(&self) -> Option<Seal> {
        let (hub, credential) = self.tokens.of();
        let Some(ServiceCredential::Key { key, .. }) = credential else { return None };
        let bytes = STANDARD.decode(key.derive(PURPOSE).reveal()).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok()?);
        Some(Seal { key, hub: hub.to_owned() })
    }
}

impl Seal {
    /// The hub that it is for.
    pub fn hub(&self) -> &str {
        &self.hub
    }

    /// Seals bytes; `None` when the system has no random numbers.
    pub fn close(&self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let about = Aad::from(self.hub.as_bytes());
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut bytes).ok()?;
        bytes.extend(nonce);
        Some(bytes)
    }

    /// What was sealed; `None` when it is broken, or was sealed for another hub or under another key.
    pub fn open(&self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = *bytes.last_chunk()?;
        bytes.truncate(bytes.len() - NONCE_LEN);
        let about = Aad::from(self.hub.as_bytes());
        let length = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), about, &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Options, iothub::ServiceConnection};

    fn seal(host: &str, key: u8) -> Seal {
        let key = STANDARD.encode([key; 32]);
        let text = format!("HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey={key}");
        HubClient::connect(&ServiceConnection::parse(&text).unwrap(), Options::default()).unwrap().seal().unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_for_the_same_hub_alone() {
        let sealed = seal("localhost", 1).close(b"a twin".to_vec()).unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"twin"));
        assert_eq!(seal("localhost", 1).open(sealed.clone()).as_deref(), Some(b"a twin".as_slice()));
        assert_eq!(seal("localhost", 2).open(sealed.clone()), None);
        assert_eq!(seal("127.0.0.1", 1).open(sealed.clone()), None);
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert_eq!(seal("localhost", 1).open(broken), None);
            assert_eq!(seal("localhost", 1).open(sealed[..at].to_vec()), None);
        }
    }
}
