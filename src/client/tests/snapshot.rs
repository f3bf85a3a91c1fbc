//! Twins from a file.

use std::io::Write as _;

use futures_util::TryStreamExt as _;

use super::id;
use crate::{
    client::Snapshot,
    reconcile::ports::{HubError, Page, TwinRead as _},
};

/// Every device that a snapshot gives for a statement, and in how many pages.
async fn read(snapshot: &Snapshot, statement: &str) -> Result<(usize, Vec<String>), HubError> {
    let pages: Vec<Page> = snapshot.twins(statement).try_collect().await?;
    let mut devices = Vec::new();
    for page in &pages {
        page.for_each(|row| devices.push(row.unwrap().device_id.into_owned())).unwrap();
    }
    Ok((pages.len(), devices))
}

fn snapshot(text: &str) -> (tempfile::NamedTempFile, Snapshot) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let snapshot = Snapshot::new(file.path());
    (file, snapshot)
}

#[tokio::test]
async fn a_snapshot_streams_in_stretches_and_finds_single_twins() {
    let twin = |n: usize| {
        format!(r#"{{"deviceId":"d{n}","tags":{{"even":{},"pad":"{}"}}}}"#, n.is_multiple_of(2), "x".repeat(500))
    };
    let text: Vec<String> = (0..10_000).map(twin).collect();
    let (_file, snapshot) = snapshot(&text.join("\n"));
    let (pages, devices) = read(&snapshot, "SELECT * FROM devices").await.unwrap();
    assert!((5..=8).contains(&pages), "{pages}");
    assert_eq!(devices, (0..10_000).map(|n| format!("d{n}")).collect::<Vec<_>>());
    let (_, even) = read(&snapshot, "SELECT * FROM devices WHERE tags.even = true").await.unwrap();
    assert_eq!(even.len(), 5000);
    assert_eq!(&*snapshot.twin(&id("d9999")).await.unwrap().unwrap().0, text[9999].as_bytes());
    assert!(snapshot.twin(&id("d10000")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_line_longer_than_a_stretch_stays_whole() {
    let long = format!(r#"{{"deviceId":"long","tags":{{"pad":"{}"}}}}"#, "x".repeat(3 << 20));
    let (_file, snapshot) = snapshot(&format!("{{\"deviceId\":\"a\"}}\n\n{long}\r\n{{\"deviceId\":\"b\"}}\n"));
    assert_eq!(read(&snapshot, "SELECT * FROM devices").await.unwrap().1, ["a", "long", "b"]);
}

#[tokio::test]
async fn a_snapshot_says_what_it_cannot_do() {
    let (_file, other) = snapshot("deviceId,etag\na,e\n");
    assert!(matches!(read(&other, "SELECT * FROM devices").await, Err(HubError::Answer(_))));
    let (_file, broken) = snapshot("{\"deviceId\":\"a\"}\n{\n");
    let error = read(&broken, "SELECT * FROM devices WHERE tags.a = 1").await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().starts_with("line 2 of"));
    for statement in ["SELECT deviceId FROM devices", "SELECT * FROM devices.modules", "nonsense"] {
        assert!(matches!(read(&other, statement).await, Err(HubError::Answer(_))), "{statement}");
    }
    assert!(matches!(
        Snapshot::new(std::path::Path::new("/nowhere")).twin(&id("a")).await,
        Err(HubError::Unreachable(_))
    ));
    let (_file, empty) = snapshot("");
    assert_eq!(read(&empty, "SELECT * FROM devices").await.unwrap().1, Vec::<String>::new());
}

#[tokio::test]
async fn an_array_is_read_like_lines() {
    let (_file, array) =
        snapshot("\n[\n  {\"deviceId\": \"a\",\n \"tags\": {\"l\": [1, 2]}},\n  {\"deviceId\": \"b\"}\n]\n");
    assert_eq!(read(&array, "SELECT * FROM devices").await.unwrap().1, ["a", "b"]);
    assert_eq!(read(&array, "SELECT * FROM devices WHERE deviceId = 'b'").await.unwrap().1, ["b"]);
    assert!(array.twin(&id("b")).await.unwrap().is_some());
}
