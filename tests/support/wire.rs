//! Clients that send just what a test wants: one request of HTTP 1.1 with its path as it stands, packets of MQTT, and
//! MQTT over WebSocket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, client::IntoClientRequest as _},
};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Tls = TlsStream<TcpStream>;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    head: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

pub(crate) async fn dial(tls: &ClientConfig, address: SocketAddr) -> Tls {
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(tls.clone()));
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

/// Makes one request; `headers` are whole lines.
pub(crate) async fn ask(mut stream: Tls, method: &str, path: &str, token: &str, headers: &str, body: &str) -> Answer {
    let query = if path.contains('?') { '&' } else { '?' };
    let request = format!(
        "{method} {path}{query}api-version=2021-04-12 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: {token}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub(crate) async fn websocket(stream: Tls, path: &str, protocol: &str) -> Result<WebSocketStream<Tls>, Error> {
    let mut request = format!("wss://localhost{path}").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    let (stream, answer) = timeout(PATIENCE, client_async(request, stream)).await.unwrap()?;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "mqtt");
    Ok(stream)
}

/// A field with its length in front.
pub(crate) fn field(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    assert!(length < 1 << 14);
    let [low, high] = [(length & 0x7F) | 0x80, length >> 7].map(|part| part.to_le_bytes()[0]);
    [&[first, low, high], body].concat()
}

pub(crate) fn connect(client_id: &str, username: &str, password: &str) -> Vec<u8> {
    let fields = [client_id, username, password].map(field).concat();
    packet(0x10, &[b"\0\x04MQTT\x04\xC0\0\x3C".as_slice(), &fields].concat())
}

pub(crate) fn subscribe(filter: &str) -> Vec<u8> {
    packet(0x82, &[b"\0\x01".as_slice(), &field(filter), &[1]].concat())
}
