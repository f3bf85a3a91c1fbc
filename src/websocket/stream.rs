//! The bytes of a connection's binary messages, as a stream.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{self, FrameError, HEAD, Head, Opcode, Side};

/// Most bytes in one of our frames, and most that wait before nothing more is taken.
const CHUNK: usize = 16 * 1024;
/// Status of an end in good order.
const NORMAL: u16 = 1000;

/// See the module. What it owes the protocol itself, it sends while it is read.
#[derive(Debug)]
pub struct Stream<T> {
    inner: T,
    side: Side,
    frame: Frame,
    /// Whether a message has begun and not ended.
    in_message: bool,
    /// Frames on their way out, and how much of them is.
    out: Vec<u8>,
    written: usize,
    /// Nothing more is read.
    ended: bool,
    /// A closing frame is among what went out.
    closed: bool,
}

/// Where in a frame the reader stands.
#[derive(Debug)]
enum Frame {
    Head { bytes: [u8; HEAD], length: usize },
    Data { left: u64, mask: [u8; 4] },
    Control { head: Head, payload: Vec<u8> },
}

const START: Frame = Frame::Head { bytes: [0; HEAD], length: 0 };

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// The server's end of a connection whose handshake is done.
    pub const fn server(inner: T) -> Self {
        Self::new(inner, Side::Server)
    }

    /// The client's end of one.
    pub const fn client(inner: T) -> Self {
        Self::new(inner, Side::Client)
    }

    const fn new(inner: T, side: Side) -> Self {
        Self { inner, side, frame: START, in_message: false, out: Vec::new(), written: 0, ended: false, closed: false }
    }

    /// Reads on in the head; a whole one decides what comes next.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Frame::Head { bytes, length } = &mut self.frame else { return Poll::Ready(Ok(())) };
        let wanted = if *length < 2 { 2 } else { frame::head_length([bytes[0], bytes[1]]) };
        let count = ready!(poll_read(&mut self.inner, cx, &mut bytes[*length..wanted]))?;
        *length += count;
        self.ended |= count == 0;
        if *length < 2 || *length < frame::head_length([bytes[0], bytes[1]]) {
            return Poll::Ready(Ok(()));
        }
        let head = frame::parse(&bytes[..*length], self.side).and_then(|head| self.begin(head));
        Poll::Ready(head.or_else(|error| self.refuse(error)))
    }

    fn begin(&mut self, head: Head) -> Result<(), FrameError> {
        self.frame = match head.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => Frame::Control { head, payload: Vec::new() },
            Opcode::Continuation if !self.in_message => return Err(FrameError::Protocol("a part of no message")),
            Opcode::Binary if self.in_message => return Err(FrameError::Protocol("a message within another")),
            Opcode::Continuation | Opcode::Binary => {
                self.in_message = !head.last;
                Frame::Data { left: head.length, mask: head.mask }
            }
        };
        Ok(())
    }

    /// Says goodbye to a peer that does not speak the protocol.
    fn refuse(&mut self, error: FrameError) -> io::Result<()> {
        self.ended = true;
        self.close(error.status());
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn close(&mut self, status: u16) {
        if !self.closed {
            self.closed = true;
            frame::write(&mut self.out, self.side, Opcode::Close, &status.to_be_bytes());
        }
    }

    /// Reads payload into `buffer`.
    fn poll_data(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Frame::Data { left, mask } = &mut self.frame else { return Poll::Ready(Ok(())) };
        if *left == 0 {
            self.frame = START;
            return Poll::Ready(Ok(()));
        }
        let room = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.remaining());
        let into = buffer.initialize_unfilled_to(room);
        let count = ready!(poll_read(&mut self.inner, cx, into))?;
        frame::apply(*mask, &mut into[..count]);
        mask.rotate_left(count % 4);
        *left -= count as u64;
        buffer.advance(count);
        self.ended |= count == 0;
        Poll::Ready(Ok(()))
    }

    /// Reads the payload of a control frame, and does what it asks for.
    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Frame::Control { head, payload } = &mut self.frame else { return Poll::Ready(Ok(())) };
        let left = usize::try_from(head.length).unwrap_or_default() - payload.len();
        if left > 0 {
            let mut bytes = [0; frame::CONTROL];
            let count = ready!(poll_read(&mut self.inner, cx, &mut bytes[..left]))?;
            payload.extend_from_slice(&bytes[..count]);
            self.ended |= count == 0;
            if count < left {
                return Poll::Ready(Ok(()));
            }
        }
        let (opcode, mask, mut payload) = (head.opcode, head.mask, std::mem::take(payload));
        frame::apply(mask, &mut payload);
        self.frame = START;
        match opcode {
            Opcode::Ping if !self.closed => frame::write(&mut self.out, self.side, Opcode::Pong, &payload),
            Opcode::Close => {
                self.ended = true;
                self.close(payload.first_chunk().map_or(NORMAL, |status| u16::from_be_bytes(*status)));
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what waits.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.out.len() {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, &self.out[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.out = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

fn poll_read<T: AsyncRead + Unpin>(inner: &mut T, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(into);
    ready!(Pin::new(inner).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        loop {
            let sent = this.poll_out(cx)?;
            // A peer that asks much and reads nothing is not read either.
            if sent.is_pending() && this.out.len() - this.written > CHUNK {
                return Poll::Pending;
            }
            if this.ended || buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let step = match this.frame {
                Frame::Head { .. } => this.poll_head(cx),
                Frame::Data { .. } => this.poll_data(cx, buffer),
                Frame::Control { .. } => this.poll_control(cx),
            };
            if let Err(error) = ready!(step) {
                // It may not want to hear why.
                let _ = this.poll_out(cx);
                return Poll::Ready(Err(error));
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if this.out.len() - this.written >= CHUNK {
            ready!(this.poll_out(cx))?;
        }
        let count = bytes.len().min(CHUNK);
        if count > 0 {
            frame::write(&mut this.out, this.side, Opcode::Binary, &bytes[..count]);
        }
        // What cannot go now goes when it is flushed.
        let _ = this.poll_out(cx)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.close(NORMAL);
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
