//! A reconciler that stays, and a listener to what it tells.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufStream, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use super::stage::Stage;

pub(crate) const SECRET: &str = "a secret that nobody guesses";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What GitHub sends along.
pub(crate) fn sign(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let start = "sha256=".to_owned();
    mac.finalize().into_bytes().iter().fold(start, |text, byte| text + &format!("{byte:02x}"))
}

/// A reconciler that stays.
pub(crate) struct Watcher {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: mpsc::UnboundedReceiver<String>,
    http: reqwest::Client,
    webhook: String,
    metrics: String,
}

impl Watcher {
    /// Polls so seldom that only webhooks count.
    pub(crate) async fn start(stage: &Stage, listener: &Listener) -> Self {
        let words = ["reconcile", "--watch", "--poll", "1h", "--webhook", "127.0.0.1:0", "--events", "-"];
        let mut command = stage.command(&words);
        command.args(["--metrics", "127.0.0.2:0"]).env("TWINOPS_WEBHOOK_SECRET", SECRET);
        command.env("TWINOPS_NOTIFY_URL", &listener.url);
        Self::listening(command).await
    }

    /// The same, reached over TLS with a certificate of this name, which is trusted by nobody else.
    pub(crate) async fn start_with_tls(stage: &Stage, listener: &Listener) -> Self {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let [chain, key] = ["cert.pem", "key.pem"].map(|name| stage.repository.path().join(".git").join(name));
        std::fs::write(&chain, signed.cert.pem()).unwrap();
        std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
        let words = ["reconcile", "--watch", "--poll", "1h", "--webhook", "127.0.0.1:0", "--events", "-"];
        let mut command = stage.command(&words);
        command.args(["--metrics", "127.0.0.1:0"]).env("TWINOPS_WEBHOOK_SECRET", SECRET);
        command.env("TWINOPS_NOTIFY_URL", &listener.url).arg("--listen-cert").arg(chain).arg("--listen-key").arg(key);
        let mut watcher = Self::listening(command).await;
        assert!(watcher.webhook.starts_with("https://"), "{}", watcher.webhook);
        let root = reqwest::Certificate::from_pem(signed.cert.pem().as_bytes()).unwrap();
        watcher.http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
        watcher
    }

    async fn listening(command: Command) -> Self {
        let mut watcher = Self::of(command);
        watcher.webhook = watcher.address("/webhook").await;
        watcher.metrics = watcher.address("/metrics").await;
        watcher
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (to, err) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // Whoever has heard enough listens no more.
                let _heard = to.send(line);
            }
        });
        // Another test of this process may have chosen already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, out, err, http, webhook: String::new(), metrics: String::new() }
    }

    async fn address(&mut self, path: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.err.recv()).await.unwrap().expect("it listens");
            if let Some(url) = line.strip_prefix("listening at ").filter(|url| url.ends_with(path)) {
                return url.to_owned();
            }
        }
    }

    /// The next line of its output that has a word.
    pub(crate) async fn printed(&mut self, word: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.out.next_line()).await.expect(word).unwrap();
            let Some(line) = line else {
                let mut said = Vec::new();
                while let Some(line) = self.err.recv().await {
                    said.push(line);
                }
                panic!("it ended before it printed `{word}`: {said:#?}");
            };
            if line.contains(word) {
                return line;
            }
        }
    }

    /// The next event of a kind.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        let line = self.printed(&format!(r#""event":"{kind}""#)).await;
        serde_json::from_str(&line).unwrap()
    }

    /// Posts to its webhook; the status.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut request = self.http.post(&self.webhook).body(body.to_owned()).timeout(PATIENCE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// The metrics, asked for until they have a line.
    pub(crate) async fn metrics_with(&self, line: &str) -> String {
        let asking = async {
            loop {
                let text = self.http.get(&self.metrics).send().await.unwrap().text().await.unwrap();
                if text.contains(line) {
                    return text;
                }
            }
        };
        timeout(PATIENCE, asking).await.expect(line)
    }

    /// Ctrl-C; it has to end well.
    pub(crate) async fn interrupt(mut self) {
        let process = i32::try_from(self.child.id().unwrap()).unwrap();
        let process = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        assert!(timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().success());
    }
}

/// A webhook of others.
pub(crate) struct Listener {
    pub(crate) url: String,
    /// The same without a path.
    pub(crate) base: String,
    bodies: mpsc::UnboundedReceiver<String>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{base}/services/T0/B0/secret");
        let (to, bodies) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let mut socket = BufStream::new(socket);
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    socket.read_line(&mut line).await.unwrap();
                    if let Some((_, value)) = line.to_lowercase().split_once("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                socket.read_exact(&mut body).await.unwrap();
                to.send(String::from_utf8(body).unwrap()).unwrap();
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
                socket.flush().await.unwrap();
            }
        });
        Self { url, base, bodies }
    }

    pub(crate) async fn next(&mut self) -> String {
        timeout(PATIENCE, self.bodies.recv()).await.unwrap().unwrap()
    }

    /// All that nobody has asked for yet.
    pub(crate) fn heard(mut self) -> Vec<String> {
        std::iter::from_fn(|| self.bodies.try_recv().ok()).collect()
    }
}
