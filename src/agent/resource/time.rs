//! `time` on Linux: the zone and systemd-timesyncd.
//!
//! On a running system `timedatectl` is asked, so that everyone hears of the change; below another root, and where no
//! systemd runs, the files are written.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Fault, Refusal, Resource, command::Run};
use crate::component::time::{Ntp, check_zone};

const ZONES: &str = "usr/share/zoneinfo";
const LOCALTIME: &str = "etc/localtime";
const TIMEZONE: &str = "etc/timezone";
const DROP_IN: &str = "etc/systemd/timesyncd.conf.d/50-twinops.conf";
const MASK: &str = "etc/systemd/system/systemd-timesyncd.service";
const SERVICE: &str = "systemd-timesyncd.service";

/// The clock and its zone.
#[derive(Debug)]
pub(crate) struct Time<R> {
    root: PathBuf,
    run: R,
    /// Whether systemd looks after the system below `root`.
    live: bool,
}

impl<R: Run> Time<R> {
    pub(crate) fn new(root: &Path, run: R) -> Self {
        let live = root == Path::new("/") && Path::new("/run/systemd/system").is_dir();
        Self { root: root.to_owned(), run, live }
    }

    fn zone(&self) -> Option<String> {
        let linked = fs::read_link(self.root.join(LOCALTIME)).ok();
        let linked = linked.and_then(|path| Some(path.to_str()?.split_once("zoneinfo/")?.1.to_owned()));
        linked.or_else(|| Some(fs::read_to_string(self.root.join(TIMEZONE)).ok()?.trim().to_owned()))
    }

    async fn set_zone(&self, zone: Option<&str>) -> Result<(), Fault> {
        if self.live {
            return self.run.run("timedatectl", &["set-timezone", zone.unwrap_or("UTC")]).await.map(drop);
        }
        let done = match zone {
            Some(zone) => replace_link(&self.root.join(LOCALTIME), &Path::new("/").join(ZONES).join(zone))
                .and_then(|()| replace_file(&self.root.join(TIMEZONE), &format!("{zone}\n"))),
            None => remove(&self.root.join(LOCALTIME)).and_then(|()| remove(&self.root.join(TIMEZONE))),
        };
        done.map_err(|cause| Fault::because("setting the time zone", &cause))
    }

    async fn ntp(&self) -> Result<Ntp, Fault> {
        let text = match fs::read_to_string(self.root.join(DROP_IN)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(Fault::because("reading the time servers", &cause)),
        };
        let list = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect()
        };
        Ok(Ntp { enabled: self.is_enabled().await?, servers: list("NTP"), fallback_servers: list("FallbackNTP") })
    }

    async fn is_enabled(&self) -> Result<bool, Fault> {
        if self.live {
            let said = self.run.run("timedatectl", &["show", "-p", "NTP", "--value"]).await?;
            return Ok(said.trim() == "yes");
        }
        Ok(!is_masked(&self.root.join(MASK)))
    }

    async fn set_ntp(&self, wanted: &Ntp) -> Result<(), Fault> {
        let held = self.ntp().await?;
        let servers_differ = (&held.servers, &held.fallback_servers) != (&wanted.servers, &wanted.fallback_servers);
        if servers_differ {
            let done = match drop_in(wanted) {
                Some(text) => replace_file(&self.root.join(DROP_IN), &text),
                None => remove(&self.root.join(DROP_IN)),
            };
            done.map_err(|cause| Fault::because("writing the time servers", &cause))?;
        }
        if held.enabled != wanted.enabled {
            self.set_enabled(wanted.enabled).await?;
        }
        if self.live && servers_differ && wanted.enabled {
            self.run.run("systemctl", &["try-restart", SERVICE]).await?;
        }
        Ok(())
    }

    async fn set_enabled(&self, enabled: bool) -> Result<(), Fault> {
        if self.live {
            let word = if enabled { "true" } else { "false" };
            return self.run.run("timedatectl", &["set-ntp", word]).await.map(drop);
        }
        let mask = self.root.join(MASK);
        let done = if enabled { remove(&mask) } else { replace_link(&mask, Path::new("/dev/null")) };
        done.map_err(|cause| Fault::because("switching network time", &cause))
    }
}

/// The configuration for systemd-timesyncd; `None` when the system's own is to hold.
fn drop_in(ntp: &Ntp) -> Option<String> {
    let line = |name: &str, list: &[String]| match list {
        [] => String::new(),
        list => format!("{name}={}\n", list.join(" ")),
    };
    let lines = line("NTP", &ntp.servers) + &line("FallbackNTP", &ntp.fallback_servers);
    (!lines.is_empty()).then(|| format!("# Written by twinops; changes are undone.\n[Time]\n{lines}"))
}

fn is_masked(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null"))
}

fn replace_link(path: &Path, target: &Path) -> io::Result<()> {
    let next = beside(path)?;
    remove(&next)?;
    symlink(target, &next)?;
    fs::rename(&next, path)
}

fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    let next = beside(path)?;
    fs::write(&next, text)?;
    fs::File::open(&next)?.sync_all()?;
    fs::rename(&next, path)
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut next = path.as_os_str().to_owned();
    next.push(".twinops");
    Ok(next.into())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn parse_ntp(wanted: &Value) -> Result<Ntp, Refusal> {
    let invalid = |fault: &dyn std::fmt::Display| Refusal::Invalid(format!("`ntp`: {fault}"));
    let ntp: Ntp = serde_json::from_value(wanted.clone()).map_err(|fault| invalid(&fault))?;
    ntp.check().map_err(|fault| invalid(&fault))?;
    Ok(ntp)
}

impl<R: Run> Resource for Time<R> {
    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match property {
            "timeZone" => {
                let zone = wanted.as_str().ok_or_else(|| Refusal::Invalid("`timeZone` must be a string".to_owned()))?;
                check_zone(zone).map_err(|fault| Refusal::Invalid(fault.to_string()))?;
                match self.root.join(ZONES).join(zone).is_file() {
                    true => Ok(()),
                    false => Err(Refusal::Invalid(format!("the zone database of this device has no `{zone}`"))),
                }
            }
            "ntp" => parse_ntp(wanted).map(drop),
            "windows" => Err(Refusal::Unsupported("this is not Windows; `windows` has no effect here".to_owned())),
            other => Err(Refusal::Unsupported(format!("`time` has no property `{other}`"))),
        }
    }

    async fn read(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        match property {
            "timeZone" => Ok(self.zone().map(Value::String)),
            _ => Ok(serde_json::to_value(self.ntp().await?).ok()),
        }
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        match (property, wanted) {
            ("timeZone", zone) => self.set_zone(zone.and_then(Value::as_str)).await,
            (_, Some(ntp)) => {
                let ntp = parse_ntp(ntp).map_err(|fault| Fault::new(fault.to_string()))?;
                self.set_ntp(&ntp).await
            }
            (_, None) => self.set_ntp(&Ntp { enabled: true, servers: Vec::new(), fallback_servers: Vec::new() }).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    /// Records what it is asked to run.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Vec<String>>>);

    impl Run for Fake {
        async fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Fault> {
            self.0.lock().unwrap().push(format!("{program} {}", arguments.join(" ")));
            Ok("yes\n".to_owned())
        }
    }

    fn device() -> (tempfile::TempDir, Time<Fake>) {
        let root = tempfile::tempdir().unwrap();
        for zone in ["UTC", "Europe/Oslo"] {
            let path = root.path().join(ZONES).join(zone);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "TZif2").unwrap();
        }
        let time = Time::new(root.path(), Fake::default());
        (root, time)
    }

    #[tokio::test]
    async fn the_zone_is_set_read_back_and_taken_away() {
        let (root, time) = device();
        let oslo = json!("Europe/Oslo");
        assert_eq!(time.read("timeZone", &oslo).await, Ok(None));
        time.ensure("timeZone", Some(&oslo)).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(Some(oslo.clone())));
        let link = fs::read_link(root.path().join(LOCALTIME)).unwrap();
        assert_eq!(link, Path::new("/usr/share/zoneinfo/Europe/Oslo"));
        time.ensure("timeZone", Some(&json!("UTC"))).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(Some(json!("UTC"))));
        time.ensure("timeZone", None).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(None));
    }

    #[tokio::test]
    async fn time_servers_are_set_read_back_and_put_back() {
        let (root, time) = device();
        let wanted = json!({"enabled": false, "servers": ["a.example", "b.example"], "fallbackServers": ["c.example"]});
        let before = time.read("ntp", &wanted).await.unwrap();
        time.ensure("ntp", Some(&wanted)).await.unwrap();
        assert_eq!(time.read("ntp", &wanted).await, Ok(Some(wanted.clone())));
        let text = fs::read_to_string(root.path().join(DROP_IN)).unwrap();
        assert!(text.contains("\n[Time]\nNTP=a.example b.example\nFallbackNTP=c.example\n"), "{text}");
        time.ensure("ntp", before.as_ref()).await.unwrap();
        assert_eq!(time.read("ntp", &wanted).await, Ok(before));
        assert!(!root.path().join(DROP_IN).exists());
    }

    #[tokio::test]
    async fn a_running_system_is_asked() {
        let (_root, mut time) = device();
        time.live = true;
        time.ensure("timeZone", Some(&json!("UTC"))).await.unwrap();
        time.ensure("ntp", Some(&json!({"servers": ["a.example"]}))).await.unwrap();
        let ran = time.run.0.lock().unwrap().clone();
        assert_eq!(ran[0], "timedatectl set-timezone UTC");
        assert_eq!(ran.last().unwrap(), "systemctl try-restart systemd-timesyncd.service");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let (_root, time) = device();
        for (property, wanted) in [
            ("timeZone", json!(7)),
            ("timeZone", json!("Mars/Base")),
            ("timeZone", json!("../../etc/passwd")),
            ("ntp", json!({"servers": ["a b"]})),
            ("ntp", json!({"servers": "a"})),
            ("ntp", json!({"server": ["a"]})),
        ] {
            assert!(matches!(time.check(property, &wanted), Err(Refusal::Invalid(_))), "{wanted}");
        }
        assert!(matches!(time.check("ntpServer", &json!("a")), Err(Refusal::Unsupported(_))));
        assert_eq!(time.check("timeZone", &json!("Europe/Oslo")), Ok(()));
    }
}
