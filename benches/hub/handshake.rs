//! The server's side of a TLS handshake in memory: what the cryptography alone costs.

use std::{
    io::Cursor,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::{PrivatePkcs8KeyDer, ServerName};

use crate::{load, support::figure};

const ROUNDS: usize = 500;

/// Half of the handshakes took the server less than this; a mean would count what others did meanwhile.
pub(crate) fn alone() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let chain = vec![made.cert.der().clone()];
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a server");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let (server, client) = (Arc::new(server), Arc::new(client));
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| shake(Arc::clone(&server), Arc::clone(&client))).collect();
    times.sort_unstable();
    figure("a handshake in memory, the server's side alone", load::percentile(&times, 50.0) * 1e3, "us", "-");
}

/// How long the server was busy.
fn shake(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> Duration {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(client, name).expect("a client");
    let mut server = ServerConnection::new(server).expect("a server");
    let mut busy = Duration::ZERO;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).expect("memory is written");
        let start = Instant::now();
        server.read_tls(&mut Cursor::new(&wire)).expect("memory is read");
        server.process_new_packets().expect("a handshake");
        wire.clear();
        server.write_tls(&mut wire).expect("memory is written");
        busy += start.elapsed();
        client.read_tls(&mut Cursor::new(&wire)).expect("memory is read");
        client.process_new_packets().expect("a handshake");
    }
    busy
}
