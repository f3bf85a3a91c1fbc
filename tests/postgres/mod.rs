//! A PostgreSQL server for tests, started by the test that needs it and gone with its process, however that ends.

#![allow(dead_code, clippy::allow_attributes, reason = "every test uses its own part of this")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

const PASSWORD: &str = "a secret / of @ tests?";
const ENCODED: &str = "a%20secret%20%2F%20of%20%40%20tests%3F";
const READY: &str = "database system is ready to accept connections";

/// A server with a data folder of its own.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    /// More words on its command line.
    settings: Vec<String>,
    server: Option<Child>,
    /// Kills the server when its standard input ends, which happens when this process does.
    _watchdog: Child,
}

impl Postgres {
    /// Starts a server. Without PostgreSQL on this machine there is none, which is said loudly, and a fault on CI.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = find() else {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL was found, and on CI there has to be one");
            let line = "\n*** NO POSTGRESQL WAS FOUND (initdb, postgres): THIS TEST CHECKS NOTHING ***\n";
            // Past the capture of the test harness.
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let folder = tempfile::Builder::new().prefix("twinops-pg-").tempdir().unwrap();
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        if is_root() {
            let owner = format!("{}:", user());
            assert!(Command::new("chown").arg("-R").arg(owner).arg(folder.path()).status().unwrap().success());
        }
        let made = as_user(&programs.join("initdb"), folder.path())
            .args(["--username=hub", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script =
            "cat >/dev/null; p=$(head -n 1 \"$1/data/postmaster.pid\" 2>/dev/null) && kill -9 $p; rm -rf \"$1\"";
        let watchdog = Command::new("sh").args(["-c", script, "sh"]).arg(folder.path()).stdin(Stdio::piped()).spawn();
        let mut postgres =
            Self { programs, folder, port, settings: Vec::new(), server: None, _watchdog: watchdog.unwrap() };
        postgres.serve();
        Some(postgres)
    }

    /// The address of the store, password included.
    pub(crate) fn url(&self) -> String {
        format!("postgres://hub:{ENCODED}@127.0.0.1:{}/postgres", self.port)
    }

    /// The password as it is.
    pub(crate) fn password() -> &'static str {
        PASSWORD
    }

    /// A file that the server can read, and nobody else of its like.
    pub(crate) fn keep(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            assert!(Command::new("chown").arg(format!("{}:", user())).arg(&file).status().unwrap().success());
        }
        file
    }

    /// Starts it again with this certificate, and for nobody who does not speak TLS.
    pub(crate) fn demand_tls(&mut self, certificate: &Path, key: &Path) {
        let hba = self.folder.path().join("data/pg_hba.conf");
        fs::write(&hba, "hostssl all all all scram-sha-256\n").unwrap();
        let (certificate, key) = (certificate.display(), key.display());
        self.settings =
            vec!["ssl=on".to_owned(), format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")];
        self.kill();
        self.serve();
    }

    /// Ends the server the hard way.
    pub(crate) fn kill(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
        self.server.take().unwrap().wait().unwrap();
    }

    /// Starts it again, over the same data and at the same place.
    pub(crate) fn serve(&mut self) {
        let end = Instant::now() + Duration::from_mins(1);
        // What is left of a killed server lets go of its memory only when it has noticed.
        while !self.try_serve() {
            assert!(Instant::now() < end, "the database does not start");
        }
    }

    fn try_serve(&mut self) -> bool {
        let mut server = as_user(&self.programs.join("postgres"), self.folder.path())
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=on"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.folder.path().display()))
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let (ready, is_ready) = mpsc::channel();
        // Reads on, lest the server waits for its log to be read.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains(READY) {
                    let _gone = ready.send(());
                } else if std::env::var_os("TWINOPS_TEST_PG_LOG").is_some() {
                    let _closed = writeln!(std::io::stderr(), "postgres: {line}");
                }
            }
        });
        let began = is_ready.recv().is_ok();
        if began {
            self.server = Some(server);
        } else {
            server.wait().unwrap();
        }
        began
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill();
        }
    }
}

fn find() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&said.stdout).trim().into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let folder =
        folders.into_iter().find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).exists()))?;
    // Links in a folder for all programs are followed: the server looks for its own files beside itself.
    fs::canonicalize(folder.join("postgres")).ok()?.parent().map(Path::to_owned)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn user() -> String {
    std::env::var("TWINOPS_TEST_PG_USER").unwrap_or_else(|_| "postgres".to_owned())
}

/// The server refuses to be root.
fn as_user(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user(), "--regid", &user(), "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
}
