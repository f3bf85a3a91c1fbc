//! WebSocket (RFC 6455) as far as hubs and devices need it: either end of a connection whose binary messages are one
//! stream of bytes, which is how MQTT goes over it (protocol reference 1.1).
//!
//! * [`accept`] answers the key of a handshake, [`key`] makes one; the rest of the handshake is HTTP, and not here.
//! * `frame` is the head of a frame as bytes, without I/O.
//! * [`Stream`] hides the frames. It keeps nothing of the payload, so that an idle one has no buffers.

mod frame;
mod stream;
#[cfg(test)]
mod tests;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
pub use stream::Stream;

/// What the standard has both sides append to the key.
const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of a key.
const KEY: usize = 16;

/// A fresh `Sec-WebSocket-Key`.
pub fn key() -> String {
    STANDARD.encode(fastrand::u128(..).to_ne_bytes())
}

/// What `Sec-WebSocket-Accept` says to a `Sec-WebSocket-Key`; nothing to one that is none.
pub fn accept(key: &str) -> Option<String> {
    let bytes = STANDARD.decode(key).ok()?;
    if bytes.len() != KEY {
        return None;
    }
    // No signature: it only shows that this side speaks the protocol.
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key.as_bytes());
    digest.update(SUFFIX);
    Some(STANDARD.encode(digest.finish()))
}
