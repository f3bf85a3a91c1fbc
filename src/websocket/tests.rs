//! A peer that others wrote, frames written by hand, and laws.

use futures_util::{SinkExt as _, StreamExt as _};
use proptest::{collection::vec, prelude::*};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    runtime::Builder,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use super::*;

/// A client's frame with the mask 1, 2, 3, 4.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut out = if length < 126 { vec![first, 0x80 | low] } else { vec![first, 0xFE, high, low] };
    out.extend([1, 2, 3, 4]);
    out.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn pair(buffer: usize) -> (DuplexStream, Stream<DuplexStream>) {
    let (client, stream) = duplex(buffer);
    (client, Stream::server(stream))
}

/// What a server reads of these bytes before they end, and what it answers.
async fn read(bytes: &[u8]) -> (std::io::Result<Vec<u8>>, Vec<u8>) {
    let (mut client, mut stream) = pair(1 << 20);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let mut payload = Vec::new();
    let result = stream.read_to_end(&mut payload).await.map(|_| payload);
    drop(stream);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    (result, answer)
}

#[test]
fn the_standards_own_key_is_accepted_as_it_says() {
    assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!([accept(""), accept("dGhl"), accept("not base64 at all!!!!!!=")], [None, None, None]);
}

#[tokio::test]
async fn messages_in_parts_are_one_stream_and_pings_between_them_are_answered() {
    let all = [frame(0x02, b"ab"), frame(0x89, b"hi"), frame(0x00, b""), frame(0x80, b"cd"), frame(0x82, &[b'x'; 300])];
    let (read, answer) = read(&all.concat()).await;
    assert_eq!(read.unwrap(), [b"abcd".as_slice(), &[b'x'; 300]].concat());
    assert_eq!(answer, b"\x8A\x02hi");
}

#[tokio::test]
async fn a_close_is_answered_with_its_status_and_ends_the_stream() {
    let all = [frame(0x82, b"ab"), frame(0x88, &1001_u16.to_be_bytes()), frame(0x82, b"late")];
    let (read, answer) = read(&all.concat()).await;
    assert_eq!((read.unwrap(), answer), (b"ab".to_vec(), b"\x88\x02\x03\xE9".to_vec()));
}

#[tokio::test]
async fn what_no_client_may_send_is_closed_with_the_reason() {
    let mut huge = vec![0x82, 0xFF];
    huge.extend((1_u64 << 40).to_be_bytes());
    huge.extend([0; 4]);
    for (bytes, status) in [
        (b"\x82\x02ab\0\0\0\0".to_vec(), 1002_u16),
        (frame(0xC2, b"a"), 1002),
        (frame(0x80, b"a"), 1002),
        ([frame(0x02, b"a"), frame(0x82, b"b")].concat(), 1002),
        (frame(0x09, b"a"), 1002),
        (frame(0x89, &[0; 126]), 1002),
        (frame(0x83, b"a"), 1002),
        (frame(0x81, b"text"), 1003),
        (huge, 1009),
    ] {
        let (read, answer) = read(&bytes).await;
        assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::InvalidData, "{bytes:x?}");
        assert_eq!(answer, [[0x88, 2].as_slice(), &status.to_be_bytes()].concat(), "{bytes:x?}");
    }
}

#[tokio::test]
async fn who_asks_much_and_reads_nothing_is_not_read() {
    let (mut client, mut stream) = pair(1024);
    let flood = async {
        let ping = frame(0x89, &[b'x'; 125]);
        let mut sent = 0;
        while client.write_all(&ping).await.is_ok() {
            sent += ping.len();
            assert!(sent < 1 << 20, "it goes on and on");
        }
    };
    let mut byte = [0; 1];
    let stuck = async { tokio::time::timeout(std::time::Duration::from_millis(50), stream.read(&mut byte)).await };
    tokio::select! {
        () = flood => panic!("the flood ended"),
        read = stuck => assert!(read.is_err(), "there is nothing to read"),
    }
}

#[tokio::test]
async fn a_foreign_peer_gets_what_was_written_and_the_other_way_round() {
    let (client, mut stream) = pair(700);
    let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    let big: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let echo = async {
        let mut back = vec![0; big.len()];
        stream.read_exact(&mut back).await.unwrap();
        stream.write_all(&back).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0, "the client closed");
        stream.shutdown().await.unwrap();
    };
    let peer = async {
        client.send(Message::Binary(big.clone().into())).await.unwrap();
        let mut back = Vec::new();
        while back.len() < big.len() {
            if let Message::Binary(part) = client.next().await.unwrap().unwrap() {
                back.extend_from_slice(&part);
            }
        }
        client.close(None).await.unwrap();
        while client.next().await.is_some_and(|message| message.is_ok()) {}
        back
    };
    let (back, ()) = tokio::join!(peer, echo);
    assert_eq!(back, big);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let _ = read(&bytes).await;
            let _ = read(&frame(0x82, &bytes)).await;
        });
    }

    #[test]
    fn payloads_come_through_whatever_the_frames(parts in vec(vec(any::<u8>(), 0..200), 1..8), buffer in 1..300_usize) {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let (mut client, mut stream) = pair(buffer);
            let last = parts.len() - 1;
            let frames = parts.iter().enumerate().map(|(at, part)| {
                let first = if at == 0 { 0x02 } else { 0x00 } | if at == last { 0x80 } else { 0 };
                frame(first, part)
            });
            let frames = frames.collect::<Vec<_>>().concat();
            let say = async {
                client.write_all(&frames).await.unwrap();
                client.shutdown().await.unwrap();
            };
            let mut heard = Vec::new();
            let ((), count) = tokio::join!(say, stream.read_to_end(&mut heard));
            assert_eq!((count.unwrap(), &heard), (heard.len(), &parts.concat()));
        });
    }
}

#[tokio::test]
async fn two_ends_understand_each_other_and_a_foreign_server_understands_a_client() {
    let (near, far) = duplex(700);
    let (mut client, mut server) = (Stream::client(near), Stream::server(far));
    let big = vec![b'x'; 70_000];
    let there = async {
        client.write_all(&big).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let ((), count) = tokio::join!(there, server.read_to_end(&mut heard));
    assert_eq!((count.unwrap(), heard == big), (big.len(), true));

    let (near, far) = duplex(700);
    let (mut client, mut server) =
        (Stream::client(near), WebSocketStream::from_raw_socket(far, Role::Server, None).await);
    client.write_all(b"hello").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Binary(b"hello".to_vec().into()));
    server.send(Message::Binary(b"there".to_vec().into())).await.unwrap();
    let mut back = [0; 5];
    client.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"there");
}

#[tokio::test]
async fn a_server_that_masks_is_not_believed() {
    let (mut server, far) = duplex(100);
    server.write_all(&frame(0x82, b"ab")).await.unwrap();
    assert!(Stream::client(far).read(&mut [0; 9]).await.is_err());
}
