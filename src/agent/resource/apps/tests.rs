//! Apps against recorded answers of the package managers, and the real `tar`.

use std::{fs, path::Path, process::Command};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::agent::port::{hex, recorded::Recorded};

struct Device {
    root: tempfile::TempDir,
    apps: Apps<Recorded>,
}

impl Device {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default()).living();
        for path in ["usr/bin/apt-get", "usr/bin/dpkg-query", "usr/libexec/podman/quadlet"] {
            port.tree.write_text(path, "").unwrap();
        }
        port.programs().real("tar");
        let artifacts = Artifacts::new(&root.path().join("files"), None);
        Self { apps: Apps::new(port, artifacts), root }
    }

    fn ran(&self) -> Vec<String> {
        self.apps.port.programs().changed()
    }

    fn answer(&self, begins: &str, prints: &str) {
        let begins = begins.replace("ROOT", &self.root.path().display().to_string());
        self.apps.port.programs().answer(&begins, prints);
    }

    /// Puts a file where fetched ones lie; its digest.
    fn fetched(&self, content: &[u8], ending: &str) -> String {
        let digest = hex(&Sha256::digest(content));
        fs::create_dir_all(self.root.path().join("files")).unwrap();
        fs::write(self.root.path().join(format!("files/{digest}{ending}")), content).unwrap();
        digest
    }

    fn archive(&self, version: &str) -> Value {
        let content = tar(self.root.path(), version);
        let source = json!({"url": "https://localhost/line", "sha256": self.fetched(&content, ".tar.gz")});
        json!({"type": "archive", "name": "bin/line", "version": version, "source": source, "startup": "background"})
    }

    async fn reads(&self, wanted: &Value) -> bool {
        self.apps.read("line", wanted).await.unwrap().as_ref() == Some(wanted)
    }
}

fn tar(folder: &Path, text: &str) -> Vec<u8> {
    let inside = folder.join("made/bin");
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("line"), text).unwrap();
    let (file, made) = (folder.join("made.tgz"), folder.join("made"));
    let done = Command::new("tar").arg("-czf").arg(&file).arg("-C").arg(made).arg("bin").status().unwrap();
    assert!(done.success());
    fs::read(file).unwrap()
}

#[tokio::test]
async fn a_package_file_is_installed_only_if_it_is_the_one_that_was_declared() {
    let device = Device::new();
    let digest = device.fetched(b"deb", ".deb");
    let source = json!({"url": "https://localhost/x.deb", "sha256": digest});
    let wanted = json!({"type": "deb", "name": "line", "version": "1.4", "source": source});
    device.answer("dpkg-deb -f", "Package: line\nVersion: 1.3\n");
    let fault = device.apps.ensure("line", Some(&wanted)).await.unwrap_err();
    assert!(fault.to_string().contains("the file is `line` 1.3"), "{fault}");
    assert!(!device.ran().iter().any(|line| line.starts_with("apt-get")));
    device.answer("dpkg-deb -f", "Package: line\nVersion: 1.4\n");
    device.apps.ensure("line", Some(&wanted)).await.unwrap();
    let ran = device.ran();
    assert!(ran[1].starts_with("apt-get install -y ") && ran[1].ends_with(&format!("/{digest}.deb")), "{ran:?}");
    device.answer("dpkg-query --root=ROOT -W", "1.4\tinstalled\n");
    assert!(device.reads(&wanted).await);
    assert_eq!(fs::read_dir(device.root.path().join("files")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_package_of_the_systems_sources_is_installed_and_put_back() {
    let device = Device::new();
    let wanted = json!({"type": "deb", "name": "jq", "version": "1.6"});
    let before = device.apps.snapshot("jq", &wanted).await.unwrap();
    device.apps.ensure("jq", Some(&wanted)).await.unwrap();
    assert!(device.ran()[0].ends_with(" jq=1.6"));
    device.apps.restore("jq", "deb jq", before.as_ref()).await.unwrap();
    assert!(device.ran()[0].starts_with("apt-get remove -y "));
}

#[tokio::test]
async fn an_archive_runs_from_its_version_and_the_one_before_stays() {
    let device = Device::new();
    device.answer("systemctl --root=ROOT show", "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n");
    for version in ["1", "2", "3"] {
        let wanted = device.archive(version);
        assert_eq!(device.apps.check("line", &wanted), Ok(()));
        assert!(!device.reads(&wanted).await);
        device.apps.ensure("line", Some(&wanted)).await.unwrap();
        assert!(device.reads(&wanted).await);
        let program = device.root.path().join("opt/twinops/apps/line/current/bin/line");
        assert_eq!(fs::read_to_string(program).unwrap(), version);
    }
    let left = device.apps.port.tree.names("opt/twinops/apps/line").unwrap();
    assert_eq!(left, ["2", "3", "current"]);
    let unit = fs::read_to_string(device.root.path().join("etc/systemd/system/twinops-app-line.service")).unwrap();
    assert!(unit.contains("\nExecStart=/opt/twinops/apps/line/current/bin/line\n"), "{unit}");
    device.ran();
    let absent = json!({"type": "archive", "name": "bin/line", "state": "absent"});
    device.apps.ensure("line", Some(&absent)).await.unwrap();
    assert!(device.reads(&absent).await);
    assert_eq!(device.ran()[0], "systemctl stop twinops-app-line.service");
}

#[tokio::test]
async fn an_archive_without_its_program_leaves_the_version_before() {
    let device = Device::new();
    let good = device.archive("1");
    device.apps.ensure("line", Some(&good)).await.unwrap();
    let mut bad = device.archive("2");
    bad["name"] = "bin/other".into();
    let fault = device.apps.ensure("line", Some(&bad)).await.unwrap_err();
    assert_eq!(fault.to_string(), "the archive has no program `bin/other`");
    assert_eq!(device.apps.port.tree.link("opt/twinops/apps/line/current").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_container_is_a_unit_that_podman_makes() {
    let device = Device::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    let wanted = json!({
        "type": "container", "name": "registry.example:5000/line:1.4", "version": "1.4", "digest": digest,
        "startup": "background", "desiredRunState": "running"
    });
    assert_eq!(device.apps.check("line", &wanted), Ok(()));
    let before = device.apps.snapshot("line", &wanted).await.unwrap();
    device.apps.ensure("line", Some(&wanted)).await.unwrap();
    assert_eq!(device.ran().last().unwrap(), "systemctl restart twinops-line.service");
    let text = device.apps.port.tree.text("etc/containers/systemd/twinops-line.container").unwrap().unwrap();
    assert!(text.contains(&format!("\nImage=registry.example:5000/line@{digest}\n")), "{text}");
    device.answer("systemctl --root=ROOT show", "LoadState=loaded\nUnitFileState=generated\nActiveState=active\n");
    assert!(device.reads(&wanted).await);
    device.answer("systemctl --root=ROOT show", "LoadState=loaded\nUnitFileState=generated\nActiveState=failed\n");
    assert!(!device.reads(&wanted).await);
    device.apps.restore("line", "container line", before.as_ref()).await.unwrap();
    assert_eq!(device.apps.port.tree.names("etc/containers/systemd").unwrap(), [""; 0]);
}

#[test]
fn what_cannot_be_installed_here_is_said() {
    let device = Device::new();
    let check = |wanted: Value| device.apps.check("line", &wanted);
    let digest = "0".repeat(64);
    let source = json!({"url": "https://localhost/x", "sha256": digest});
    for wanted in [
        json!({"type": "msix", "name": "x", "version": "1"}),
        json!({"type": "snap", "name": "x", "version": "1"}),
        json!({"type": "deb", "name": "x", "version": "1", "desiredRunState": "running"}),
        json!({"type": "archive", "name": "x", "version": "1", "source": source, "startup": "foreground"}),
    ] {
        assert!(matches!(check(wanted.clone()), Err(Refusal::Unsupported(_))), "{wanted}");
    }
    for wanted in [
        json!({"type": "deb", "name": "x"}),
        json!({"type": "deb", "name": "-o", "version": "1"}),
        json!({"type": "archive", "name": "../x", "version": "1", "source": source}),
        json!({"type": "archive", "name": "x", "version": "../1", "source": source}),
        json!({"type": "archive", "name": "x", "version": "1"}),
        json!({"type": "container", "name": "r.example/x", "version": "1", "digest": "sha256:1"}),
        json!({"type": "container", "name": "x", "version": "1", "digest": format!("sha256:{digest}")}),
    ] {
        assert!(matches!(check(wanted.clone()), Err(Refusal::Invalid(_))), "{wanted}");
    }
}
