//! Randomness fit for keys.

use rustls::crypto::ring::default_provider;

use crate::iothub::Key;

/// The machine gave no randomness, without which nothing that follows could be trusted.
#[derive(Debug, thiserror::Error)]
#[error("this machine gives no random numbers fit for keys")]
pub(crate) struct NoRandomness;

/// Fills `bytes`.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    default_provider().secure_random.fill(bytes).map_err(|_| NoRandomness)
}

/// A new key of 32 bytes (protocol reference 1.4).
pub(crate) fn key() -> Result<Key, NoRandomness> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    Key::from_bytes(&bytes).map_err(|_| NoRandomness)
}

/// A number nobody can foresee.
pub(crate) fn number() -> Result<u32, NoRandomness> {
    let mut bytes = [0; 4];
    fill(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_the_same() {
        assert!(key().unwrap() != key().unwrap());
    }
}
