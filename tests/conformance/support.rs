//! A hub on loopback with TLS, and its REST side.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use twinops::{
    hub::{Addresses, Config, Hub},
    iothub::{Key, ServiceConnection, ServiceCredential, sign},
    task::Stop,
};

use super::link::Certificate;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When tokens end that do not end.
pub(crate) const FOREVER: u64 = 4_000_000_000;

pub(crate) type Tls = TlsStream<TcpStream>;

/// A hub that runs.
pub(crate) struct World {
    /// Whom its clients trust.
    pub(crate) roots: RootCertStore,
    /// What tokens are for.
    pub(crate) host: String,
    pub(crate) addresses: Addresses,
    owner: String,
    stop: Stop,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

/// What the hub answered to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    head: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert!(matches!(self.status, 200 | 204), "{self:?}");
        self.body
    }

    /// Holds a refusal to its status and the name of its error.
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.header("iothub-errorcode")), (status, Some(code)), "{self:?}");
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::open(Config::local(folder.path())).await.unwrap();
        let connection = hub.service_connection_string("iothubowner").unwrap();
        let ServiceConnection { host, credential, .. } = ServiceConnection::parse(connection.reveal()).unwrap();
        let ServiceCredential::Key { policy, key } = credential else { panic!("a key") };
        let host = host.to_string();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(hub.ca_pem_path().unwrap()).unwrap()).unwrap();
        let (addresses, stop) = (hub.addresses(), Stop::new());
        let owner = sign(&host, &key, FOREVER, Some(&policy));
        let running = tokio::spawn(hub.run(stop.clone()));
        Self { roots, host, addresses, owner, stop, running, _folder: folder }
    }

    /// Stops the hub, which has to end well.
    pub(crate) async fn end(self) {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", Value::Null).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, "", body).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, "", body).await
    }

    /// A PUT for what is there already.
    pub(crate) async fn update(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.ask("PUT", path, &format!("If-Match: \"{etag}\"\r\n"), body).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.ask("PATCH", path, &format!("If-Match: \"{etag}\"\r\n"), body).await
    }

    pub(crate) async fn delete(&self, path: &str, etag: &str) -> Answer {
        self.ask("DELETE", path, &format!("If-Match: \"{etag}\"\r\n"), Value::Null).await
    }

    /// A request with header lines of its own.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: Value) -> Answer {
        let query = if path.contains('?') { '&' } else { '?' };
        let head = format!("{method} {path}{query}api-version=2021-04-12 HTTP/1.1\r\nHost: localhost\r\n{headers}");
        self.send(&head, &if body.is_null() { String::new() } else { body.to_string() }).await
    }

    /// Sends a request as it stands, with the owner's token and the length of its body.
    pub(crate) async fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = self.secure(self.addresses.http, None).await.unwrap();
        let ending = format!("Authorization: {}\r\nContent-Length: {}\r\n\r\n", self.owner, body.len());
        stream.write_all(format!("{head}{ending}{body}").as_bytes()).await.unwrap();
        timeout(PATIENCE, receive(&mut stream)).await.unwrap()
    }

    /// Makes a device; its primary key.
    pub(crate) async fn device(&self, id: &str) -> Key {
        key_of(&self.put(&format!("/devices/{id}"), serde_json::json!({"deviceId": id})).await.ok())
    }

    /// Opens a connection with TLS, with a certificate of its own where there is one.
    pub(crate) async fn secure(&self, address: SocketAddr, own: Option<&Certificate>) -> io::Result<Tls> {
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let client = match own {
            Some(own) => client.with_client_auth_cert(vec![own.der.clone()], own.key.clone_key()).unwrap(),
            None => client.with_no_client_auth(),
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        timeout(PATIENCE, TlsConnector::from(Arc::new(client)).connect(name, stream)).await?
    }
}

/// The primary key of an identity.
pub(crate) fn key_of(identity: &Value) -> Key {
    Key::parse(identity["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap()
}

async fn receive(stream: &mut Tls) -> Answer {
    let mut bytes = Vec::new();
    let body = loop {
        if let Some(at) = bytes.windows(4).position(|ending| ending == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the hub hung up");
    };
    let head = String::from_utf8(bytes[..body].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: Value::Null };
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < body + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the hub hung up");
    }
    if length > 0 {
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{answer:?}");
        answer.body = serde_json::from_slice(&bytes[body..body + length]).unwrap();
    }
    answer
}
