//! A stream with a buffer on either side, both empty and without memory while nobody talks.

use std::{
    cell::RefCell,
    future::poll_fn,
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::Instant,
};

/// How much is read at a time.
const SCRATCH: usize = 16 * 1024;

thread_local! {
    /// All links of a thread read into the same memory, and keep only what they got.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into());
}

#[derive(Debug)]
pub(super) struct Wire<T> {
    stream: T,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// Since when something waits to be written and nothing moved.
    waiting: Option<Instant>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    pub(super) const fn new(stream: T) -> Self {
        Self { stream, input: Vec::new(), output: Vec::new(), written: 0, waiting: None }
    }

    /// What was read and not yet consumed.
    pub(super) fn input(&self) -> &[u8] {
        &self.input
    }

    /// Takes the input out, so that it can be borrowed beside the rest; give it back with [`Self::put_back`].
    pub(super) fn take_input(&mut self) -> Vec<u8> {
        mem::take(&mut self.input)
    }

    /// Gives the input back, without its first `used` bytes.
    pub(super) fn put_back(&mut self, mut input: Vec<u8>, used: usize) {
        if used < input.len() {
            input.drain(..used);
            self.input = input;
        }
    }

    /// Reads what is there; 0 means that nothing more will come.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        BUFFER.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    /// Reads what is there; 0 means that nothing more will come.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// The buffer to append packets to.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        self.waiting.get_or_insert_with(Instant::now);
        if self.written > SCRATCH {
            self.output.drain(..self.written);
            self.written = 0;
        }
        &mut self.output
    }

    /// How many bytes wait to be written.
    pub(super) const fn backlog(&self) -> usize {
        self.output.len() - self.written
    }

    /// Since when nothing moved although something waits to be written.
    pub(super) const fn waiting_since(&self) -> Option<Instant> {
        self.waiting
    }

    /// Writes what waits, to the end and through all layers of the stream.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.output.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
            self.waiting = Some(Instant::now());
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.discard();
        Poll::Ready(Ok(()))
    }

    /// Forgets what waits to be written.
    pub(super) fn discard(&mut self) {
        self.output = Vec::new();
        self.written = 0;
        self.waiting = None;
    }

    /// Writes what waits and says goodbye to the stream.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await?;
        self.stream.shutdown().await
    }
}
