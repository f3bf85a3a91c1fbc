//! Files that devices hand over: one PUT by HTTPS to an address that may be written to as it is.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::{
    Method,
    body::{Body, Bytes, Frame, SizeHint},
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use rustls::ClientConfig;
use tokio::{
    fs::File,
    io::{AsyncRead as _, ReadBuf},
    time::timeout,
};
use tracing::{info, warn};

use super::{
    Fault,
    https::{self, HttpsError, TRIES, pause, shown},
};

/// What is read at a time, in bytes.
const PART: usize = 32 * 1024;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 4 * 1024;

/// Writes a file to an address. What is after its `?` may be a signature, and is neither logged nor told.
///
/// # Errors
/// When it cannot be written there, after some tries.
pub(crate) async fn upload(ca: Option<&Path>, path: &Path, url: &str) -> Result<(), Fault> {
    let doing = format!("writing to `{}`", shown(url));
    let fault = |cause: &dyn std::error::Error| Fault::because(&doing, cause);
    let tls = crate::agent::link::tls_config(ca).map_err(|cause| fault(&cause))?;
    let mut tries = 0;
    loop {
        match put(&tls, path, url).await {
            Ok(()) => {
                info!(to = shown(url), "handed over");
                return Ok(());
            }
            Err(cause) if cause.may_pass() && tries < TRIES => {
                tries += 1;
                warn!(%cause, tries, "handing it over again");
                pause(tries).await;
            }
            Err(cause) => return Err(fault(&cause)),
        }
    }
}

async fn put(tls: &Arc<ClientConfig>, path: &Path, url: &str) -> Result<(), HttpsError> {
    let file = File::open(path).await?;
    let left = file.metadata().await?.len();
    let patience = https::PATIENCE + std::time::Duration::from_secs(left / SLOWEST);
    let exchange = async {
        let line = https::dial(tls, url).await?;
        let request = line.request(Method::PUT).header(CONTENT_TYPE, "application/gzip").header(CONTENT_LENGTH, left);
        // Azure Storage asks for it, and others leave it aside.
        let request = request.header("x-ms-blob-type", "BlockBlob").body(Sent { file, left })?;
        let status = line.send(request).await?.response.status();
        if status.is_success() { Ok(()) } else { Err(HttpsError::Status(status)) }
    };
    timeout(patience, exchange).await.map_err(|_| HttpsError::Silent)?
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
