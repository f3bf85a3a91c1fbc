//! The built command, a hub and a repository: what it takes to find out what to do, and to do it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use twinops::hub::offline;

use crate::{
    devices, load,
    process::Hub,
    support::{Folder, Numbers, figure, heading, memory_mb},
};

/// How often a process's memory is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long the hub's own write rate is measured.
const FLOOR: Duration = Duration::from_secs(10);
/// Writers of that measurement, and requests that `reconcile` has under way.
const CLIENTS: u64 = 64;

/// A hub with devices, and a repository.
pub(crate) struct Stage {
    folder: Folder,
    hub: Hub,
}

pub(crate) fn run(size: u64) {
    heading(&format!("{size} devices, our own hub over HTTPS, the built command"));
    let stage = Stage::new(size);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let floor = runtime.block_on(load::patches(&[&stage.hub], size, CLIENTS, FLOOR, alike)).rate;
    figure("the hub's durable writes of such patches, clients that do nothing else", floor, "writes/s", "-");
    stage.forget();
    let (planned, peak) = stage.run(&["plan"]);
    figure("plan that reads every twin, each to be changed", planned, "s", "10");
    figure("  most memory held", peak, "MB", "200");
    stage.forget();
    let (took, peak) = stage.run(&["reconcile", "--concurrency", &CLIENTS.to_string()]);
    figure("a change to every device: plan, write, report", took, "s", "-");
    let share = |took: f64| size as f64 / took / floor * 100.0;
    figure("  of the hub's durable write rate, while it writes", share(took - planned), "%", "80");
    figure("  plan included", share(took), "%", "-");
    figure("  most memory held", peak, "MB", "200");

    stage.forget();
    let (took, peak) = stage.run(&["plan"]);
    figure("plan that reads every twin, nothing to do", took, "s", "10");
    figure("  most memory held", peak, "MB", "200");
    let (took, _) = stage.run(&["plan"]);
    figure("plan after no change", took, "s", "2");
    stage.commit("a", "c");
    let (took, _) = stage.run(&["plan"]);
    figure("plan after a change of one line for few devices", took, "s", "2");
    stage.commit("d", "c");
    let (took, peak) = stage.run(&["plan"]);
    figure("plan after a change of one line for all devices", took, "s", "2");
    figure("  most memory held", peak, "MB", "200");
    figure("memory of the hub, at most", stage.hub.peak() / 1e6, "MB", "-");
}

/// A patch as a run sends it: values, and a marker.
fn alike(numbers: &mut Numbers) -> String {
    let commit = format!("{:016x}{:016x}{:08x}", numbers.next(), numbers.next(), numbers.below(1 << 32));
    let tags = format!(r#"{{"bench":{{"revision":"{commit}","sources":["Profile/base"]}}}}"#);
    let desired = format!(r#"{{"time":{{"timeZone":"Europe/Oslo"}},"app":{{"edition":"{}"}}}}"#, numbers.below(600));
    format!(r#"{{"tags":{tags},"properties":{{"desired":{desired}}}}}"#)
}

impl Stage {
    /// So many devices, and a first commit.
    pub(crate) fn new(size: u64) -> Self {
        let folder = Folder::new("reconcile");
        let hub = Hub::start(folder.path(), &[]);
        tokio::runtime::Runtime::new().expect("a runtime").block_on(devices::register(&hub, size));
        let stage = Self { folder, hub };
        fs::create_dir(stage.fleet()).expect("a folder");
        stage.git(&["init", "--quiet", "--initial-branch=main"]);
        stage.commit("a", "b");
        stage
    }

    fn fleet(&self) -> PathBuf {
        self.folder.path().join("fleet")
    }

    fn git(&self, words: &[&str]) {
        let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"];
        let status = Command::new("git").arg("-C").arg(self.fleet()).args(identity).args(words).status();
        assert!(status.expect("git runs").success(), "{words:?}");
    }

    /// One value for all devices, and one for those of a site.
    pub(crate) fn commit(&self, all: &str, few: &str) {
        let text = format!(
            "apiVersion: twinops/v1\nkind: Fleet\nmetadata: {{ name: bench }}\n---\napiVersion: twinops/v1\n\
             kind: Profile\nmetadata: {{ name: base }}\nspec:\n  where: tags.role = 'kiosk'\n  desired:\n    \
             time: {{ timeZone: Europe/Oslo }}\n    app: {{ edition: {all} }}\n---\napiVersion: twinops/v1\n\
             kind: Profile\nmetadata: {{ name: site }}\nspec:\n  where: tags.site = 'site-7'\n  priority: 1\n  \
             desired:\n    app: {{ site: {few} }}\n"
        );
        fs::write(self.fleet().join("fleet.yaml"), text).expect("a file");
        self.git(&["add", "fleet.yaml"]);
        self.git(&["commit", "--quiet", "--message", "An edition"]);
    }

    /// Throws away what is kept of twins.
    fn forget(&self) {
        let _nothing_kept_yet = fs::remove_dir_all(self.fleet().join(".git/twinops"));
    }

    /// The built command in the repository, with the hub in its environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let state = self.folder.path().join("state");
        let connection = offline::service_connection_string(&state, "iothubowner").expect("its policies");
        let ca: &Path = &offline::ca_pem_path(&state).expect("an authority of its own");
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        let variables = [("IOTHUB_CONNECTION_STRING", connection.reveal().as_ref()), ("TWINOPS_CA", ca.as_os_str())];
        command.args(words).current_dir(self.fleet()).envs(variables).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Seconds that a command takes, and the most memory that it had, in MB.
    #[expect(clippy::disallowed_methods, reason = "nothing but the command runs")]
    fn run(&self, words: &[&str]) -> (f64, f64) {
        let start = Instant::now();
        let mut child = self.command(words).arg("--quiet").spawn().expect("the command starts");
        let (process, mut peak) = (child.id().to_string(), 0.0_f64);
        let status = loop {
            peak = peak.max(memory_mb(&process, "VmHWM:"));
            if let Some(status) = child.try_wait().expect("a child") {
                break status;
            }
            std::thread::sleep(LOOK);
        };
        assert!(status.success(), "{words:?}: {status}");
        (start.elapsed().as_secs_f64(), peak)
    }
}
