//! MQTT packets over a connection: the one file that knows the library which reads and writes them.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::{Connect, ConnectReturnCode, Packet, PubAck, Publish, QoS, Subscribe, SubscribeReasonCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::ANSWER;
use crate::{agent::net::Stream, iothub::Secret};

/// Largest packet: a twin of 64 KB, its JSON and its escapes.
const PACKET: usize = 512 * 1024;
/// What a quiet connection keeps for reading, in bytes.
const ROOM: usize = 1024;

/// Who connects.
pub(super) struct Login {
    pub(super) client_id: String,
    pub(super) username: String,
    /// None when a certificate says it all.
    pub(super) password: Option<Secret>,
    /// The longest silence of either side.
    pub(super) keep_alive: Duration,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A message; the hub wants to hear of it under this number, if there is one.
    Message { topic: String, payload: Vec<u8>, ack: Option<u16> },
    /// A topic filter is taken, or is not.
    Subscribed(bool),
    /// Something that only says that the hub is there.
    Alive,
}

/// Why a connection is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the connection broke off")]
    Broken(#[from] std::io::Error),
    #[error("the hub hung up")]
    Closed,
    #[error("the hub does not answer")]
    Silent,
    #[error("the hub sent what is no MQTT packet")]
    Packet(#[source] rumqttc::Error),
    #[error("the hub refuses this device: unknown or disabled, a wrong key or certificate, or a clock that is wrong")]
    NotAuthorized,
    #[error("the hub refuses the connection: {0}")]
    Refused(&'static str),
}

/// An MQTT connection.
pub(super) struct Wire {
    stream: Stream,
    buffer: BytesMut,
}

impl Wire {
    /// Says who we are and waits for the hub's word.
    ///
    /// # Errors
    /// When the hub refuses, says nothing, or something else.
    pub(super) async fn hello(stream: Stream, login: &Login) -> Result<Self, WireError> {
        let mut wire = Self { stream, buffer: BytesMut::new() };
        let mut connect = Connect::new(&login.client_id);
        connect.keep_alive = u16::try_from(login.keep_alive.as_secs()).unwrap_or(u16::MAX);
        // The twin is asked for after every connection, so that a kept session would only repeat old news.
        connect.clean_session = true;
        connect.set_login(&login.username, login.password.as_ref().map_or("", Secret::reveal));
        wire.send(Packet::Connect(connect)).await?;
        match timeout(ANSWER, wire.packet()).await.map_err(|_| WireError::Silent)?? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => Ok(wire),
            Packet::ConnAck(ack) => Err(refused(ack.code)),
            _ => Err(WireError::Refused("its answer is no CONNACK")),
        }
    }

    pub(super) async fn subscribe(&mut self, number: u16, filter: String) -> Result<(), WireError> {
        let mut subscribe = Subscribe::new(filter, QoS::AtLeastOnce);
        subscribe.pkid = number;
        self.send(Packet::Subscribe(subscribe)).await
    }

    pub(super) async fn publish(&mut self, topic: String, payload: Vec<u8>) -> Result<(), WireError> {
        self.send(Packet::Publish(Publish::new(topic, QoS::AtMostOnce, payload))).await
    }

    pub(super) async fn ack(&mut self, number: u16) -> Result<(), WireError> {
        self.send(Packet::PubAck(PubAck::new(number))).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), WireError> {
        self.send(Packet::PingReq).await
    }

    /// Says goodbye, so that the hub does not have to find out, and waits until it hung up.
    pub(super) async fn goodbye(mut self, limit: Duration) -> Result<(), WireError> {
        let gone = async {
            self.send(Packet::Disconnect).await?;
            self.stream.shutdown().await?;
            while self.packet().await.is_ok() {}
            Ok(())
        };
        timeout(limit, gone).await.unwrap_or(Err(WireError::Silent))
    }

    /// What comes next. Nothing is lost when this is dropped halfway.
    pub(super) async fn next(&mut self) -> Result<Incoming, WireError> {
        Ok(match self.packet().await? {
            Packet::Publish(message) => Incoming::Message {
                topic: message.topic,
                payload: message.payload.to_vec(),
                ack: (message.qos != QoS::AtMostOnce).then_some(message.pkid),
            },
            Packet::SubAck(ack) => {
                Incoming::Subscribed(!ack.return_codes.iter().any(|code| *code == SubscribeReasonCode::Failure))
            }
            _ => Incoming::Alive,
        })
    }

    async fn packet(&mut self) -> Result<Packet, WireError> {
        loop {
            match Packet::read(&mut self.buffer, PACKET) {
                Ok(packet) => return Ok(packet),
                Err(rumqttc::Error::InsufficientBytes(_)) => {}
                Err(fault) => return Err(WireError::Packet(fault)),
            }
            // What a large twin needed is not kept.
            if self.buffer.is_empty() && self.buffer.capacity() > ROOM {
                self.buffer = BytesMut::new();
            }
            self.buffer.reserve(ROOM);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }

    async fn send(&mut self, packet: Packet) -> Result<(), WireError> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, PACKET).map_err(WireError::Packet)?;
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        timeout(ANSWER, sent).await.map_err(|_| WireError::Silent)?.map_err(WireError::Broken)
    }
}

fn refused(code: ConnectReturnCode) -> WireError {
    WireError::Refused(match code {
        ConnectReturnCode::NotAuthorized | ConnectReturnCode::BadUserNamePassword => return WireError::NotAuthorized,
        ConnectReturnCode::ServiceUnavailable => "it has no room now",
        ConnectReturnCode::BadClientId => "it takes no such client id",
        _ => "it speaks another version of MQTT",
    })
}
