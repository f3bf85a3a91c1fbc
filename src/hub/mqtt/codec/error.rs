//! Why bytes are no packet that a hub takes.

/// A violation of MQTT 3.1.1, or a part of it that an IoT hub does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("the remaining length has more than four bytes")]
    RemainingLength,
    #[error("a packet of {length} bytes; {limit} is the most")]
    TooBig { length: usize, limit: usize },
    #[error("a server takes no packet of type {0}")]
    Type(u8),
    #[error("flags {flags:#x} on a packet of type {kind}")]
    Flags { kind: u8, flags: u8 },
    #[error("a field runs past the end of its packet")]
    Truncated,
    #[error("{0} bytes after the last field of a packet")]
    Trailing(usize),
    #[error("a text that is not UTF-8 or holds U+0000")]
    Text,
    #[error("packet identifier 0")]
    PacketId,
    #[error("QoS 2; an IoT hub has 0 and 1")]
    QosTwo,
    #[error("QoS {0}")]
    Qos(u8),
    #[error("no topic filter")]
    NoFilter,
    #[error("the protocol is neither MQTT nor MQIsdp")]
    Protocol,
    #[error("contradicting connect flags {0:#x}")]
    ConnectFlags(u8),
}
