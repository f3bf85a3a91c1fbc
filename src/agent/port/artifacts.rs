//! Files that devices fetch: by HTTPS, resumed where a connection broke off, and used only when their digest is right.

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hyper::{
    Request, StatusCode, Uri,
    body::Body as _,
    header::{LOCATION, RANGE},
};
use rustls::ClientConfig;
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncWriteExt as _, time::timeout};
use tracing::{info, warn};

use super::Fault;
use crate::{
    agent::net::{Answer, NetError, Proxies, TlsError, exchange, tls_config},
    component::artifact::Artifact,
};

/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_mins(1);
/// The largest file when no size is given, in bytes.
const LARGEST: u64 = 4 << 30;
/// How often a broken connection is taken up again before the pass gives up; the next one goes on from there.
pub(super) const TRIES: u32 = 4;
/// How often a server may point to another.
const REDIRECTS: u32 = 5;

/// Where fetched files are kept, and whom to believe.
#[derive(Debug, Clone)]
pub(crate) struct Artifacts {
    folder: PathBuf,
    ca: Option<PathBuf>,
    proxies: Proxies,
}

/// How servers are reached.
struct Way<'a> {
    tls: Arc<ClientConfig>,
    proxies: &'a Proxies,
}

/// Why a part of a file did not come.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the server points from one place to the next for ever")]
    Redirects,
    #[error("the server answers {0}")]
    Status(StatusCode),
    #[error("the file is larger than {0} bytes")]
    TooLong(u64),
    #[error("the server said nothing for {} seconds", PATIENCE.as_secs())]
    Silent,
    #[error("it cannot be kept")]
    Disk(#[from] io::Error),
    #[error("no trusted connection can be set up")]
    Tls(#[from] TlsError),
}

impl FetchError {
    /// Whether going on from what is there may help.
    fn may_pass(&self) -> bool {
        match self {
            Self::Net(fault) => fault.may_pass(),
            Self::Silent => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}

impl Artifacts {
    /// Keeps files in a folder of its own, and trusts the authorities of `ca`, or of the system.
    pub(crate) fn new(folder: &Path, ca: Option<&Path>) -> Self {
        Self { folder: folder.to_owned(), ca: ca.map(Path::to_owned), proxies: Proxies::default() }
    }

    /// The same, which reaches servers through proxies.
    pub(crate) fn through(self, proxies: &Proxies) -> Self {
        Self { proxies: proxies.clone(), ..self }
    }

    /// The file, with an ending that the programs which read it know. It is fetched only if it is not there.
    pub(crate) async fn get(&self, artifact: &Artifact, ending: &str) -> Result<PathBuf, Fault> {
        let digest = artifact.sha256.to_ascii_lowercase();
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::new("`sha256` must have 64 hexadecimal digits"));
        }
        let doing = format!("fetching `{}`", shown(&artifact.url));
        let fault = |cause: &dyn std::error::Error| Fault::because(&doing, cause);
        fs::create_dir_all(&self.folder).map_err(|cause| fault(&cause))?;
        let path = self.folder.join(format!("{digest}{ending}"));
        if path.exists() && sha256(&path).await.map_err(|cause| fault(&cause))? == digest {
            return Ok(path);
        }
        let part = self.folder.join(format!("{digest}.part"));
        self.fetch(artifact, &part).await.map_err(|cause| fault(&cause))?;
        let found = sha256(&part).await.map_err(|cause| fault(&cause))?;
        if found != digest {
            // What is wrong is not gone on from.
            fs::remove_file(&part).map_err(|cause| fault(&cause))?;
            return Err(Fault::new(format!("{doing}: its digest is {found}, not the one declared; it is not used")));
        }
        fs::rename(&part, &path).map_err(|cause| fault(&cause))?;
        info!(file = %path.display(), "fetched");
        Ok(path)
    }

    /// Forgets a fetched file that is not needed any more.
    pub(crate) fn forget(path: &Path) {
        if let Err(fault) = fs::remove_file(path) {
            warn!(%fault, file = %path.display(), "cannot remove a fetched file");
        }
    }

    async fn fetch(&self, artifact: &Artifact, part: &Path) -> Result<(), FetchError> {
        let way = Way { tls: tls_config(self.ca.as_deref())?, proxies: &self.proxies };
        let most = artifact.size.unwrap_or(LARGEST);
        let mut tries = 0;
        loop {
            match fetch_on(&way, &artifact.url, part, most).await {
                Ok(()) => return Ok(()),
                Err(fault) if fault.may_pass() && tries < TRIES => {
                    tries += 1;
                    warn!(%fault, tries, "going on with what is fetched so far");
                    tokio::time::sleep(Duration::from_millis(100) * 4_u32.pow(tries)).await;
                }
                Err(fault) => return Err(fault),
            }
        }
    }
}

/// Goes on from what is there.
async fn fetch_on(way: &Way<'_>, url: &str, part: &Path, most: u64) -> Result<(), FetchError> {
    let mut file = File::options().create(true).append(true).open(part).await?;
    let held = file.metadata().await?.len();
    let mut answer = open(way, url, held).await?;
    let mut length = held;
    if answer.response.status() != StatusCode::PARTIAL_CONTENT {
        file.set_len(0).await?;
        length = 0;
    }
    let body = answer.response.body_mut();
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        let Some(frame) = timeout(PATIENCE, frame).await.map_err(|_| FetchError::Silent)? else { break };
        let Ok(data) = frame.map_err(NetError::Http)?.into_data() else { continue };
        length += data.len() as u64;
        if length > most {
            return Err(FetchError::TooLong(most));
        }
        file.write_all(&data).await?;
    }
    file.sync_all().await?;
    Ok(())
}

/// Asks for a file from a place in it on, wherever the server says that it is.
async fn open(way: &Way<'_>, url: &str, from: u64) -> Result<Answer, FetchError> {
    let mut url = url.to_owned();
    for _ in 0..REDIRECTS {
        let answer = timeout(PATIENCE, ask(way, &url, from)).await.map_err(|_| FetchError::Silent)??;
        match answer.response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(answer),
            // What is there is all there is; the digest will tell.
            StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return Box::pin(open(way, &url, 0)).await,
            status if status.is_redirection() => {
                let next = answer.response.headers().get(LOCATION).and_then(|next| next.to_str().ok());
                url = next.ok_or(FetchError::Status(status))?.to_owned();
            }
            status => return Err(FetchError::Status(status)),
        }
    }
    Err(FetchError::Redirects)
}

async fn ask(way: &Way<'_>, url: &str, from: u64) -> Result<Answer, FetchError> {
    let uri: Uri = url.parse().map_err(|_| NetError::Address)?;
    let mut request = Request::get("/");
    if from > 0 {
        request = request.header(RANGE, format!("bytes={from}-"));
    }
    Ok(exchange(way.proxies, &way.tls, &uri, request, String::new()).await?)
}

/// An address without what may be a signature in it.
pub(super) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The SHA-256 of a file in hexadecimal.
pub(crate) async fn sha256(path: &Path) -> io::Result<String> {
    let path = path.to_owned();
    let work = move || {
        let mut hasher = Sha256::new();
        io::copy(&mut fs::File::open(path)?, &mut Hashed(&mut hasher))?;
        Ok(hex(&hasher.finalize()))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|fault| Err(io::Error::other(fault)))
}

/// What is written into it is hashed.
struct Hashed<'a>(&'a mut Sha256);

impl io::Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::{super::sample, *};

    /// Answers one connection after the other with what it is given, then hangs up; tells what it was asked.
    async fn server(answers: Vec<Vec<u8>>) -> (tempfile::TempDir, String, tokio::task::JoinHandle<Vec<String>>) {
        let (folder, acceptor, listener) = sample::server().await;
        let url = format!("https://localhost:{}/file?sig=secret", listener.local_addr().unwrap().port());
        let serving = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(stream).await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                asked.push(String::from_utf8(request).unwrap());
                stream.write_all(&answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            asked
        });
        (folder, url, serving)
    }

    fn answer(head: &str, length: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    fn digest(body: &[u8]) -> String {
        hex(&Sha256::digest(body))
    }

    fn asking(folder: &tempfile::TempDir, url: &str, body: &[u8]) -> (Artifacts, Artifact) {
        let artifacts = Artifacts::new(&folder.path().join("files"), Some(&folder.path().join("ca.pem")));
        (artifacts, Artifact { url: url.to_owned(), sha256: digest(body).to_uppercase(), size: None })
    }

    #[tokio::test]
    async fn a_file_that_broke_off_is_gone_on_with_and_fetched_once() {
        let body = b"0123456789";
        let (folder, url, serving) =
            server(vec![answer("200 OK", 10, b"0123"), answer("206 Partial Content", 6, b"456789")]).await;
        let (artifacts, artifact) = asking(&folder, &url, body);
        let path = artifacts.get(&artifact, ".deb").await.unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), path.extension().unwrap()), (&body[..], ".deb"[1..].as_ref()));
        let asked = serving.await.unwrap();
        assert!(!asked[0].contains("range:") && asked[1].contains("range: bytes=4-"), "{asked:?}");
        assert_eq!(artifacts.get(&artifact, ".deb").await, Ok(path), "nobody serves any more");
    }

    #[tokio::test]
    async fn a_server_that_knows_no_parts_is_taken_from_the_start() {
        let body = b"0123456789";
        let (folder, url, _serving) = server(vec![answer("200 OK", 10, b"01"), answer("200 OK", 10, body)]).await;
        let (artifacts, artifact) = asking(&folder, &url, body);
        assert_eq!(fs::read(artifacts.get(&artifact, "").await.unwrap()).unwrap(), body);
    }

    #[tokio::test]
    async fn a_file_with_another_digest_is_not_used_nor_gone_on_from() {
        let (folder, url, _serving) = server(vec![answer("200 OK", 4, b"evil")]).await;
        let (artifacts, artifact) = asking(&folder, &url, b"good");
        let fault = artifacts.get(&artifact, "").await.unwrap_err().to_string();
        assert!(fault.contains("not the one declared") && !fault.contains("secret"), "{fault}");
        assert_eq!(fs::read_dir(folder.path().join("files")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_too_large_or_elsewhere_or_not_there_is_told() {
        let moved = b"HTTP/1.1 302 Found\r\nLocation: http://localhost/x\r\nContent-Length: 0\r\n\r\n".to_vec();
        let answers = vec![answer("200 OK", 10, b"0123456789"), moved, answer("404 Not Found", 0, b"")];
        let (folder, url, _serving) = server(answers).await;
        let (artifacts, mut artifact) = asking(&folder, &url, b"0123456789");
        artifact.size = Some(9);
        for words in ["larger than 9 bytes", "https://", "404"] {
            let fault = artifacts.get(&artifact, "").await.unwrap_err().to_string();
            assert!(fault.contains(words), "{fault}");
            artifact.sha256 = digest(words.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_server_that_nobody_vouches_for_is_not_believed() {
        let (folder, url, _serving) = server(vec![answer("200 OK", 1, b"x")]).await;
        fs::write(folder.path().join("ca.pem"), sample::certificate().cert.pem()).unwrap();
        let (artifacts, artifact) = asking(&folder, &url, b"x");
        assert!(artifacts.get(&artifact, "").await.unwrap_err().to_string().contains("no trusted connection"));
    }
}
