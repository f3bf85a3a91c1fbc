//! What is left of a body that nobody wanted to read.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Buf, Frame, SizeHint};
use tokio::{runtime::Handle, time::timeout};

/// How much of it is read, in bytes, and for how long.
const MOST: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// A body whose rest is read and forgotten when it is dropped: a client that is still sending when its refusal comes,
/// and finds that nobody listens, may never look at the refusal.
pub(super) struct Read<B: Body + Send + Unpin + 'static> {
    body: Option<B>,
    is_awaited: bool,
}

impl<B: Body + Send + Unpin + 'static> Read<B> {
    /// Of a request; `is_awaited` says that its client asks first (`Expect: 100-continue`), and sends nothing after a
    /// refusal.
    pub(super) const fn new(body: B, is_awaited: bool) -> Self {
        Self { body: Some(body), is_awaited }
    }
}

impl<B: Body + Send + Unpin + 'static> Body for Read<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        self.is_awaited = false;
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body + Send + Unpin + 'static> Drop for Read<B> {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !self.is_awaited && !body.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            // Not waited for: the connection has its own limits.
            drop(runtime.spawn(timeout(PATIENCE, forget(rest))));
        }
    }
}

async fn forget<B: Body + Unpin>(mut body: B) {
    let mut left = MOST;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let bytes = frame.data_ref().map_or(0, Buf::remaining);
        let Some(less) = left.checked_sub(bytes) else { return };
        left = less;
    }
}
