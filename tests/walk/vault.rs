//! A key vault that listens on this machine, and the authority that vouches for who asks it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivatePkcs8KeyDer;

/// What a token looks like.
pub(crate) const TOKEN: &str = "entra-token-of-the-test";

/// How a machine asks for the token of its identity.
const MACHINE: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net";

/// Serves until the test's process ends.
pub(crate) struct Vault {
    pub(crate) address: String,
    /// The authority that its certificate is signed by.
    pub(crate) ca: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Vault {
    /// Has one secret.
    pub(crate) fn start(folder: &Path, name: &str, value: &str) -> Self {
        let (config, ca_pem) = tls();
        let ca = folder.join("vault-ca.pem");
        std::fs::write(&ca, ca_pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (notes, path) = (Arc::clone(&heard), format!("/secrets/{name}/?api-version=7.4"));
        let body = serde_json::json!({ "value": value, "id": "x" }).to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, notes) = (Arc::clone(&config), Arc::clone(&notes));
                let (path, body) = (path.clone(), body.clone());
                thread::spawn(move || {
                    let tls = ServerConnection::new(config).unwrap();
                    serve(StreamOwned::new(tls, stream.unwrap()), &path, &body, &notes);
                });
            }
        });
        Self { address, ca, heard }
    }

    /// What was asked for: first lines, and bodies of those that have one.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Answers requests of one connection until it ends.
fn serve(stream: impl std::io::Read + std::io::Write, path: &str, secret: &str, notes: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut bearer, mut metadata) = (String::new(), 0, String::new(), false);
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => value.clone_into(&mut bearer),
                "metadata" => metadata = value == "true",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        notes.lock().unwrap().push(format!("{} {}", line.trim(), String::from_utf8(body).unwrap()));
        let (status, answer) = match line.split(' ').nth(1).unwrap() {
            "/tenant-1/oauth2/v2.0/token" => ("200 OK", format!(r#"{{"access_token":"{TOKEN}"}}"#)),
            asked if asked == MACHINE && metadata => ("200 OK", format!(r#"{{"access_token":"{TOKEN}"}}"#)),
            _ if bearer != format!("Bearer {TOKEN}") => ("401 Unauthorized", "{}".to_owned()),
            asked if asked == path => ("200 OK", secret.to_owned()),
            _ => ("404 Not Found", "{}".to_owned()),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.get_mut().write_all((head + &answer).as_bytes()).unwrap();
        stream.get_mut().flush().unwrap();
    }
}

fn tls() -> (Arc<ServerConfig>, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (Arc::new(config), authority.pem())
}
