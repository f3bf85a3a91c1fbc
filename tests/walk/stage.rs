//! What a walk needs: a hub and an agent as processes, a repository, and an operator's shell.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// One kiosk, with a zone and a message of the day.
pub(crate) fn fleet(zone: &str, message: &str) -> String {
    format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
---
apiVersion: twinops/v1
kind: Profile
metadata: {{ name: kiosk }}
spec:
  where: tags.role = 'kiosk'
  priority: 10
  desired:
    time:
      timeZone: {zone}
      ntp: {{ enabled: true, servers: [time.example.org] }}
    files:
      motd: {{ path: /srv/motd, content: \"{message}\\n\" }}
---
apiVersion: twinops/v1
kind: Device
metadata: {{ name: kiosk-1 }}
spec:
  identity: {{ type: sas }}
  tags: {{ role: kiosk }}
"
    )
}

fn twinops() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("TWINOPS_CA").env("NO_COLOR", "1");
    command
}

/// What a command printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    code: Option<i32>,
    shown: String,
}

impl Ran {
    /// Holds the command to its exit code.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\nstdout:\n{}\nstderr:\n{}", self.shown, self.out, self.err);
        self
    }
}

impl Ran {
    /// Holds the command to one of these exit codes; which.
    pub(crate) fn exits_with(self, codes: &[i32]) -> i32 {
        let code = self.code.filter(|code| codes.contains(code));
        code.unwrap_or_else(|| {
            panic!("{} exits with {:?}\nstdout:\n{}\nstderr:\n{}", self.shown, self.code, self.out, self.err)
        })
    }
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
        shown: format!("{:?}", command.get_args().collect::<Vec<_>>()),
    }
}

/// A process that goes with its owner.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<Box<dyn std::io::Read + Send>>,
}

impl Process {
    /// Starts a command and reads its stdout, or its stderr.
    fn start(command: &mut Command, from_stderr: bool) -> Self {
        command.stdin(Stdio::null());
        if from_stderr {
            command.stderr(Stdio::piped())
        } else {
            command.stdout(Stdio::piped())
        };
        let mut child = command.spawn().unwrap();
        let stream: Box<dyn std::io::Read + Send> =
            if from_stderr { Box::new(child.stderr.take().unwrap()) } else { Box::new(child.stdout.take().unwrap()) };
        Self { child, lines: BufReader::new(stream) }
    }

    /// Reads lines until one holds `word`; the line.
    pub(crate) fn await_line(&mut self, word: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).unwrap();
            assert!(read > 0, "the process ended before it said `{word}`:\n{seen}");
            if line.contains(word) {
                return line.trim().to_owned();
            }
            seen += &line;
        }
    }

    /// Ctrl-C; the process has to end well.
    pub(crate) fn interrupt(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}\n{rest}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hub, a fleet repository, and perhaps a device.
pub(crate) struct Stage {
    folder: TempDir,
    hub: Option<Process>,
    agent: Option<Process>,
    /// The agents of other devices, by name.
    others: BTreeMap<String, Process>,
    pub(crate) mqtt: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["fleet", "device/srv", "device/etc", "device/usr/share/zoneinfo"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for zone in ["Europe/Oslo", "Europe/Berlin", "Europe/Paris"] {
            let file = folder.path().join("device/usr/share/zoneinfo").join(zone);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "TZif").unwrap();
        }
        let keeper = folder.path().join("device/usr/lib/systemd/systemd-timesyncd");
        fs::create_dir_all(keeper.parent().unwrap()).unwrap();
        fs::write(keeper, "").unwrap();
        let mut stage = Self { folder, hub: None, agent: None, others: BTreeMap::new(), mqtt: String::new() };
        stage.git(&["init", "--quiet", "--initial-branch=main"]);
        stage.start_hub();
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let ran = run(Command::new("git").args(identity).args(args).current_dir(self.path("fleet")));
        ran.exits(0).out.trim().to_owned()
    }

    pub(crate) fn write(&self, file: &str, text: String) {
        fs::write(self.path("fleet").join(file), text).unwrap();
    }

    pub(crate) fn make_folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn start_hub(&mut self) {
        self.start_hub_with(&[]);
    }

    /// Starts it with more arguments; one that is running already ends first.
    pub(crate) fn start_hub_with(&mut self, args: &[&str]) {
        self.kill_hub();
        let mut command = twinops();
        command.args(["hub", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--state"]).arg(self.path("hub"));
        command.args(args);
        let mut hub = Process::start(&mut command, false);
        let mqtt = hub.await_line("mqtt");
        self.mqtt = format!("localhost:{}", mqtt.rsplit(':').next().unwrap());
        hub.await_line("ready");
        self.hub = Some(hub);
    }

    /// As `kill -9` does.
    pub(crate) fn kill_hub(&mut self) {
        self.hub = None;
    }

    fn hub_says(&self, args: &[&str]) -> String {
        let ran = run(twinops().arg("hub").args(args).arg("--state").arg(self.path("hub")));
        ran.exits(0).out.trim().to_owned()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("hub").join("ca.pem")
    }

    /// An operator's command, in the fleet's folder.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    /// The same on a machine that has never seen the fleet: in a clone of its own, which is gone afterwards.
    pub(crate) fn run_afresh(&self, args: &[&str]) -> Ran {
        let clone = TempDir::new_in(self.folder.path()).unwrap();
        let (from, to) = (self.path("fleet"), clone.path().to_string_lossy().into_owned());
        self.git(&["clone", "--quiet", &from.to_string_lossy(), &to]);
        self.run_in(clone.path(), args, &[])
    }

    /// The same with variables in the environment.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.run_in(&self.path("fleet"), args, variables)
    }

    fn run_in(&self, folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let connection = self.connection();
        let connection = [("IOTHUB_CONNECTION_STRING", connection.as_str())];
        run(twinops()
            .args(args)
            .current_dir(folder)
            .envs([variables, &connection].concat())
            .env("TWINOPS_CA", self.ca()))
    }

    /// An operator's command that stays; what it prints is read line by line.
    pub(crate) fn start(&self, args: &[&str]) -> Process {
        let connection = self.hub_says(&["connection-string"]);
        let mut command = twinops();
        command.args(args).current_dir(self.path("fleet"));
        Process::start(command.env("IOTHUB_CONNECTION_STRING", connection).env("TWINOPS_CA", self.ca()), false)
    }

    /// An operator's command with nothing but these variables: no connection string.
    pub(crate) fn run_without_key(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let variables = variables.iter().copied();
        run(twinops().args(args).current_dir(self.path("fleet")).envs(variables).env("TWINOPS_CA", self.ca()))
    }

    /// The connection string of an operator.
    pub(crate) fn connection(&self) -> String {
        self.hub_says(&["connection-string"])
    }

    /// The hub's name, as its connection strings have it.
    pub(crate) fn host(&self) -> String {
        let connection = self.connection();
        connection.split(';').find_map(|part| part.strip_prefix("HostName=")).unwrap().to_owned()
    }

    pub(crate) fn device_connection(&self, device: &str) -> String {
        self.hub_says(&["device-connection-string", device])
    }

    pub(crate) fn start_agent(&mut self, device: &str) {
        self.agent = Some(self.agent_of(device, "device", "agent"));
    }

    /// Someone at the device, with the right to say so.
    pub(crate) fn at_device(&self, args: &[&str]) -> Ran {
        let state = self.path("agent").to_string_lossy().into_owned();
        run(twinops().args(["agent", "override"]).args(args).args(["--state", &state]))
    }

    /// Starts the agent of another device, on a machine of its own.
    pub(crate) fn start_device(&mut self, device: &str) {
        let (root, state) = (format!("devices/{device}/root"), format!("devices/{device}/agent"));
        for name in ["srv", "etc"] {
            self.make_folder(&format!("{root}/{name}"));
        }
        let agent = self.agent_of(device, &root, &state);
        self.others.insert(device.to_owned(), agent);
    }

    fn agent_of(&self, device: &str, root: &str, state: &str) -> Process {
        let connection = self.path(&format!("{device}.connection"));
        fs::write(&connection, self.device_connection(device)).unwrap();
        let mut command = twinops();
        command.args(["agent", "--report-only", "--mqtt", &self.mqtt]);
        for (flag, path) in [
            ("--connection-string-file", connection),
            ("--ca", self.ca()),
            ("--state", self.path(state)),
            ("--root", self.path(root)),
            ("--files-root", PathBuf::from("/srv")),
        ] {
            command.arg(flag).arg(path);
        }
        Process::start(&mut command, true)
    }

    /// Asks again until everything is compliant; the test's own time limit ends it otherwise.
    pub(crate) fn until_compliant(&self) {
        while self.run(&["status", "--detailed-exitcode"]).code != Some(0) {
            self.run(&["invoke", "twinops*recheck", "--device", "kiosk-1"]);
        }
    }

    pub(crate) fn device_file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("device").join(name)).ok()
    }

    pub(crate) fn device_link(&self, name: &str) -> Option<String> {
        fs::read_link(self.path("device").join(name)).ok().map(|to| to.to_string_lossy().into_owned())
    }

    pub(crate) fn change_device(&self, name: &str, text: &str) {
        fs::write(self.path("device").join(name), text).unwrap();
    }

    /// The twin, by a plain REST call.
    pub(crate) fn twin(&self, device: &str) -> Option<Value> {
        let (status, body) = self.rest(reqwest::Method::GET, &format!("twins/{device}"), None);
        (status == 200).then_some(body)
    }

    /// Edits the twin, by a plain REST call.
    pub(crate) fn patch(&self, device: &str, body: &Value) {
        let (status, answer) = self.rest(reqwest::Method::PATCH, &format!("twins/{device}"), Some(body));
        assert_eq!(status, 200, "{answer}");
    }

    /// A plain REST call; the status and the body, `null` where there is none.
    pub(crate) fn rest(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let token = self.hub_says(&["sas-token"]);
        let host = self.host();
        let ca = reqwest::Certificate::from_pem(&fs::read(self.ca()).unwrap()).unwrap();
        // Another test of this process may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
        let url = format!("https://{host}/{path}?api-version=2021-04-12");
        let mut request = client.request(method, url).header("Authorization", token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, body) = (answer.status().as_u16(), answer.bytes().await.unwrap());
            (status, serde_json::from_slice(&body).unwrap_or_default())
        })
    }
}

/// A folder without git, and `up`.
pub(crate) struct Laptop {
    folder: TempDir,
}

impl Laptop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fleet")).unwrap();
        Self { folder }
    }

    fn fleet(&self) -> PathBuf {
        self.folder.path().join("fleet")
    }

    /// Saves as editors do: a new file takes the place of the old one.
    pub(crate) fn write(&self, file: &str, text: String) {
        let next = self.fleet().join(format!(".{file}.next"));
        fs::write(&next, text).unwrap();
        fs::rename(next, self.fleet().join(file)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = twinops();
        command.arg("up").arg(self.fleet()).args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
        command
    }

    /// One turn, to its end; what it printed.
    pub(crate) fn up_once(&self) -> String {
        run(self.command().arg("--once")).exits(0).out
    }

    pub(crate) fn up(&self) -> Process {
        Process::start(&mut self.command(), true)
    }
}
