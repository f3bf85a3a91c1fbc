//! Why a link ends.

use std::io;

use super::codec::CodecError;

/// The reason for which a link ended; it goes to the log, the device learns nothing of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("no CONNECT came in time")]
    NoConnect,
    #[error("the first packet was no CONNECT")]
    FirstPacket,
    #[error("protocol level {0}; only 4, which is MQTT 3.1.1, is spoken here")]
    Level(u8),
    #[error("no client id")]
    NoClientId,
    #[error("client id and user name are no pair")]
    Name,
    #[error("a will for another topic than the device's telemetry")]
    Will,
    #[error("not authorised")]
    NotAuthorized,
    #[error("the hub could not tell whether the device may talk")]
    Unavailable,
    #[error("the device said goodbye")]
    Goodbye,
    #[error("the device is gone")]
    Gone,
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("a packet that no hub takes")]
    Codec(#[from] CodecError),
    #[error("a second CONNECT")]
    SecondConnect,
    #[error("published to a topic that does not exist for it")]
    Topic,
    #[error("subscribed to a filter that does not exist for it")]
    Filter,
    #[error("a message of {0} bytes")]
    MessageTooBig(usize),
    #[error("a message or a subscription could not be taken: {code} {message}")]
    Faulted { code: u32, message: String },
    #[error("nothing was heard for one and a half times the keep-alive")]
    Silent,
    #[error("the token or certificate expired")]
    Expired,
    #[error("the device does not read")]
    Stalled,
    #[error("did not finish in time after the end")]
    Abandoned,
    #[error("another connection with the same identity took over")]
    TakenOver,
    #[error("cut by the hub")]
    Cut,
    #[error("too much waits for a device that does not read")]
    Flooded,
    #[error("the hub stops")]
    Stopping,
}

impl End {
    /// The same in one word, for counting.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NoConnect => "noConnect",
            Self::FirstPacket | Self::Codec(_) | Self::SecondConnect => "protocol",
            Self::Level(_) => "level",
            Self::NoClientId | Self::Name => "name",
            Self::Will | Self::Topic | Self::Filter => "topic",
            Self::NotAuthorized => "notAuthorized",
            Self::Unavailable => "unavailable",
            Self::Goodbye => "goodbye",
            Self::Gone | Self::Broken(_) => "gone",
            Self::MessageTooBig(_) => "messageTooBig",
            Self::Faulted { .. } => "faulted",
            Self::Silent => "silent",
            Self::Expired => "expired",
            Self::Stalled | Self::Flooded | Self::Abandoned => "stalled",
            Self::TakenOver => "takenOver",
            Self::Cut => "cut",
            Self::Stopping => "stopping",
        }
    }

    /// Whether somebody failed to prove who they are.
    pub(super) const fn is_failed_attempt(&self) -> bool {
        matches!(self, Self::NoClientId | Self::Name | Self::NotAuthorized)
    }

    /// Whether the device's will is to be delivered.
    pub(super) const fn is_unclean(&self) -> bool {
        !matches!(self, Self::Goodbye | Self::Stopping)
    }

    /// Whether what is still to be sent may reach the device.
    pub(super) const fn can_be_told(&self) -> bool {
        !matches!(self, Self::Broken(_) | Self::Stalled | Self::Flooded | Self::Abandoned)
    }
}
