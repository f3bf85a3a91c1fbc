//! From a server's packet to bytes, appended to a buffer.

use std::num::NonZeroU16;

use super::super::super::ports::Qos;

/// The answer to a CONNECT (protocol reference 11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectCode {
    Accepted = 0,
    ProtocolLevel = 1,
    ClientId = 2,
    Unavailable = 3,
    NotAuthorized = 5,
}

/// A topic that its length field cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a topic of {0} bytes; 65535 is the most")]
pub(crate) struct TopicTooLong(usize);

pub(crate) fn connack(out: &mut Vec<u8>, session_present: bool, code: ConnectCode) {
    out.extend([0x20, 2, u8::from(session_present), code as u8]);
}

/// Refuses a client of MQTT 5 in its own words: reason 0x84, unsupported protocol version.
pub(crate) fn connack_to_level_5(out: &mut Vec<u8>) {
    out.extend([0x20, 3, 0, 0x84, 0]);
}

/// Asks for a PUBACK when there is a packet identifier; `again` when it was sent before.
///
/// # Errors
/// When the topic is too long; nothing was appended then.
pub(crate) fn publish(
    out: &mut Vec<u8>,
    topic: &str,
    id: Option<NonZeroU16>,
    again: bool,
    payload: &[u8],
) -> Result<(), TopicTooLong> {
    let topic_length = u16::try_from(topic.len()).map_err(|_| TopicTooLong(topic.len()))?;
    let length = 2 + topic.len() + if id.is_some() { 2 } else { 0 } + payload.len();
    out.reserve(5 + length);
    out.push(match (id, again) {
        (None, _) => 0x30,
        (Some(_), false) => 0x32,
        (Some(_), true) => 0x3A,
    });
    remaining_length(out, length);
    out.extend(topic_length.to_be_bytes());
    out.extend_from_slice(topic.as_bytes());
    out.extend(id.iter().flat_map(|id| id.get().to_be_bytes()));
    out.extend_from_slice(payload);
    Ok(())
}

pub(crate) fn puback(out: &mut Vec<u8>, id: u16) {
    out.extend([0x40, 2]);
    out.extend(id.to_be_bytes());
}

pub(crate) fn suback(out: &mut Vec<u8>, id: u16, granted: &[Qos]) {
    out.push(0x90);
    remaining_length(out, 2 + granted.len());
    out.extend(id.to_be_bytes());
    out.extend(granted.iter().map(|qos| *qos as u8));
}

pub(crate) fn unsuback(out: &mut Vec<u8>, id: u16) {
    out.extend([0xB0, 2]);
    out.extend(id.to_be_bytes());
}

pub(crate) fn pingresp(out: &mut Vec<u8>) {
    out.extend([0xD0, 0]);
}

pub(super) fn remaining_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let byte = u8::try_from(length % 128).unwrap_or_default();
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}
