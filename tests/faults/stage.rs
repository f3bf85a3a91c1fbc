//! A hub, a proxy before it, a fleet repository, and the built command.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::timeout,
};
use twinops::{
    hub::Config,
    iothub::{ServiceConnection, ServiceCredential},
};

use super::{proxy::Proxy, world::World};

/// Devices that the fleet has.
pub(crate) const DEVICES: usize = 40;
/// Longer than any command here takes.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Stage {
    world: World,
    pub(crate) proxy: Proxy,
    pub(crate) repository: tempfile::TempDir,
}

impl Stage {
    /// A fleet of devices that are there, each with a value of others.
    pub(crate) async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::local(folder.path().join("state"));
        let world = World::open(folder, config).await;
        let repository = tempfile::tempdir().unwrap();
        let hub = world.service.host.to_string();
        let proxy = Proxy::start(hub, world.http.clone(), repository.path(), seed).await;
        let stage = Self { world, proxy, repository };
        stage.git(&["init", "--quiet", "--initial-branch=main"]).await;
        for at in 0..DEVICES {
            let id = format!("d{at}");
            let made = stage.world.ask(Method::PUT, &format!("/devices/{id}"), &[], json!({ "deviceId": id })).await;
            assert!(made.status.is_success(), "{}", made.body);
            let foreign = json!({ "properties": { "desired": { "bridge": { "port": at } } } });
            stage.world.ask(Method::PATCH, &format!("/twins/{id}"), &[], foreign).await;
        }
        stage
    }

    pub(crate) async fn git(&self, words: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let mut git = Command::new("git");
        let output = git.arg("-C").arg(self.repository.path()).args(identity).args(words).output().await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A commit that changes one value of every device, and takes one away.
    pub(crate) async fn commit(&self, edition: usize) {
        let text = format!(
            "apiVersion: twinops/v1\nkind: Fleet\nmetadata: {{ name: faults }}\n---\napiVersion: twinops/v1\n\
             kind: Profile\nmetadata: {{ name: base }}\nspec:\n  desired:\n    time: {{ timeZone: Europe/Oslo }}\n    \
             app: {{ edition: {edition}, only{edition}: true }}\n"
        );
        fs::write(self.repository.path().join("fleet.yaml"), text).unwrap();
        self.git(&["add", "fleet.yaml"]).await;
        self.git(&["commit", "--quiet", "--message", "An edition"]).await;
    }

    /// A command, started; it goes with its owner.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }

    /// A command in the repository, with the hub in its environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let connection = connection(&self.world.service, self.proxy.address.port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command
            .args(words)
            .current_dir(self.repository.path())
            .env("IOTHUB_CONNECTION_STRING", connection)
            .env("TWINOPS_CA", &self.proxy.ca)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// A command to its end: its exit code, and all that it said.
    pub(crate) async fn run(&self, words: &[&str]) -> (i32, String) {
        let output = timeout(PATIENCE, self.start(words).wait_with_output()).await.unwrap().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The files in which twins are kept for the next run.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.repository.path().join(".git/twinops")).unwrap().map(|entry| entry.unwrap());
        files.filter(|entry| entry.file_name().to_string_lossy().starts_with("twins-")).map(|e| e.path()).collect()
    }

    /// Over a calm network one run finishes the work, and the next has none.
    pub(crate) async fn finishes(&self) {
        self.proxy.faults(0);
        for words in [["reconcile", "--quiet"], ["plan", "--detailed-exitcode"]] {
            let (code, said) = self.run(&words).await;
            assert_eq!(code, 0, "{said}");
        }
    }

    /// Every twin holds the edition and what others put there, and was written once for each edition.
    pub(crate) async fn is_right(&self, edition: usize) {
        for at in 0..DEVICES {
            let twin = self.world.ask(Method::GET, &format!("/twins/d{at}"), &[], Value::Null).await.body;
            let desired = &twin["properties"]["desired"];
            let only = format!("only{edition}");
            let expected = json!({ "edition": edition, only: true });
            assert_eq!(desired["app"], expected, "{twin}");
            assert_eq!(desired["bridge"], json!({ "port": at }), "{twin}");
            // A new twin has version 1, and others have written to it once.
            assert_eq!(desired["$version"], json!(2 + edition), "{twin}");
        }
    }
}

/// The hub's connection string, by way of the proxy.
fn connection(service: &ServiceConnection, proxy: u16) -> String {
    let ServiceCredential::Key { policy, key } = &service.credential else { panic!("a key") };
    let host = &service.host;
    format!(
        "HostName={host};SharedAccessKeyName={policy};SharedAccessKey={};GatewayHostName=localhost:{proxy}",
        key.reveal()
    )
}
