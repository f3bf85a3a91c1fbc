//! The portal of `twinops up` in Chromium, with simulated devices. `.ci/run` installs Chromium, `.ci/sdks` what drives it.
//!
//! Where something of that is missing the test says so loudly and passes; with `CI=true` it fails.
//! `TWINOPS_BLESS=1 cargo nextest run --test portal browser` makes the pictures in `docs/portal/` anew.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// Longer than all of it takes.
const PATIENCE: Duration = Duration::from_mins(3);
/// The device whose page is visited, and whose twin somebody changes.
const DEVICE: &str = "kiosk-oslo-03";

/// A fleet at three sites, with a rollout that waits and a device that says what nobody wants to run.
fn fleet() -> String {
    let mut text = "\
apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso-kiosks }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk'
  desired:
    time: { timeZone: Europe/Oslo, ntp: { enabled: true, servers: [time.contoso.example] } }
    updates: { mode: scheduled, schedule: { day: tue, time: '03:00' }, activeHours: { start: 6, end: 23 } }
    files:
      motd: { path: /etc/motd, mode: '0644', content: Managed by git. }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: berlin }
spec:
  where: tags.site = 'berlin'
  priority: 10
  desired: { time: { timeZone: Europe/Berlin } }
---
apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  where: tags.role = 'kiosk'
  waves:
    - { name: canary, where: tags.ring = 'canary' }
    - { name: rest }
  gate: { compliant: 20%, failed: 100%, soak: 1s, timeout: 24h, of: all }
"
    .to_owned();
    for site in ["oslo", "berlin", "rome"] {
        for at in 0..8 {
            let ring = if at == 0 { "canary" } else { "rest" };
            let note = "<script>document.title = 'owned'</script>";
            write!(
                text,
                "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: kiosk-{site}-{at:02} }}\nspec:\n  identity: \
                 {{ type: sas }}\n  tags: {{ role: kiosk, site: {site}, ring: {ring}, note: \"{note}\" }}\n"
            )
            .unwrap();
        }
    }
    text
}

/// What the test runs with.
struct Ready {
    chromium: PathBuf,
    modules: PathBuf,
}

impl Ready {
    fn find() -> Option<Self> {
        let given = std::env::var_os("CHROMIUM").map(PathBuf::from);
        let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
        let Some(chromium) = given.into_iter().chain(known).find(|path| path.exists()) else {
            return missing("Chromium is not there (`apt-get install chromium`)");
        };
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/browser/node_modules");
        if !modules.join("playwright-core").exists() || !modules.join("axe-core").exists() {
            return missing("playwright-core and axe-core are not there (`.ci/sdks`)");
        }
        if Command::new("node").arg("--version").output().is_err() {
            return missing("Node is not there");
        }
        Some(Self { chromium, modules })
    }
}

fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "{what}");
    let mut err = std::io::stderr().lock();
    writeln!(err, "\n*** NOT RUN in a browser: {what}\n").unwrap();
    None
}

/// A process, and the lines of what it says.
struct Process {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, lines) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let to = to.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = to.send(line);
                }
            });
        }
        Self { child, lines, said: String::new() }
    }

    /// The line that has this word; `None` when the process ends before.
    fn line(&mut self, word: &str) -> Option<String> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.extend([&line, "\n"]);
                    if line.contains(word) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("`{word}` was not said in time:\n{}", self.said),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn twinops(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.args(words).current_dir(folder).env("NO_COLOR", "1").env_remove("IOTHUB_CONNECTION_STRING");
    command
}

fn git(folder: &Path, words: &[&str]) {
    let identity = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(folder).args(identity).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Somebody changes a twin outside git.
fn edit(folder: &Path) {
    let state = folder.join(".twinops/hub");
    let said = twinops(folder, &["hub", "connection-string", "--state"]).arg(&state).output().unwrap();
    let connection = String::from_utf8(said.stdout).unwrap();
    let service = twinops::iothub::ServiceConnection::parse(connection.trim()).unwrap();
    let options = twinops::client::Options { ca: Some(state.join("ca.pem")), ..Default::default() };
    let hub = twinops::client::HubClient::connect(&service, options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use twinops::reconcile::ports::{TwinRead as _, TwinWrite as _};
        let device = DEVICE.parse().unwrap();
        let twin = hub.twin(&device).await.unwrap().unwrap();
        let etag = twin.row().unwrap().etag.into_owned();
        let patch = r#"{"properties":{"desired":{"time":{"timeZone":"Europe/Paris"}}}}"#.to_owned();
        let patch = serde_json::value::RawValue::from_string(patch).unwrap();
        hub.patch(&device, &etag, &patch).await.unwrap();
    });
}

#[test]
fn every_page_is_as_it_should_be_in_a_browser() {
    let Some(ready) = Ready::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fleet.yaml"), fleet()).unwrap();
    fs::write(folder.path().join(".gitignore"), ".twinops/\n").unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "Kiosks at three sites"]);
    let any = "127.0.0.1:0";
    let words = ["up", ".", "--http", any, "--mqtt", any, "--portal", any, "--failure-rate", "4%", "--offline", "15%"];
    let mut up = Process::start(&mut twinops(folder.path(), &words));
    let link = up.line("sign in (works once)").expect("a link");
    up.line("watching").expect("the devices have what is declared");

    let mut visit = Command::new("node");
    visit
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/portal/browser/visit.js"))
        .env("NODE_PATH", &ready.modules)
        .env("CHROMIUM", &ready.chromium)
        .env("LINK", link.split_whitespace().last().unwrap())
        .env("DEVICE", DEVICE);
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/portal");
        fs::create_dir_all(&pictures).unwrap();
        visit.env("SHOTS", pictures);
    }
    let mut visit = Process::start(&mut visit);
    if visit.line("move").is_some() {
        edit(folder.path());
    }
    // What it says after that, to its end.
    assert_eq!(visit.line("\0"), None);
    let status = visit.child.wait().unwrap();
    assert!(status.success(), "{}", visit.said);
}
