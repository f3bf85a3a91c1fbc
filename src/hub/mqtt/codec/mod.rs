//! MQTT 3.1.1 as bytes, without I/O: the packets of a client decoded in place, those of a server appended to a
//! buffer.
//!
//! [`decode()`] borrows everything from its input and copies nothing; when the input ends inside a packet, it says
//! how many bytes must still come at least. It is strict where the standard is: whoever sends a malformed packet
//! loses the link.

mod connect;
mod decode;
pub(super) mod encode;
mod error;
mod fields;
mod packet;

#[cfg(test)]
pub(super) mod client;
#[cfg(test)]
mod tests;

pub(super) use decode::{Step, decode};
pub(super) use error::CodecError;
pub(super) use packet::{Connect, Packet, Publish, Subscribe, Unsubscribe, Will};
