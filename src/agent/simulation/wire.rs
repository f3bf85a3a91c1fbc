//! One connection: socket, TLS and packets. Holds no buffer while nothing comes.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
};

use bytes::BytesMut;
use rumqttc::{Connect, ConnectReturnCode, Packet, Publish, QoS, Subscribe, SubscribeFilter, SubscribeReasonCode};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use super::Crowd;
use crate::{
    agent::net::{NetError, Stream, chain, direct, secure},
    iothub::Filter,
};

/// Largest packet: a twin of 64 KB, its JSON and its escapes.
const PACKET: usize = 512 * 1024;
/// Bytes read at a time.
const CHUNK: usize = 4096;
/// What a device listens to.
const FILTERS: [Filter; 3] = [Filter::TwinResponses, Filter::DesiredPatches, Filter::Methods];

/// Why a connection is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("{}", chain(.0))]
    Reach(NetError),
    #[error("the hub refuses the device: unknown or disabled, or a wrong key")]
    Unauthorized,
    #[error("the hub refuses the connection: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("the hub does not let the device subscribe")]
    NoSubscription,
    #[error("the hub closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the hub sent what is no MQTT: {0}")]
    Packet(rumqttc::Error),
}

/// A link that the hub has taken.
pub(super) struct Wire {
    stream: Stream,
    read: BytesMut,
}

impl Wire {
    /// Connects, introduces the device and subscribes.
    pub(super) async fn open(crowd: &Crowd, connect: Connect) -> Result<Self, WireError> {
        let host = crowd.mqtt.host.as_str();
        let socket = direct(host, crowd.mqtt.port).await.map_err(WireError::Reach)?;
        let stream: Stream = match &crowd.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(secure(Box::new(socket), host, tls).await.map_err(WireError::Reach)?),
        };
        let mut wire = Self { stream, read: BytesMut::new() };
        wire.send(&Packet::Connect(connect)).await?;
        match wire.packet().await? {
            Packet::ConnAck(ack) => match ack.code {
                ConnectReturnCode::Success => {}
                ConnectReturnCode::NotAuthorized => return Err(WireError::Unauthorized),
                code => return Err(WireError::Refused(code)),
            },
            _ => return Err(WireError::Closed),
        }
        wire.subscribe().await?;
        Ok(wire)
    }

    async fn subscribe(&mut self) -> Result<(), WireError> {
        let filters = FILTERS.map(|filter| SubscribeFilter::new(filter.to_string(), QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = 1;
        self.send(&Packet::Subscribe(subscribe)).await?;
        match self.packet().await? {
            Packet::SubAck(ack) if !ack.return_codes.contains(&SubscribeReasonCode::Failure) => Ok(()),
            _ => Err(WireError::NoSubscription),
        }
    }

    /// The next packet. May be dropped while it waits: nothing is lost.
    pub(super) async fn packet(&mut self) -> Result<Packet, WireError> {
        loop {
            match Packet::read(&mut self.read, PACKET) {
                Ok(packet) => {
                    if self.read.is_empty() {
                        self.read = BytesMut::new();
                    }
                    return Ok(packet);
                }
                Err(rumqttc::Error::InsufficientBytes(_)) => {
                    if self.fill().await? == 0 {
                        return Err(WireError::Closed);
                    }
                }
                Err(fault) => return Err(WireError::Packet(fault)),
            }
        }
    }

    /// Reads what is there. The bytes lie on the stack of the poll, so that an idle link has no room for them.
    async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            let mut bytes = [0; CHUNK];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            self.read.extend_from_slice(read.filled());
            Poll::Ready(Ok(read.filled().len()))
        })
        .await
    }

    pub(super) async fn publish(&mut self, topic: String, payload: Vec<u8>) -> Result<(), WireError> {
        self.send(&Packet::Publish(Publish::new(topic, QoS::AtMostOnce, payload))).await
    }

    pub(super) async fn send(&mut self, packet: &Packet) -> Result<(), WireError> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, PACKET).map_err(WireError::Packet)?;
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }
}
