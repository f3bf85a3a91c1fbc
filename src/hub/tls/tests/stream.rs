//! Connections over streams that are too small for what is said.

use rustls::SupportedProtocolVersion;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    join,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{super::session::Session, *};

/// Smaller than any record that is said.
const NARROW: usize = 777;
/// More than a record and more than any backlog, in bytes.
const MUCH: usize = 300_000;

/// What a client is like: its version, and the certificates it shows.
struct Client {
    version: &'static SupportedProtocolVersion,
    chain: Vec<CertificateDer<'static>>,
    key: Option<PrivateKeyDer<'static>>,
}

impl Client {
    fn of(version: &'static SupportedProtocolVersion) -> Self {
        Self { version, chain: Vec::new(), key: None }
    }

    /// Both ends of a connection.
    async fn shake(self, hub: &Hub) -> (TlsStream<DuplexStream>, Stream<DuplexStream>) {
        let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[self.version]).unwrap();
        let config = config.with_root_certificates(hub.roots());
        let config = match self.key {
            Some(key) => config.with_client_auth_cert(self.chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let (near, far) = duplex(NARROW);
        let connector = TlsConnector::from(Arc::new(config));
        let client = connector.connect(ServerName::try_from("localhost").unwrap(), near);
        let (client, server) = join!(client, Stream::accept(Arc::clone(&hub.server), far));
        (client.unwrap(), server.unwrap())
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test]
async fn all_that_is_said_arrives_and_leaves_no_buffers() {
    for (side, version) in everything() {
        let (mut client, mut server) = Client::of(version).shake(&Hub::new(side)).await;
        for length in [1, 16 * 1024, 16 * 1024 + 1, MUCH] {
            let said = text(length);
            let (mut up, mut down) = (vec![0; length], vec![0; length]);
            let talk = async {
                client.write_all(&said).await.unwrap();
                client.flush().await.unwrap();
                client.read_exact(&mut down).await.unwrap();
            };
            let answer = async {
                server.read_exact(&mut up).await.unwrap();
                server.write_all(&up).await.unwrap();
                server.flush().await.unwrap();
            };
            join!(talk, answer);
            assert!(up == said && down == said, "{length} bytes");
        }
        assert_eq!(server.held(), 0);
    }
}

#[tokio::test]
async fn a_certificate_longer_than_a_record_is_taken_whole() {
    for (side, version) in everything() {
        let (certificate, key) = device();
        let chain = vec![certificate; 60];
        assert!(chain.iter().map(|one| one.len()).sum::<usize>() > 16 * 1024 + 256);
        let client = Client { version, chain: chain.clone(), key: Some(key) };
        let (_client, server) = client.shake(&Hub::new(side)).await;
        assert_eq!(server.certificates(), Some(&chain[..]));
    }
}

#[tokio::test]
async fn both_sides_can_say_that_nothing_more_comes() {
    for (side, version) in everything() {
        let hub = Hub::new(side);
        let (mut client, mut server) = Client::of(version).shake(&hub).await;
        let mut rest = Vec::new();
        join!(async { server.shutdown().await.unwrap() }, async { client.read_to_end(&mut rest).await.unwrap() });
        let (mut client, mut server) = Client::of(version).shake(&hub).await;
        client.write_all(b"last").await.unwrap();
        client.shutdown().await.unwrap();
        server.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"last");
    }
}

#[tokio::test]
async fn an_end_without_a_word_is_an_error_after_all_that_came_before() {
    for (side, version) in everything() {
        let (mut client, mut server) = Client::of(version).shake(&Hub::new(side)).await;
        client.write_all(b"last").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut rest = Vec::new();
        let error = server.read_to_end(&mut rest).await.unwrap_err();
        assert_eq!((error.kind(), rest.as_slice()), (std::io::ErrorKind::UnexpectedEof, b"last".as_slice()));
    }
}

#[tokio::test]
async fn who_speaks_something_else_is_told_so() {
    let hub = Hub::new(Side::Mqtt);
    let (mut near, far) = duplex(NARROW);
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let error = Stream::accept(Arc::clone(&hub.server), far).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let mut told = Vec::new();
    near.read_to_end(&mut told).await.unwrap();
    assert_eq!(told.first(), Some(&21), "an alert: {told:?}");
}

#[tokio::test]
async fn a_record_that_somebody_changed_ends_the_connection() {
    let (client, mut server) = Client::of(&rustls::version::TLS13).shake(&Hub::new(Side::Mqtt)).await;
    let (mut wire, _) = client.into_inner();
    wire.write_all(&[23, 3, 3, 0, 20]).await.unwrap();
    wire.write_all(&[7; 20]).await.unwrap();
    for _ in 0..2 {
        let error = server.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        wire.write_all(&[23, 3, 3, 0, 20]).await.unwrap();
        wire.write_all(&[7; 20]).await.unwrap();
    }
}

/// Every link with TLS has one of these, and what the cryptography keeps besides.
#[test]
fn a_connection_is_small() {
    let size = size_of::<Session>();
    assert!(size <= 1200, "{size} bytes");
}
