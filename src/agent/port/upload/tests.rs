//! Uploads to a server on a real socket, over TLS.

use std::fs;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
};

use super::{super::sample, *};

/// Takes one request for each answer; tells their heads and how long their bodies were.
async fn server(answers: Vec<&'static str>) -> (tempfile::TempDir, String, JoinHandle<Vec<(String, Vec<u8>)>>) {
    let (folder, acceptor, listener) = sample::server().await;
    let url = format!("https://localhost:{}/logs/a.tar.gz?sig=secret", listener.local_addr().unwrap().port());
    let serving = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            asked.push((head, body));
        }
        asked
    });
    (folder, url, serving)
}

fn way(folder: &tempfile::TempDir) -> Way {
    Way { ca: Some(folder.path().join("ca.pem")), ..Way::default() }
}

fn file(folder: &tempfile::TempDir) -> (std::path::PathBuf, Vec<u8>) {
    let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    let path = folder.path().join("a.tar.gz");
    fs::write(&path, &content).unwrap();
    (path, content)
}

#[tokio::test]
async fn a_file_arrives_whole_as_a_blob_also_at_the_second_try() {
    let (folder, url, serving) = server(vec![
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    ])
    .await;
    let (path, content) = file(&folder);
    upload(&way(&folder), &path, &url).await.unwrap();
    let asked = serving.await.unwrap();
    assert_eq!(asked.len(), 2);
    let (head, body) = &asked[1];
    assert!(head.starts_with("put /logs/a.tar.gz?sig=secret http/1.1"), "{head}");
    assert!(head.contains("x-ms-blob-type: blockblob") && head.contains("content-length: 200000"), "{head}");
    assert!(*body == content, "what was sent is what arrived");
}

#[tokio::test]
async fn a_refusal_is_told_without_the_signature_and_not_tried_again() {
    let (folder, url, serving) = server(vec!["HTTP/1.1 403 Expired\r\nContent-Length: 0\r\n\r\n"]).await;
    let (path, _) = file(&folder);
    let fault = upload(&way(&folder), &path, &url).await.unwrap_err().to_string();
    assert!(fault.contains("403") && fault.contains("/logs/a.tar.gz") && !fault.contains("secret"), "{fault}");
    assert_eq!(serving.await.unwrap().len(), 1);
    let fault = upload(&way(&folder), &path, "http://localhost/x?sig=secret").await.unwrap_err().to_string();
    assert!(fault.contains("https://") && !fault.contains("secret"), "{fault}");
}
