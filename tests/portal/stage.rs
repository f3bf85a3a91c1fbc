//! A hub with devices, a fleet's repository, the portal as the built command, and somebody who is signed in to it.

use std::{fs, process::Stdio, time::Duration};

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use twinops::{
    hub::Config,
    iothub::{Key, ServiceCredential},
};

use super::world::{Device, World};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// Devices of the fleet: more than a page of a table has.
pub(crate) const DEVICES: usize = 60;
/// What a browser would run, if a page let it.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'";
/// A value that nobody may see.
pub(crate) const SECRET: &str = "hunter2-of-the-fleet";

const FLEET: &str = "\
apiVersion: twinops/v1
kind: Fleet
metadata: { name: pages }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk'
  desired:
    time: { timeZone: Europe/Oslo }
    app: { edition: 7, password: \"${secret.APP}\" }
---
apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  where: tags.role = 'kiosk'
  waves:
    - { name: canary, where: tags.ring = 'canary' }
    - { name: rest, approval: required }
  gate: { compliant: 95%, failed: 10%, soak: 30m, timeout: 24h, of: all }
";

/// What a portal answered.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The word that its forms have to hand back.
    pub(crate) fn csrf(&self) -> String {
        let after = self.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    pub(crate) fn has(&self, words: &[&str]) {
        for word in words {
            assert!(self.text.contains(word), "`{word}` is missing from:\n{}", self.text);
        }
    }
}

pub(crate) struct Stage {
    pub(crate) world: World,
    repository: tempfile::TempDir,
}

impl Stage {
    /// A fleet of kiosks; the first is the canary, and the second has a hostile tag.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::local(folder.path().join("state"));
        let stage = Self { world: World::open(folder, config).await, repository: tempfile::tempdir().unwrap() };
        for at in 0..DEVICES {
            let ring = if at == 0 { "canary" } else { "rest" };
            let site = if at == 1 { HOSTILE } else { ["oslo", "berlin", "rome"][at % 3] };
            stage.register(&id(at), json!({ "role": "kiosk", "ring": ring, "site": site })).await;
        }
        stage.git(&["init", "--quiet", "--initial-branch=main"]).await;
        stage.git(&["remote", "add", "forge", "https://user:token@github.com/contoso/pages.git"]).await;
        fs::write(stage.repository.path().join("fleet.yaml"), FLEET).unwrap();
        stage.git(&["add", "fleet.yaml"]).await;
        stage.git(&["commit", "--quiet", "--message", "Kiosks <b>everywhere</b>"]).await;
        stage
    }

    async fn register(&self, id: &str, tags: Value) {
        let made = self.world.ask(Method::PUT, &format!("/devices/{id}"), &[], json!({ "deviceId": id })).await;
        assert!(made.status.is_success(), "{}", made.body);
        self.patch(id, json!({ "tags": tags })).await;
    }

    /// Somebody else writes to a twin.
    pub(crate) async fn patch(&self, id: &str, patch: Value) {
        let answer = self.world.ask(Method::PATCH, &format!("/twins/{id}"), &[], patch).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }

    pub(crate) async fn twin(&self, id: &str) -> Value {
        self.world.ask(Method::GET, &format!("/twins/{id}"), &[], Value::Null).await.body
    }

    /// A device that is connected.
    pub(crate) async fn connect(&self, id: &str) -> Device {
        let made = self.world.ask(Method::GET, &format!("/devices/{id}"), &[], Value::Null).await.body;
        let key = Key::parse(made["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap()).unwrap();
        let mut device = Device::new(self.world.options(id, &key));
        device.subscribe("$iothub/methods/POST/#").await;
        device.subscribe("$iothub/twin/res/#").await;
        device
    }

    /// What git says.
    pub(crate) async fn git(&self, words: &[&str]) -> String {
        let identity =
            ["-c", "user.name=Ada <i>L</i>", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
        let mut git = Command::new("git");
        let output = git.arg("-C").arg(self.repository.path()).args(identity).args(words).output().await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.repository.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.repository.path().join(name)).unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.world.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let ServiceCredential::Key { policy, key } = &self.world.service.credential else { panic!("a key") };
        let host = &self.world.service.host;
        let connection = format!("HostName={host};SharedAccessKeyName={policy};SharedAccessKey={}", key.reveal());
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command
            .args(words)
            .current_dir(self.repository.path())
            .env("IOTHUB_CONNECTION_STRING", connection)
            .env("TWINOPS_CA", self.file("state/ca.pem"))
            .env("TWINOPS_SECRET_APP", SECRET)
            .env("NO_COLOR", "1")
            // The forge is there for links alone.
            .env("GIT_ALLOW_PROTOCOL", "file")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// A command to its end; how it ended is told by what pages show.
    pub(crate) async fn run(&self, words: &[&str]) {
        timeout(PATIENCE, self.command(words).output()).await.unwrap().unwrap();
    }

    /// A command that ends well.
    pub(crate) async fn accepted(&self, words: &[&str]) {
        let output = timeout(PATIENCE, self.command(words).output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command that is refused; what it says.
    pub(crate) async fn refused(&self, words: &[&str]) -> String {
        let output = timeout(PATIENCE, self.command(words).output()).await.unwrap().unwrap();
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// The portal, with somebody signed in.
    pub(crate) async fn portal(&self, words: &[&str]) -> Portal {
        let mut portal = self.stranger(words).await;
        portal.sign_in().await;
        // Its first numbers.
        portal.until("/", |page| page.text.contains("Numbers read")).await;
        portal
    }

    /// The portal, with nobody signed in.
    pub(crate) async fn stranger(&self, words: &[&str]) -> Portal {
        let mut command = self.command(&["portal", "--listen", "127.0.0.1:0", "--refresh", "300ms"]);
        Self::open(command.args(words)).await
    }

    /// A hub of its own with a portal to it, and nobody signed in.
    pub(crate) async fn hub_with_portal(&self) -> Portal {
        let any = "127.0.0.1:0";
        let mut command = self.command(&["hub", "--http", any, "--mqtt", any, "--portal", any, "--portal-fleet", "."]);
        Self::open(command.arg("--state").arg(self.file("other"))).await
    }

    async fn open(command: &mut Command) -> Portal {
        let mut portal = Portal::of(command.spawn().unwrap());
        portal.link = portal.next_link().await;
        portal
    }

    /// A portal at which people sign in elsewhere; nobody is.
    pub(crate) async fn with_accounts(&self, words: &[&str]) -> Portal {
        // Its own address is part of what the issuer is told: the port has to be known before.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{free}");
        let mut command = self.command(&["portal", "--listen", &free.to_string(), "--url", &url]);
        let mut child = command.args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async { while told.next_line().await.unwrap().expect("the portal runs") != "ready" {} };
        timeout(PATIENCE, ready).await.unwrap();
        Portal { link: format!("{url}/enter/none"), ..Portal::of(child) }
    }
}

/// A portal that runs, and a browser of a few lines.
pub(crate) struct Portal {
    _child: Child,
    said: Lines<BufReader<ChildStderr>>,
    pub(crate) link: String,
    http: reqwest::Client,
    pub(crate) cookie: String,
}

impl Portal {
    fn of(mut child: Child) -> Self {
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        // Another test of this process may have chosen already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = http.tls_danger_accept_invalid_certs(true).gzip(false).build().unwrap();
        Self { _child: child, said, link: String::new(), http, cookie: String::new() }
    }

    /// The link that the terminal shows next.
    pub(crate) async fn next_link(&mut self) -> String {
        loop {
            let line = timeout(PATIENCE, self.said.next_line()).await.unwrap().unwrap().expect("the portal runs");
            if let Some((_, link)) = line.split_once("sign in (works once)  ") {
                return link.to_owned();
            }
        }
    }

    fn url(&self, path: &str) -> String {
        let (base, _) = self.link.split_once("/enter/").unwrap();
        format!("{base}{path}")
    }

    /// Follows the link; what it answered.
    pub(crate) async fn sign_in(&mut self) -> Page {
        let path = format!("/enter/{}", self.link.rsplit('/').next().unwrap());
        let answer = self.get(&path).await;
        answer.header("set-cookie").split(';').next().unwrap().clone_into(&mut self.cookie);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.with(path, &[]).await
    }

    pub(crate) async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        let request =
            headers.iter().fold(self.http.get(self.url(path)), |request, (name, value)| request.header(*name, *value));
        self.send(request).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let request = request.header("cookie", &self.cookie).timeout(PATIENCE);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Page { status, headers, text: answer.text().await.unwrap() }
    }

    /// The page once it is as it should be: it is read again whenever the portal says that numbers have moved.
    pub(crate) async fn until(&self, path: &str, is_right: impl Fn(&Page) -> bool) -> Page {
        let live = self.http.get(self.url("/live")).header("cookie", &self.cookie).send().await.unwrap();
        assert_eq!(live.status(), StatusCode::OK);
        let mut moves = live.bytes_stream();
        let looking = async {
            loop {
                let page = self.get(path).await;
                if is_right(&page) {
                    return page;
                }
                moves.next().await.expect("the portal goes on").unwrap();
            }
        };
        let Ok(page) = timeout(PATIENCE, looking).await else {
            panic!("{path} never is as it should be:\n{}", self.get(path).await.text);
        };
        page
    }
}

/// The name of a device.
pub(crate) fn id(at: usize) -> String {
    // What may stand in an id, and means something in an address or a page.
    format!("kiosk-{at:02}'(!):@")
}
