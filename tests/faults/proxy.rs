//! A proxy before a real hub that breaks connections, cuts answers off, throttles, and counts what passes.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

type Socket = BufStream<TlsStream<TcpStream>>;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Throttled,
    Trouble,
    /// The connection is reset: before the hub hears of it, or after it has done what it was asked.
    Reset {
        done: bool,
    },
    /// Half of the answer, and then the end.
    Truncated,
    Slow,
}

/// A proxy that runs as long as its test.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Who the proxy is, for those who are to trust it.
    pub(crate) ca: PathBuf,
    shared: Arc<Shared>,
    /// How many requests the hub has answered.
    pub(crate) passed: watch::Receiver<usize>,
}

struct Shared {
    hub: String,
    http: reqwest::Client,
    rng: Mutex<Rng>,
    /// Of a hundred requests, how many meet a fault.
    faults: Mutex<u32>,
    /// How many have met one.
    met: AtomicUsize,
    passed: watch::Sender<usize>,
}

/// A request, or the answer to one: its first line, its other lines, and its body.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Proxy {
    pub(crate) async fn start(hub: String, http: reqwest::Client, folder: &Path, seed: u64) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = folder.join("proxy.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor =
            TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, passed) = watch::channel(0);
        let rng = Mutex::new(Rng::with_seed(seed));
        let shared =
            Arc::new(Shared { hub, http, rng, faults: Mutex::new(0), met: AtomicUsize::new(0), passed: sender });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&accepting));
                tokio::spawn(async move {
                    if let Ok(socket) = acceptor.accept(socket).await {
                        shared.converse(BufStream::new(socket)).await;
                    }
                });
            }
        });
        Self { address, ca, shared, passed }
    }

    /// From now on, so many requests of a hundred meet a fault.
    pub(crate) fn faults(&self, percent: u32) {
        *self.shared.faults.lock().unwrap() = percent;
    }

    /// How many requests have met a fault.
    pub(crate) fn met(&self) -> usize {
        self.shared.met.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn draw(&self) -> Fate {
        let mut rng = self.rng.lock().unwrap();
        if rng.u32(0..100) >= *self.faults.lock().unwrap() {
            return Fate::Well;
        }
        self.met.fetch_add(1, Ordering::Relaxed);
        match rng.u32(0..16) {
            // A pause of a second or more for all: few of them say as much as many.
            0 => Fate::Throttled,
            1..4 => Fate::Trouble,
            4..7 => Fate::Reset { done: false },
            7..11 => Fate::Reset { done: true },
            11..14 => Fate::Truncated,
            _ => Fate::Slow,
        }
    }

    async fn converse(&self, mut socket: Socket) {
        while let Some(request) = Message::read(&mut socket).await {
            let fate = self.draw();
            let early = match fate {
                Fate::Reset { done: false } => return reset(socket),
                Fate::Throttled => Some(Message::refusal("429 Too Many Requests")),
                Fate::Trouble => Some(Message::refusal("503 Service Unavailable")),
                _ => None,
            };
            let answer = match early {
                Some(answer) => answer,
                // The hub has been stopped.
                None => match self.forward(request).await {
                    Some(answer) => answer,
                    None => return reset(socket),
                },
            };
            match fate {
                Fate::Reset { .. } => return reset(socket),
                Fate::Slow => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => {}
            }
            let mut text = answer.text();
            if fate == Fate::Truncated {
                text.truncate(text.len() - answer.body.len().div_ceil(2));
            }
            let sent = socket.write_all(&text).await.is_ok() && socket.flush().await.is_ok();
            if !sent || fate == Fate::Truncated {
                return;
            }
        }
    }

    async fn forward(&self, request: Message) -> Option<Message> {
        let mut words = request.first.split(' ');
        let method = reqwest::Method::from_bytes(words.next()?.as_bytes()).ok()?;
        let mut forwarded = self.http.request(method, format!("https://{}{}", self.hub, words.next()?));
        let hop = ["host", "content-length", "accept-encoding", "connection"];
        for (name, value) in request.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str())) {
            forwarded = forwarded.header(name, value);
        }
        let answer = forwarded.body(request.body).send().await.ok()?;
        let first = format!("HTTP/1.1 {}", answer.status());
        let shown = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), shown(value)));
        let headers = headers.filter(|(name, _)| !["content-length", "transfer-encoding"].contains(&name.as_str()));
        let headers = headers.collect();
        let body = answer.bytes().await.ok()?.to_vec();
        self.passed.send_modify(|passed| *passed += 1);
        Some(Message { first, headers, body })
    }
}

/// As a machine that has lost its memory does.
fn reset(socket: Socket) {
    // An end without a word is as good where a socket takes no options.
    let _quick = socket.into_inner().get_ref().0.set_zero_linger();
}

impl Message {
    fn refusal(status: &str) -> Self {
        Self { first: format!("HTTP/1.1 {status}"), headers: Vec::new(), body: b"{}".to_vec() }
    }

    async fn read(socket: &mut Socket) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if socket.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let split = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: Vec<_> = lines[1..].iter().filter_map(split).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        socket.read_exact(&mut body).await.ok()?;
        Some(Self { first: lines.swap_remove(0), headers, body })
    }

    fn text(&self) -> Vec<u8> {
        let mut head = format!("{}\r\ncontent-length: {}\r\n", self.first, self.body.len());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
