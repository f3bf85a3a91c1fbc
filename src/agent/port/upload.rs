//! Files that devices hand over: one PUT by HTTPS to an address that may be written to as it is.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{
    Request, StatusCode, Uri,
    body::{Body, Bytes, Frame, SizeHint},
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use rustls::ClientConfig;
use tokio::{
    fs::File,
    io::{AsyncRead as _, ReadBuf},
    time::sleep,
};
use tracing::{info, warn};

use super::{
    Fault,
    artifacts::{TRIES, shown},
};
use crate::agent::net::{NetError, Proxies, TlsError, exchange_within, tls_config};

/// What is read at a time, in bytes.
const PART: usize = 32 * 1024;
/// How long a server may take besides the time for the file.
const PATIENCE: Duration = Duration::from_mins(1);
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 4 * 1024;

/// How servers are reached, and who vouches for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) proxies: Proxies,
}

/// Why a file was not handed over.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the server answers {0}")]
    Status(StatusCode),
    #[error("it cannot be read")]
    Disk(#[from] io::Error),
    #[error("no trusted connection can be set up")]
    Tls(#[from] TlsError),
}

impl UploadError {
    /// Whether another try may help.
    fn may_pass(&self) -> bool {
        match self {
            Self::Net(fault) => fault.may_pass(),
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Disk(_) | Self::Tls(_) => false,
        }
    }
}

/// Writes a file to an address. What is after its `?` may be a signature, and is neither logged nor told.
///
/// # Errors
/// When it cannot be written there, after some tries.
pub(crate) async fn upload(way: &Way, path: &Path, url: &str) -> Result<(), Fault> {
    let doing = format!("writing to `{}`", shown(url));
    let fault = |cause: &dyn std::error::Error| Fault::because(&doing, cause);
    let tls = tls_config(way.ca.as_deref()).map_err(|cause| fault(&UploadError::from(cause)))?;
    let mut tries = 0;
    loop {
        match put(&tls, &way.proxies, path, url).await {
            Ok(()) => {
                info!(to = shown(url), "handed over");
                return Ok(());
            }
            Err(cause) if cause.may_pass() && tries < TRIES => {
                tries += 1;
                warn!(%cause, tries, "handing it over again");
                sleep(Duration::from_millis(100) * 4_u32.pow(tries)).await;
            }
            Err(cause) => return Err(fault(&cause)),
        }
    }
}

async fn put(tls: &Arc<ClientConfig>, proxies: &Proxies, path: &Path, url: &str) -> Result<(), UploadError> {
    let uri: Uri = url.parse().map_err(|_| NetError::Address)?;
    let file = File::open(path).await?;
    let left = file.metadata().await?.len();
    let patience = PATIENCE + Duration::from_secs(left / SLOWEST);
    let request = Request::put("/").header(CONTENT_TYPE, "application/gzip").header(CONTENT_LENGTH, left);
    // Azure Storage asks for it, and others leave it aside.
    let request = request.header("x-ms-blob-type", "BlockBlob");
    let answer = exchange_within(patience, proxies, tls, &uri, (request, Sent { file, left })).await?;
    let status = answer.response.status();
    if status.is_success() { Ok(()) } else { Err(UploadError::Status(status)) }
}

/// A file on its way.
struct Sent {
    file: File,
    left: u64,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut space = vec![0; PART.min(usize::try_from(self.left).unwrap_or(PART))];
        let mut part = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.file).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        if read == 0 {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        self.left -= read as u64;
        space.truncate(read);
        Poll::Ready(Some(Ok(Frame::data(space.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests;
