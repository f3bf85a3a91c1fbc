//! A client that costs next to nothing: requests made once, answers looked at as little as possible.

use std::{net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// One connection that is kept.
pub(crate) struct Rest {
    stream: TlsStream<TcpStream>,
    token: Arc<str>,
    out: Vec<u8>,
    input: Vec<u8>,
}

impl Rest {
    pub(crate) async fn open(address: SocketAddr, tls: Arc<ClientConfig>, token: &str) -> Self {
        let stream = connect(address, tls).await;
        Self { stream, token: token.into(), out: Vec::new(), input: Vec::with_capacity(16 * 1024) }
    }

    /// Status and body of the answer.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: &[u8], headers: &str) -> (u16, &[u8]) {
        let between = if path.contains('?') { '&' } else { '?' };
        let head = format!(
            "{method} {path}{between}api-version=2021-04-12 HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
             content-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        self.out.clear();
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(body);
        self.stream.write_all(&self.out).await.expect("the hub reads");
        self.answer().await
    }

    async fn answer(&mut self) -> (u16, &[u8]) {
        self.input.clear();
        let end = loop {
            assert_ne!(self.stream.read_buf(&mut self.input).await.expect("the hub answers"), 0, "no answer");
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = std::str::from_utf8(&self.input[..end]).expect("headers are text");
        let status = head[9..12].parse().expect("a status");
        let length = head
            .to_ascii_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a length"));
        while self.input.len() < end + length {
            assert_ne!(self.stream.read_buf(&mut self.input).await.expect("the hub answers"), 0, "a torn answer");
        }
        (status, &self.input[end..])
    }
}

/// A stream after its handshake.
pub(crate) async fn connect(address: SocketAddr, tls: Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("the hub listens");
    stream.set_nodelay(true).expect("an open socket");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(tls).connect(name, stream).await.expect("the hub's certificate is trusted")
}
