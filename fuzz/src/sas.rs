//! Tokens: what a key signs it verifies, nothing else verifies, and no text is a token by chance.

use twinops::iothub::{Key, SasToken, sign};

/// Bytes of the key, of the expiry, and of where and how the token is damaged.
const HEAD: usize = 16 + 8 + 2 + 1;

/// The input is a key, an expiry, a damage, and resource and policy with a line break between them; the latter is also
/// read as a token by itself.
pub fn sas(input: &[u8]) {
    let Some((head, text)) = input.split_at_checked(HEAD) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let key = Key::from_bytes(&head[..16]).expect("16 bytes");
    if let Ok(token) = SasToken::parse(text) {
        assert!(!token.is_signed_by(&key), "nobody signed this");
        let _no_matter = token.audience();
        assert_eq!(token.check_expiry(0), Ok(()));
    }
    let expiry = u64::from_be_bytes(head[16..24].try_into().expect("8 bytes"));
    let (resource, policy) = text.split_once('\n').map_or((text, None), |(resource, policy)| (resource, Some(policy)));
    let policy = policy.filter(|policy| !policy.is_empty());
    let signed = sign(resource, &key, expiry, policy);
    let token = SasToken::parse(&signed).expect("what was signed is a token");
    assert!(token.is_signed_by(&key));
    assert_eq!((token.expires_at(), token.policy()), (expiry, policy));
    assert!(!token.is_signed_by(&other(&key)), "another key did not sign it");
    let place = usize::from(u16::from_be_bytes([head[24], head[25]])) % signed.len();
    damaged(signed.as_bytes(), place, head[26], &token, &key);
}

fn other(key: &Key) -> Key {
    key.derive("another")
}

/// With one byte changed it says the same or is not signed. The policy is not part of what is signed: it names the key.
fn damaged(signed: &[u8], place: usize, by: u8, token: &SasToken, key: &Key) {
    let mut bytes = signed.to_vec();
    bytes[place] ^= by;
    let Ok(text) = String::from_utf8(bytes) else { return };
    let Ok(read) = SasToken::parse(&text) else { return };
    if read.is_signed_by(key) {
        assert_eq!((read.audience(), read.expires_at()), (token.audience(), token.expires_at()), "{text}");
    }
}
