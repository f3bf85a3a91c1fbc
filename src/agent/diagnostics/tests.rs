//! Archives made by the real `tar`, of files below a root and recorded entries of the journal.

use std::process::Command;

use serde_json::json;

use super::*;
use crate::agent::port::recorded::Recorded;

struct Device {
    root: tempfile::TempDir,
    diagnostics: Diagnostics<Recorded>,
}

impl Device {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        port.programs().real("tar");
        port.programs().answer("journalctl", "{\"MESSAGE\":\"one\"}\n");
        for (path, text) in [("usr/bin/journalctl", ""), ("usr/bin/tar", ""), ("var/log/acme/a.log", "hello")] {
            port.tree.write_text(path, text).unwrap();
        }
        let folder = root.path().join("state/diagnostics");
        let diagnostics = Diagnostics::new(port, &folder, &["/var/log/acme".into()], Way::default());
        Self { root, diagnostics }
    }

    async fn collect(&self, asked: Value) -> Result<Value, Refused> {
        self.diagnostics.collect(&serde_json::from_value(asked).unwrap()).await
    }

    /// A file of an archive.
    fn unpacked(&self, archive: &str, file: &str) -> String {
        let path = self.root.path().join("state/diagnostics").join(archive);
        let done = Command::new("tar").arg("-xzOf").arg(path).arg(file).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    fn names(&self) -> Vec<Value> {
        let listed = self.diagnostics.list().unwrap();
        listed["files"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect()
    }
}

#[tokio::test]
async fn what_is_collected_is_packed_listed_and_deleted() {
    let device = Device::new();
    assert_eq!(device.diagnostics.lack(), None);
    let asked = json!({"name": "one", "journal": {}, "files": ["/var/log/acme/*.log", "/var/log/acme/*.old"]});
    let collected = device.collect(asked).await.unwrap();
    assert_eq!((&collected["name"], &collected["uploaded"]), (&json!("one.tar.gz"), &json!(false)));
    assert_eq!(collected["leftOut"], json!([{"what": "/var/log/acme/*.old", "why": "there is no such file"}]));
    let path = device.root.path().join("state/diagnostics/one.tar.gz");
    assert_eq!(collected["sha256"], sha256(&path).await.unwrap());
    assert_eq!(collected["size"], fs::metadata(&path).unwrap().len());
    assert_eq!(device.unpacked("one.tar.gz", "./journal.json"), "{\"MESSAGE\":\"one\"}\n");
    assert_eq!(device.unpacked("one.tar.gz", "./files/var/log/acme/a.log"), "hello");
    assert_eq!(device.names(), ["one.tar.gz"], "nothing else is left behind");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    device.diagnostics.delete("one.tar.gz").unwrap();
    assert!(device.names().is_empty());
    assert!(matches!(device.diagnostics.delete("one.tar.gz"), Err(Refused::Unknown(_))));
}

#[tokio::test]
async fn a_file_that_is_too_large_gives_its_end_and_the_next_nothing() {
    let device = Device::new();
    let long = "x".repeat(1 << 20) + "the end";
    device.diagnostics.port.tree.write_text("var/log/acme/b.log", &long).unwrap();
    device.diagnostics.port.tree.write_text("var/log/acme/c.log", "more").unwrap();
    let asked = json!({"name": "n", "maxSizeMiB": 1, "files": ["/var/log/acme/b.log", "/var/log/acme/c.log"]});
    let collected = device.collect(asked).await.unwrap();
    let why: Vec<&str> =
        collected["leftOut"].as_array().unwrap().iter().map(|left| left["why"].as_str().unwrap()).collect();
    assert_eq!(why, ["there was no room for its first 7 bytes", "there was no room for it"]);
    let packed = device.unpacked("n.tar.gz", "./files/var/log/acme/b.log");
    assert!(packed.len() == 1 << 20 && packed.ends_with("the end"));
}

#[tokio::test]
async fn what_the_device_does_not_allow_is_not_collected() {
    let device = Device::new();
    for files in ["/etc/shadow", "/var/log/acme/../../../etc/shadow", "etc"] {
        assert!(matches!(device.collect(json!({ "files": [files] })).await, Err(Refused::NotAllowed(_))), "{files}");
    }
    for name in ["../x", ".x", "", "a/b"] {
        assert!(matches!(device.collect(json!({"name": name, "journal": {}})).await, Err(Refused::Payload(_))));
        assert!(matches!(device.diagnostics.delete(name), Err(Refused::Payload(_))), "{name}");
    }
    assert!(matches!(device.collect(json!({})).await, Err(Refused::Payload(_))));
}

#[tokio::test]
async fn the_oldest_archives_give_way() {
    let device = Device::new();
    for at in 0..MOST + 2 {
        device.collect(json!({"name": format!("n{at:02}"), "files": ["/var/log/acme/a.log"]})).await.unwrap();
    }
    assert_eq!(device.names().len(), MOST);
    assert_eq!(device.names()[0], "n02.tar.gz");
}
