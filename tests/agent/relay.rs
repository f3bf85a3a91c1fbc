//! What stands between a device and its hub: a relay that counts, and a proxy that wants to know who asks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// `ann:hush`, as she says it.
const LOGIN: &str = "Basic YW5uOmh1c2g=";

/// Runs until it is dropped.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    _running: JoinSet<()>,
}

impl Relay {
    /// Passes on what comes to a port of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        Self::start(Some(port)).await
    }

    /// Connects Ann, by CONNECT, to wherever she wants, and nobody else.
    pub(crate) async fn proxy() -> Self {
        Self::start(None).await
    }

    /// For each connection, where it went.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    async fn start(port: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (told, mut running) = (Arc::clone(&heard), JoinSet::new());
        running.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let told = Arc::clone(&told);
                links.spawn(async move {
                    let to = match port {
                        Some(port) => format!("localhost:{port}"),
                        None => asked(&mut stream).await,
                    };
                    told.lock().unwrap().push(to.clone());
                    if let Ok(mut there) = TcpStream::connect(&to).await {
                        // Either side may hang up.
                        let _ = copy_bidirectional(&mut stream, &mut there).await;
                    }
                });
            }
        });
        Self { address, heard, _running: running }
    }
}

/// Where a client of the proxy may go; nowhere, if it is not Ann.
async fn asked(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("CONNECT "), "{head}");
    let known = head.contains(LOGIN);
    let answer = if known { "200 Go on" } else { "407 Who are you" };
    stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
    if known { head.split(' ').nth(1).unwrap().to_owned() } else { "nowhere".to_owned() }
}
