//! TLS over a stream, as a stream.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::session::Session;

/// How much is received at a time: more than the longest record.
const SCRATCH: usize = 20 * 1024;
/// With more than this to be sent, in bytes, nothing more is taken.
const BACKLOG: usize = 64 * 1024;

thread_local! {
    /// All connections of a thread receive into the same memory, and keep only what they cannot use yet.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The server's side of a TLS connection. An idle one has no buffers.
#[derive(Debug)]
pub(crate) struct Stream<T> {
    inner: T,
    session: Box<Session>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// Shakes hands. Who is refused is told why.
    pub(crate) async fn accept(config: Arc<ServerConfig>, inner: T) -> io::Result<Self> {
        let session = Session::new(config).map_err(io::Error::other)?;
        let mut stream = Self { inner, session: Box::new(session) };
        while stream.session.is_handshaking() {
            let received = poll_fn(|cx| stream.poll_receive(cx)).await;
            if received.is_err() || !stream.session.is_handshaking() {
                // What it says first is the reason of the failure, whether or not it can be told.
                let told = poll_fn(|cx| stream.poll_send(cx)).await;
                received.and(told)?;
            }
        }
        Ok(stream)
    }

    /// The certificates that the client showed, its own first; nothing for most.
    pub(crate) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.session.certificates()
    }

    /// Bytes of all buffers.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.session.held()
    }

    /// Sends what the protocol wants to be sent, and receives what is there.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Who cannot be told may have said something before.
        let _ = self.poll_send(cx);
        BUFFER.with_borrow_mut(|scratch| {
            let torn = self.session.torn().len();
            if scratch.len() < torn + SCRATCH {
                scratch.resize(torn + SCRATCH, 0);
            }
            let mut buffer = ReadBuf::new(&mut scratch[torn..]);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
            let count = buffer.filled().len();
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            scratch[..torn].copy_from_slice(self.session.torn());
            let received = self.session.receive(&mut scratch[..torn + count]);
            scratch.truncate(SCRATCH);
            Poll::Ready(received.map_err(invalid))
        })
    }

    /// Sends what is to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.session.to_send().is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, self.session.to_send()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.session.sent(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.session.has_plain() && !this.session.is_ended() {
            if let Err(error) = ready!(this.poll_receive(cx)) {
                // The client may not want to hear why.
                let _ = this.poll_send(cx);
                return Poll::Ready(Err(error));
            }
        }
        this.session.read(buffer.remaining(), |plain| buffer.put_slice(plain));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.session.to_send().len() >= BACKLOG {
            ready!(this.poll_send(cx))?;
        }
        let count = this.session.seal(bytes).map_err(invalid)?;
        // What cannot go now goes when it is flushed.
        let _ = this.poll_send(cx)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.close().map_err(invalid)?;
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
