//! The head of a frame (RFC 6455, section 5.2).

/// Most bytes of one frame.
const MOST: u64 = 1024 * 1024;
/// Most bytes of a head.
pub(super) const HEAD: usize = 14;
/// Most bytes of a control frame's payload.
pub(super) const CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// Which end of a connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// The head of a frame that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) opcode: Opcode,
    /// Whether its message ends with it.
    pub(super) last: bool,
    /// Zeros for a server's, which has none.
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
}

/// What nobody may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame that breaks the WebSocket protocol: {0}")]
    Protocol(&'static str),
    #[error("a text message; MQTT goes in binary ones")]
    Text,
    #[error("a frame of {0} bytes; {MOST} is the most")]
    TooBig(u64),
}

impl FrameError {
    /// The status that tells the client.
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::Text => 1003,
            Self::TooBig(_) => 1009,
        }
    }
}

/// How many bytes a head has that begins with these two.
pub(super) const fn head_length(start: [u8; 2]) -> usize {
    2 + mask_length(start[1])
        + match start[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        }
}

const fn mask_length(second: u8) -> usize {
    if second & MASKED == 0 { 0 } else { 4 }
}

/// Reads the other end's head, which has to be whole.
pub(super) fn parse(bytes: &[u8], side: Side) -> Result<Head, FrameError> {
    let (&[first, second], rest) = bytes.split_first_chunk().ok_or(FrameError::Protocol("a head of one byte"))?;
    if first & RESERVED != 0 {
        return Err(FrameError::Protocol("a reserved bit"));
    }
    match (side, second & MASKED) {
        (Side::Server, 0) => return Err(FrameError::Protocol("a client's frame without a mask")),
        (Side::Client, MASKED) => return Err(FrameError::Protocol("a server's frame with a mask")),
        _ => {}
    }
    let opcode = opcode(first & 0x0F)?;
    let (size, mask) = rest.split_at_checked(rest.len().saturating_sub(mask_length(second))).unwrap_or_default();
    let length = match (second & !MASKED, size) {
        (126, &[high, low]) => u64::from(u16::from_be_bytes([high, low])),
        (127, size) => size.try_into().map(u64::from_be_bytes).map_err(|_| FrameError::Protocol("its length"))?,
        (length, []) => u64::from(length),
        _ => return Err(FrameError::Protocol("its length")),
    };
    if length > MOST {
        return Err(FrameError::TooBig(length));
    }
    let last = first & FIN != 0;
    if opcode.is_control() && (!last || length > CONTROL as u64) {
        return Err(FrameError::Protocol("a control frame that is long or in parts"));
    }
    let mask = if mask.is_empty() { [0; 4] } else { mask.try_into().map_err(|_| FrameError::Protocol("its mask"))? };
    Ok(Head { opcode, last, mask, length })
}

fn opcode(code: u8) -> Result<Opcode, FrameError> {
    Ok(match code {
        0 => Opcode::Continuation,
        1 => return Err(FrameError::Text),
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(FrameError::Protocol("an unknown kind of frame")),
    })
}

impl Opcode {
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Appends a frame that is a whole message: masked, if a client sends it.
pub(super) fn write(out: &mut Vec<u8>, side: Side, opcode: Opcode, payload: &[u8]) {
    let masked = if side == Side::Client { MASKED } else { 0 };
    out.reserve(payload.len() + HEAD);
    out.push(FIN | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => out.push(masked | short),
        (_, Ok(length)) => {
            out.push(masked | 126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    if side == Side::Server {
        return out.extend_from_slice(payload);
    }
    // It guards proxies against scripts in a browser; this client is none, and speaks through TLS.
    let mask = fastrand::u32(..).to_ne_bytes();
    out.extend(mask);
    let start = out.len();
    out.extend_from_slice(payload);
    apply(mask, &mut out[start..]);
}

/// Puts a mask on, or takes it off.
pub(super) fn apply(mask: [u8; 4], bytes: &mut [u8]) {
    for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}
