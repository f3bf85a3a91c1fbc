//! CONNECT, the one packet with a history.

use super::{CodecError, Connect, Packet, Will, fields::Fields};

const LEVEL: u8 = 4;

const RESERVED: u8 = 0x01;
const CLEAN: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USERNAME: u8 = 0x80;

/// Reads a CONNECT; of levels other than 4 only the level.
pub(super) fn parse(mut fields: Fields<'_>) -> Result<Packet<'_>, CodecError> {
    let name = fields.bytes()?;
    let level = fields.byte()?;
    match (name, level) {
        (b"MQTT", LEVEL) => level_4(fields).map(Packet::Connect),
        (b"MQTT" | b"MQIsdp", other) => Ok(Packet::OtherLevel(other)),
        _ => Err(CodecError::Protocol),
    }
}

fn level_4(mut fields: Fields<'_>) -> Result<Connect<'_>, CodecError> {
    let flags = check(fields.byte()?)?;
    let keep_alive = fields.number()?;
    let connect = Connect {
        client_id: fields.text()?,
        clean_session: flags & CLEAN != 0,
        keep_alive,
        will: (flags & WILL != 0).then(|| will(&mut fields, flags)).transpose()?,
        username: (flags & USERNAME != 0).then(|| fields.text()).transpose()?,
        password: (flags & PASSWORD != 0).then(|| fields.bytes()).transpose()?,
    };
    fields.end()?;
    Ok(connect)
}

fn will<'a>(fields: &mut Fields<'a>, flags: u8) -> Result<Will<'a>, CodecError> {
    Ok(Will { topic: fields.text()?, payload: fields.bytes()?, retain: flags & WILL_RETAIN != 0 })
}

fn check(flags: u8) -> Result<u8, CodecError> {
    let reserved = flags & RESERVED != 0;
    let will_of_none = flags & WILL == 0 && flags & (WILL_QOS | WILL_RETAIN) != 0;
    let password_of_nobody = flags & USERNAME == 0 && flags & PASSWORD != 0;
    if reserved || will_of_none || password_of_nobody {
        return Err(CodecError::ConnectFlags(flags));
    }
    match (flags & WILL_QOS) >> 3 {
        0 | 1 => Ok(flags),
        2 => Err(CodecError::QosTwo),
        qos => Err(CodecError::Qos(qos)),
    }
}
