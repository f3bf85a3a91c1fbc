//! A device that costs next to nothing: packets made by hand.

use std::{net::SocketAddr, sync::Arc};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::client::TlsStream;
use twinops::iothub::{Key, sign};

use crate::{devices, rest};

/// A device with keep-alive 0: the hub does not expect to hear of it for half an hour.
const KEEP_ALIVE: u16 = 0;

pub(crate) struct Device<T> {
    pub(crate) stream: T,
}

/// CONNECT of a device, with a token of its own.
pub(crate) fn connect_packet(number: u64) -> Vec<u8> {
    let id = devices::name(number);
    let key = Key::parse(devices::KEY).expect("a key");
    let token = sign(&format!("localhost/devices/{id}"), &key, 4_000_000_000, None);
    let username = format!("localhost/{id}/?api-version=2021-04-12&DeviceClientType=bench");
    let mut body = b"\0\x04MQTT\x04\xC0".to_vec();
    body.extend(KEEP_ALIVE.to_be_bytes());
    for text in [&id, &username, &token] {
        body.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    packet(0x10, &body)
}

/// SUBSCRIBE to desired patches and twin responses, as an SDK does it.
pub(crate) fn subscribe_packet() -> Vec<u8> {
    let mut body = 1_u16.to_be_bytes().to_vec();
    for filter in ["$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"] {
        body.extend(u16::try_from(filter.len()).expect("short").to_be_bytes());
        body.extend_from_slice(filter.as_bytes());
        body.push(0);
    }
    packet(0x82, &body)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut left = body.len();
    loop {
        let low = u8::try_from(left % 128).expect("seven bits");
        left /= 128;
        packet.push(if left > 0 { low | 128 } else { low });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

impl<T: AsyncRead + AsyncWrite + Unpin> Device<T> {
    /// Introduces itself and subscribes.
    pub(crate) async fn hello(mut stream: T, number: u64) -> Self {
        stream.write_all(&connect_packet(number)).await.expect("the hub reads");
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await.expect("the hub answers");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "device {number} is let in");
        stream.write_all(&subscribe_packet()).await.expect("the hub reads");
        let mut suback = [0; 6];
        stream.read_exact(&mut suback).await.expect("the hub answers");
        assert_eq!(suback[0], 0x90);
        Self { stream }
    }

    /// The payload of the next PUBLISH; nothing once the hub is gone.
    pub(crate) async fn published(&mut self) -> Option<Vec<u8>> {
        let kind = self.stream.read_u8().await.ok()?;
        assert_eq!(kind & 0xF6, 0x30, "a PUBLISH of quality 0");
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.stream.read_u8().await.expect("a length");
            length |= usize::from(byte & 127) << shift;
            if byte < 128 {
                break;
            }
        }
        let mut rest = vec![0; length];
        self.stream.read_exact(&mut rest).await.expect("a whole packet");
        let topic = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        Some(rest.split_off(2 + topic))
    }
}

/// A device over TLS.
pub(crate) async fn over_tls(address: SocketAddr, tls: Arc<ClientConfig>, number: u64) -> Device<TlsStream<TcpStream>> {
    Device::hello(rest::connect(address, tls).await, number).await
}

/// A device behind a proxy that has ended TLS.
pub(crate) async fn plain(address: SocketAddr, number: u64) -> Device<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    Device::hello(socket.connect(address).await.expect("the hub listens"), number).await
}
