//! The modules of the hub's codec, and the writer of clients' packets that its tests have.

#[path = "../../../../src/hub/mqtt/codec/client.rs"]
pub(super) mod client;
#[path = "../../../../src/hub/mqtt/codec/connect.rs"]
mod connect;
#[path = "../../../../src/hub/mqtt/codec/decode.rs"]
mod decode;
#[path = "../../../../src/hub/mqtt/codec/encode.rs"]
pub(super) mod encode;
#[path = "../../../../src/hub/mqtt/codec/error.rs"]
mod error;
#[path = "../../../../src/hub/mqtt/codec/fields.rs"]
mod fields;
#[path = "../../../../src/hub/mqtt/codec/packet.rs"]
mod packet;

pub(super) use decode::{Step, decode};
pub(super) use error::CodecError;
pub(super) use packet::{Connect, Packet, Publish, Subscribe, Unsubscribe, Will};
