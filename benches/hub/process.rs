//! A hub as a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{ClientConfig, RootCertStore, client::Resumption};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use twinops::{
    hub::offline,
    iothub::{ServiceConnection, ServiceCredential, sign},
};

use crate::support;

/// How finely Linux counts processor time.
const TICK: f64 = 0.01;

/// The memory of a process now, in bytes.
pub(crate) fn memory(process: u32) -> f64 {
    support::memory_mb(&process.to_string(), "VmRSS:") * 1024.0 * 1024.0
}

/// The processor time of a process so far, in seconds.
pub(crate) fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK
}

pub(crate) struct Hub {
    child: Child,
    state: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) mqtt: SocketAddr,
}

impl Hub {
    /// A hub that serves the state in `folder`, with more words on its command line.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_with(folder, more, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = fs::File::create(folder.join("log")).expect("a log");
        let state = folder.join("state");
        let mut child = Command::new(env!("CARGO_BIN_EXE_twinops"))
            .args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"])
            .arg(&state)
            .args(more)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("a hub");
        let lines = BufReader::new(child.stdout.take().expect("its words")).lines().map_while(Result::ok);
        let ready = lines.into_iter().any(|line| line == "ready");
        assert!(ready, "the hub starts; see {}", folder.join("log").display());
        let addresses = offline::addresses(&state).expect("its addresses");
        Self { child, state, http: addresses.http, mqtt: addresses.mqtt }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it ever had, in bytes.
    pub(crate) fn peak(&self) -> f64 {
        support::memory_mb(&self.child.id().to_string(), "VmHWM:") * 1024.0 * 1024.0
    }

    /// Its processor time so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(self.id())
    }

    /// An operator's token.
    pub(crate) fn token(&self) -> String {
        let text = offline::service_connection_string(&self.state, "iothubowner").expect("its policies");
        let service = ServiceConnection::parse(text.reveal()).expect("a connection string");
        let ServiceCredential::Key { policy, key } = service.credential else { panic!("a policy has a key") };
        let expiry = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() + 86_400;
        sign("localhost", &key, expiry, Some(&policy))
    }

    /// For connections to it; each of them makes a whole handshake.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        let path = offline::ca_pem_path(&self.state).expect("an authority of its own");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(path).expect("its certificate")).expect("a root");
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }

    /// Kills it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have been killed.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
