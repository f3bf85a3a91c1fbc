//! A web server over TLS on this machine, which answers as a test tells it to.

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

/// What is asked for.
pub(crate) struct Asked<'a> {
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) bearer: &'a str,
    /// The header that a machine sends that asks for its own identity.
    pub(crate) metadata: bool,
}

/// Status line and body.
pub(crate) type Answer = (&'static str, String);

/// Serves until the test's process ends.
pub(crate) struct Web {
    pub(crate) address: String,
    /// The authority that its certificate is signed by.
    pub(crate) ca: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// `answering` makes what answers, and is told the address.
    pub(crate) fn start<F>(folder: &Path, answering: impl FnOnce(&str) -> F) -> Self
    where
        F: Fn(&Asked<'_>) -> Answer + Send + Sync + 'static,
    {
        let (config, ca_pem) = tls();
        let ca = folder.join("web-ca.pem");
        std::fs::write(&ca, ca_pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let (notes, answer) = (Arc::clone(&heard), Arc::new(answering(&address)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, notes, answer) = (Arc::clone(&config), Arc::clone(&notes), Arc::clone(&answer));
                thread::spawn(move || {
                    let tls = ServerConnection::new(config).unwrap();
                    serve(StreamOwned::new(tls, stream.unwrap()), &*answer, &notes);
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
fn serve(
    stream: impl std::io::Read + std::io::Write,
    answer: impl Fn(&Asked<'_>) -> Answer,
    notes: &Mutex<Vec<String>>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length, mut authorization, mut metadata) = (String::new(), 0, String::new(), false);
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => value.clone_into(&mut authorization),
                "metadata" => metadata = value == "true",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        notes.lock().unwrap().push(format!("{} {}", line.trim(), String::from_utf8(body).unwrap()));
        let (target, bearer) = (line.split(' ').nth(1).unwrap(), authorization.trim_start_matches("Bearer "));
        let (status, answer) = answer(&Asked { target, bearer, metadata });
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
