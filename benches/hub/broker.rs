//! Mosquitto, measured beside the hub where it is installed (Debian: `apt-get install mosquitto`).

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, client::Resumption};

use crate::idle::free_address;

/// Debian keeps it out of the way of those who are not root.
const PROGRAMS: [&str; 2] = ["mosquitto", "/usr/sbin/mosquitto"];

pub(crate) struct Broker {
    child: Child,
    pub(crate) address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Broker {
    /// A broker with TLS on a free port, a key like the hub's, and no store; nothing, said aloud, where there is none.
    pub(crate) async fn start(folder: &Path) -> Option<Self> {
        let found = PROGRAMS.iter().find(|program| Command::new(program).arg("-h").output().is_ok());
        let Some(program) = found else {
            println!("mosquitto is not installed: not measured");
            return None;
        };
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let [certificate, key, config] = ["broker.pem", "broker-key.pem", "broker.conf"].map(|name| folder.join(name));
        fs::write(&certificate, made.cert.pem()).expect("a file");
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        let address = free_address();
        let lines = [
            format!("listener {} {}", address.port(), address.ip()),
            format!("certfile {}\nkeyfile {}", certificate.display(), key.display()),
            "allow_anonymous true\npersistence false\nlog_dest none\nuser root\n".to_owned(),
        ];
        fs::write(&config, lines.join("\n")).expect("a file");
        let child = Command::new(program).arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("a broker");
        while TcpStream::connect(address).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        tls.resumption = Resumption::disabled();
        Some(Self { child, address, tls: Arc::new(tls) })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// For connections to it; each of them makes a whole handshake.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
