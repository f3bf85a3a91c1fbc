//! WebSocket: the stream of a connection's binary messages, against the frames read one by one.

#[path = "../../../../src/websocket/frame.rs"]
mod frame;
#[path = "../../../../src/websocket/stream.rs"]
mod stream;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use frame::{Head, Opcode, Side};
use stream::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// The first byte says in which pieces the rest arrives, which is what a client sends.
pub fn websocket(input: &[u8]) {
    let Some((&piece, sent)) = input.split_first() else { return };
    let mut stream = Stream::server(Wire { sent, piece: 1 + usize::from(piece), answered: 0 });
    let mut got = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let result = runtime.block_on(stream.read_to_end(&mut got));
    let (expected, is_sound) = by_frames(sent);
    assert_eq!((got, result.is_ok()), (expected, is_sound));
}

/// The payload of all binary messages up to the end, a closing frame or an offence, and whether there was none.
fn by_frames(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let (mut payload, mut in_message) = (Vec::new(), false);
    while let Some(&start) = rest.first_chunk() {
        let length = frame::head_length(start);
        let Some((head, after)) = rest.split_at_checked(length) else { break };
        let Ok(head) = frame::parse(head, Side::Server) else { return (payload, false) };
        let is_data = matches!(head.opcode, Opcode::Binary | Opcode::Continuation);
        if is_data && (head.opcode == Opcode::Continuation) != in_message {
            return (payload, false);
        }
        let whole = usize::try_from(head.length).expect("it is bounded");
        let body = unmasked(&after[..whole.min(after.len())], head);
        match head.opcode {
            Opcode::Close if body.len() == whole => break,
            Opcode::Binary | Opcode::Continuation => {
                in_message = !head.last;
                payload.extend(body);
            }
            _ => {}
        }
        rest = &after[whole.min(after.len())..];
    }
    (payload, true)
}

fn unmasked(body: &[u8], head: Head) -> Vec<u8> {
    body.iter().zip(head.mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

/// A connection that gives a few bytes at a time and takes whatever it is given.
struct Wire<'a> {
    sent: &'a [u8],
    piece: usize,
    answered: usize,
}

impl AsyncRead for Wire<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let count = self.piece.min(self.sent.len()).min(buffer.remaining());
        let (now, later) = self.sent.split_at(count);
        buffer.put_slice(now);
        self.sent = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answered += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
