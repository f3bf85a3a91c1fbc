//! From bytes to a client's packet.

use std::num::NonZeroU16;

use super::{CodecError, Packet, Publish, Subscribe, Unsubscribe, connect, fields::Fields};

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
const PINGREQ: u8 = 12;
const DISCONNECT: u8 = 14;

/// What the input begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A whole packet, and how many bytes it takes.
    Packet(Packet<'a>, usize),
    /// A part of one: at least so many bytes are missing.
    More(usize),
}

/// Decodes the packet at the start of `input`. What comes after it is not looked at. `limit` is the greatest
/// remaining length to wait for; a packet that announces more fails at once.
pub(crate) fn decode(input: &[u8], limit: usize) -> Result<Step<'_>, CodecError> {
    let Some((&first, rest)) = input.split_first() else { return Ok(Step::More(2)) };
    let (kind, flags) = (first >> 4, first & 0x0F);
    check_head(kind, flags)?;
    let Some((length, size)) = remaining_length(rest)? else { return Ok(Step::More(1)) };
    if length > limit {
        return Err(CodecError::TooBig { length, limit });
    }
    match rest.get(size..size + length) {
        Some(body) => Ok(Step::Packet(packet(kind, flags, Fields::new(body))?, 1 + size + length)),
        None => Ok(Step::More(size + length - rest.len())),
    }
}

fn check_head(kind: u8, flags: u8) -> Result<(), CodecError> {
    let good = match kind {
        CONNECT | PUBACK | PINGREQ | DISCONNECT => flags == 0,
        SUBSCRIBE | UNSUBSCRIBE => flags == 0b0010,
        PUBLISH => return check_publish(flags),
        _ => return Err(CodecError::Type(kind)),
    };
    if good { Ok(()) } else { Err(CodecError::Flags { kind, flags }) }
}

fn check_publish(flags: u8) -> Result<(), CodecError> {
    let again = flags & 0b1000 != 0;
    match (flags >> 1) & 0b11 {
        0 if again => Err(CodecError::Flags { kind: PUBLISH, flags }),
        0 | 1 => Ok(()),
        2 => Err(CodecError::QosTwo),
        qos => Err(CodecError::Qos(qos)),
    }
}

/// The length and how many bytes it was written in; `None` when it is not whole yet.
fn remaining_length(input: &[u8]) -> Result<Option<(usize, usize)>, CodecError> {
    let mut length = 0;
    for (at, &byte) in input.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((length, at + 1)));
        }
    }
    if input.len() < 4 { Ok(None) } else { Err(CodecError::RemainingLength) }
}

fn packet(kind: u8, flags: u8, mut fields: Fields<'_>) -> Result<Packet<'_>, CodecError> {
    Ok(match kind {
        CONNECT => return connect::parse(fields),
        PUBLISH => Packet::Publish(publish(flags, fields)?),
        SUBSCRIBE => Packet::Subscribe(Subscribe::parse(fields)?),
        UNSUBSCRIBE => Packet::Unsubscribe(Unsubscribe::parse(fields)?),
        PUBACK => {
            let id = NonZeroU16::new(fields.packet_id()?).ok_or(CodecError::PacketId)?;
            fields.end()?;
            Packet::PubAck(id)
        }
        PINGREQ => fields.end().map(|()| Packet::PingReq)?,
        _ => fields.end().map(|()| Packet::Disconnect)?,
    })
}

fn publish(flags: u8, mut fields: Fields<'_>) -> Result<Publish<'_>, CodecError> {
    let topic = fields.text()?;
    let id = (flags & 0b0110 != 0).then(|| fields.packet_id()).transpose()?;
    Ok(Publish { topic, payload: fields.rest(), retain: flags & 1 != 0, id })
}
