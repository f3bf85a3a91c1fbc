//! A disk that is full: a small file system of its own, which only root can mount.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    hub::{Hub, Service},
    load::by_service,
};

/// Bytes of the disk, and of what somebody else has on it.
const SIZE: usize = 8 << 20;
const BALLAST: usize = 2 << 20;

/// How long nothing more fits.
const FULL: Duration = Duration::from_secs(1);

/// Mounted as long as this lives.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Where it cannot be mounted there is none, which is said loudly, and a fault on CI.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={SIZE}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mount.as_ref().is_ok_and(|mount| mount.status.success()) {
            return Some(Self(folder));
        }
        assert!(std::env::var_os("CI").is_none(), "a file system cannot be mounted, and on CI it has to be: {mount:?}");
        let line = "\n*** NO FILE SYSTEM CAN BE MOUNTED (AS ROOT): THIS TEST CHECKS NOTHING ***\n";
        // Past the capture of the test harness.
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        None
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a hub that is still being killed has files open.
        let _gone = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A write of 24 KB that numbers itself.
async fn write(service: &Service, id: &str, n: u64) -> StatusCode {
    let desired: serde_json::Map<_, _> = (0..6).map(|at| (format!("text{at}"), "x".repeat(4000).into())).collect();
    let mut body = json!({"tags": {"n": n}, "properties": {"desired": desired}});
    body["properties"]["desired"]["n"] = n.into();
    let answer = service.patch(id, &body).await.unwrap();
    if answer.status != StatusCode::OK {
        let message = answer.body["Message"].as_str().unwrap();
        assert!(message.starts_with("ErrorCode:ServiceUnavailable;") && message.contains("disk is full"), "{message}");
        assert!(answer.body["ExceptionMessage"].is_string(), "{}", answer.body);
        assert_eq!(answer.errorcode.as_deref(), Some("ServiceUnavailable"));
    }
    answer.status
}

/// Fills the disk with new twins, until none fits for so long that the log was tried to be moved into the database
/// several times; how many there are. What lies in the log's old pages may still fit after the first refusal.
async fn fill(service: &Service, mut count: u64) -> u64 {
    let mut refused = None::<Instant>;
    while refused.is_none_or(|since| since.elapsed() < FULL) {
        let id = format!("d{count}");
        let made = service.ask(Method::PUT, &format!("/devices/{id}"), &json!({"deviceId": id})).await.status;
        let is_there = made == StatusCode::OK || made == StatusCode::CONFLICT;
        assert!(is_there || made == StatusCode::SERVICE_UNAVAILABLE, "{made}");
        if is_there && write(service, &id, 1).await == StatusCode::OK {
            count += 1;
            refused = None;
        } else {
            refused.get_or_insert_with(Instant::now);
        }
    }
    count
}

/// All that was acknowledged is there.
async fn are_there(service: &Service, count: u64) {
    for n in 0..count {
        assert_eq!(by_service(&service.twin(&format!("d{n}")).await), 1);
    }
}

fn free(ballast: &Path) {
    fs::remove_file(ballast).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_loses_nothing_and_is_no_end() {
    let Some(disk) = Disk::mount() else { return };
    let (state, ballast) = (disk.at("state"), disk.at("ballast"));
    fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let hub = Hub::start(&state);
    let key = hub.service.make("device").await;
    let mut device = hub.connect("device", &key).await;
    device.report(1, &json!({"n": 1})).await;
    assert_eq!(device.answer().await, Some((204, 1, Some(2))));
    let count = fill(&hub.service, 0).await;
    assert!(count > 20, "{count}");
    are_there(&hub.service, count).await;
    // What little fits may still be written; more and more of it is refused.
    let mut n = 2;
    let refused = loop {
        device.report(n, &json!({"text": "x".repeat(4000), "n": n})).await;
        let (status, ..) = device.answer().await.unwrap();
        if status != 204 {
            break status;
        }
        n += 1;
    };
    assert_eq!(refused, 503);
    assert!(hub.log().contains("disk of the store is full"), "{}", hub.log());

    free(&ballast);
    device.report(n, &json!({ "n": n })).await;
    assert_eq!(device.answer().await, Some((204, n, Some(n + 1))), "without a restart, on the same link");
    for at in 0..10 {
        assert_eq!(write(&hub.service, &format!("d{at}"), 2).await, StatusCode::OK);
    }
    hub.kill();
    let hub = Hub::start(&state);
    for at in 0..count {
        assert_eq!(by_service(&hub.service.twin(&format!("d{at}")).await), if at < 10 { 2 } else { 1 });
    }
    assert_eq!(hub.service.twin("device").await["properties"]["reported"]["n"], json!(n));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_started_on_a_full_disk_serves_what_is_there() {
    let Some(disk) = Disk::mount() else { return };
    let (state, ballast) = (disk.at("state"), disk.at("ballast"));
    fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let hub = Hub::start(&state);
    let count = fill(&hub.service, 0).await;
    // Whatever is left as well.
    let mut rest = fs::File::options().append(true).open(&ballast).unwrap();
    while rest.write_all(&[1; 512]).is_ok() {}
    drop(rest);
    hub.kill();
    let hub = Hub::start(&state);
    are_there(&hub.service, count).await;
    let count = fill(&hub.service, count).await;
    are_there(&hub.service, count).await;
    free(&ballast);
    assert_eq!(write(&hub.service, "d0", 2).await, StatusCode::OK);
}
