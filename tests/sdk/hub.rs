//! A hub as a process, and the SDKs as `.ci/sdks` installs them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::program;

/// What a test runs with.
pub(crate) struct Ready {
    program: PathBuf,
    host: String,
    address: SocketAddr,
}

#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    Node,
}

impl Sdk {
    /// What the test needs, or nothing, said loudly, when something is missing.
    pub(crate) fn ready(self, number: u8) -> Option<Ready> {
        let host = format!("sdk-{number}.twinops.test");
        let address = (host.as_str(), 443).to_socket_addrs().ok().and_then(|mut found| found.next());
        let Some(address) = address else { return missing(&format!("`{host}` is not in /etc/hosts")) };
        let root = installed();
        let (program, needed) = match self {
            Self::Python => (root.join("python/bin/python"), root.join("python/bin/python")),
            Self::Node => ("node".into(), root.join("node/node_modules/azure-iothub")),
        };
        if !needed.exists() {
            return missing(&format!("{} is not there", needed.display()));
        }
        if std::net::TcpListener::bind(address).is_err() {
            return missing(&format!("{address} cannot be listened at"));
        }
        Some(Ready { program, host, address })
    }

    /// The interpreter, knowing where the hub is.
    pub(crate) fn command(self, ready: &Ready, hub: &Hub) -> Command {
        let mut command = program(&ready.program);
        let folder = match self {
            Self::Python => "tests/sdk/python",
            Self::Node => "tests/sdk/node",
        };
        command
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .env("HUB_HOST", &ready.host)
            .env("HUB_OWNER", hub.ask(&["connection-string"]))
            .env("HUB_ID_SCOPE", hub.ask(&["id-scope"]))
            .env("HUB_CA", hub.ca())
            .env("REQUESTS_CA_BUNDLE", hub.ca())
            .env("NODE_EXTRA_CA_CERTS", hub.ca())
            .env("NODE_PATH", installed().join("node/node_modules"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1");
        command
    }
}

/// A hub on port 443 and 8883 of an address of its own.
pub(crate) struct Hub {
    folder: tempfile::TempDir,
    process: Child,
}

impl Hub {
    pub(crate) fn start(ready: &Ready) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = serve(folder.path(), ready);
        Self { folder, process }
    }

    pub(crate) fn start_again(&mut self, ready: &Ready) {
        self.process = serve(self.folder.path(), ready);
    }

    /// Without a chance to say goodbye.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The last lines of what it wrote to its log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    fn ca(&self) -> PathBuf {
        self.state().join("ca.pem")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn ask(&self, words: &[&str]) -> String {
        let output = twinops().args(["hub"]).args(words).arg("--state").arg(self.state()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have been killed by its test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(folder: &Path, ready: &Ready) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let http = ready.address;
    let mqtt = SocketAddr::new(http.ip(), 8883);
    let mut process = twinops()
        .args(["hub", "--name", &ready.host, "--http", &http.to_string(), "--mqtt", &mqtt.to_string()])
        .arg("--state")
        .arg(folder.join("state"))
        .env("TWINOPS_LOG", "twinops=debug")
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "the hub does not start; see {}", folder.join("log").display());
    process
}

fn twinops() -> Command {
    program(Path::new(env!("CARGO_BIN_EXE_twinops")))
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk")
}

fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "{what}; `.ci/sdks` brings it");
    let mut err = std::io::stderr();
    writeln!(err, "\n*** NOT RUN: {what}; `.ci/sdks` brings it (as root)\n").unwrap();
    None
}
