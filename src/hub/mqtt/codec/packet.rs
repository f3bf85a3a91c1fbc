//! The packets that a client sends, borrowed from the bytes they came in.

use std::{fmt, num::NonZeroU16};

use super::{super::super::ports::Qos, CodecError, fields::Fields};

/// A whole packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Connect(Connect<'a>),
    /// A CONNECT of another protocol level than 4; the rest of it was not looked at.
    OtherLevel(u8),
    Publish(Publish<'a>),
    PubAck(NonZeroU16),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
    PingReq,
    Disconnect,
}

/// CONNECT at level 4. Its Debug form tells no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Connect<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) clean_session: bool,
    /// Seconds; 0 for none.
    pub(crate) keep_alive: u16,
    pub(crate) will: Option<Will<'a>>,
    pub(crate) username: Option<&'a str>,
    pub(crate) password: Option<&'a [u8]>,
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("clean_session", &self.clean_session)
            .field("keep_alive", &self.keep_alive)
            .field("will", &self.will)
            .field("username", &self.username)
            .field("password", &self.password.map(|_| "…"))
            .finish()
    }
}

/// What a client leaves to be said when it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Will<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) retain: bool,
}

/// PUBLISH of quality 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publish<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) retain: bool,
    /// Present with quality 1: asks for a PUBACK.
    pub(crate) id: Option<u16>,
}

/// SUBSCRIBE with at least one filter, all of them well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subscribe<'a> {
    pub(crate) id: u16,
    filters: Fields<'a>,
}

impl<'a> Subscribe<'a> {
    pub(super) fn parse(mut fields: Fields<'a>) -> Result<Self, CodecError> {
        let id = fields.packet_id()?;
        let filters = fields;
        while !fields.is_empty() {
            wish(&mut fields)?;
        }
        if filters.is_empty() { Err(CodecError::NoFilter) } else { Ok(Self { id, filters }) }
    }

    /// The filters in their order, with the quality to grant: 2 is granted as 1 (protocol reference 11.2).
    pub(crate) fn filters(&self) -> impl Iterator<Item = (&'a str, Qos)> + use<'a> {
        let mut rest = self.filters;
        std::iter::from_fn(move || wish(&mut rest).ok())
    }
}

fn wish<'a>(fields: &mut Fields<'a>) -> Result<(&'a str, Qos), CodecError> {
    let filter = fields.text()?;
    match fields.byte()? {
        0 => Ok((filter, Qos::AtMostOnce)),
        1 | 2 => Ok((filter, Qos::AtLeastOnce)),
        other => Err(CodecError::Qos(other)),
    }
}

/// UNSUBSCRIBE with at least one filter, all of them well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsubscribe<'a> {
    pub(crate) id: u16,
    filters: Fields<'a>,
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn parse(mut fields: Fields<'a>) -> Result<Self, CodecError> {
        let id = fields.packet_id()?;
        let filters = fields;
        while !fields.is_empty() {
            fields.text()?;
        }
        if filters.is_empty() { Err(CodecError::NoFilter) } else { Ok(Self { id, filters }) }
    }

    /// The filters in their order.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.filters;
        std::iter::from_fn(move || rest.text().ok())
    }
}
