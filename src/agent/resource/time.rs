//! `time` on Linux: the zone, and systemd-timesyncd or chrony.
//!
//! On a running system `timedatectl` is asked, so that everyone hears of the change; below another root, and where no
//! systemd runs, the files are written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, Refusal, Resource};
use crate::{
    agent::port::{Kept, Port, Run},
    component::time::{Ntp, check_zone},
};

const ZONES: &str = "usr/share/zoneinfo";
const LOCALTIME: &str = "etc/localtime";
const TIMEZONE: &str = "etc/timezone";

/// The clock and its zone.
#[derive(Debug)]
pub(crate) struct Time<R> {
    port: Port<R>,
}

/// Who keeps the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Timesyncd,
    Chrony,
}

/// The zone as it was.
#[derive(Serialize, Deserialize)]
struct ZoneBefore {
    localtime: Kept,
    timezone: Kept,
}

/// Network time as it was.
#[derive(Serialize, Deserialize)]
struct NtpBefore {
    enabled: bool,
    servers: Kept,
}

impl Keeper {
    const fn file(self) -> &'static str {
        match self {
            Self::Timesyncd => "etc/systemd/timesyncd.conf.d/50-twinops.conf",
            Self::Chrony => "etc/chrony/sources.d/twinops.sources",
        }
    }

    const fn mask(self) -> &'static str {
        match self {
            Self::Timesyncd => "etc/systemd/system/systemd-timesyncd.service",
            Self::Chrony => "etc/systemd/system/chrony.service",
        }
    }

    /// Its configuration; `None` when the system's own is to hold.
    fn text(self, ntp: &Ntp) -> Option<String> {
        let lines = match self {
            Self::Timesyncd => {
                let line = |name: &str, list: &[String]| match list {
                    [] => String::new(),
                    list => format!("{name}={}\n", list.join(" ")),
                };
                let lines = line("NTP", &ntp.servers) + &line("FallbackNTP", &ntp.fallback_servers);
                if lines.is_empty() { lines } else { format!("[Time]\n{lines}") }
            }
            Self::Chrony => {
                ntp.servers.iter().fold(String::new(), |text, server| text + "server " + server + " iburst\n")
            }
        };
        (!lines.is_empty()).then(|| format!("# Written by twinops; changes are undone.\n{lines}"))
    }

    /// The servers and the ones to fall back to, as its configuration names them.
    fn servers(self, text: &str) -> (Vec<String>, Vec<String>) {
        let words = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect()
        };
        match self {
            Self::Timesyncd => (words("NTP"), words("FallbackNTP")),
            Self::Chrony => {
                let server = |line: &str| Some(line.strip_prefix("server ")?.split_whitespace().next()?.to_owned());
                (text.lines().filter_map(server).collect(), Vec::new())
            }
        }
    }
}

impl<R: Run> Time<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }

    fn zone(&self) -> Result<Option<String>, Fault> {
        let linked = self.port.tree.link(LOCALTIME);
        match linked.and_then(|path| Some(path.split_once("zoneinfo/")?.1.to_owned())) {
            Some(zone) => Ok(Some(zone)),
            None => Ok(self.port.tree.text(TIMEZONE)?.map(|text| text.trim().to_owned())),
        }
    }

    async fn set_zone(&self, zone: Option<&str>) -> Result<(), Fault> {
        let tree = &self.port.tree;
        match zone {
            _ if self.port.is_live() => {
                self.port.run("timedatectl", &["set-timezone", zone.unwrap_or("UTC")]).await.map(drop)
            }
            Some(zone) => {
                tree.link_to(LOCALTIME, &format!("/{ZONES}/{zone}"))?;
                tree.write_text(TIMEZONE, &format!("{zone}\n"))
            }
            None => tree.remove(LOCALTIME).and_then(|()| tree.remove(TIMEZONE)),
        }
    }

    fn keeper(&self) -> Option<Keeper> {
        let timesyncd = self.port.tree.exists("usr/lib/systemd/systemd-timesyncd");
        let of_systemd = (timesyncd || self.port.is_live()).then_some(Keeper::Timesyncd);
        if self.port.has("chronyd") { Some(Keeper::Chrony) } else { of_systemd }
    }

    fn wanted_keeper(&self) -> Result<Keeper, Fault> {
        self.keeper().ok_or_else(|| Fault::new(NO_KEEPER))
    }

    async fn ntp(&self) -> Result<Ntp, Fault> {
        let keeper = self.wanted_keeper()?;
        let text = self.port.tree.text(keeper.file())?.unwrap_or_default();
        let (servers, fallback_servers) = keeper.servers(&text);
        Ok(Ntp { enabled: self.is_enabled(keeper).await?, servers, fallback_servers })
    }

    async fn is_enabled(&self, keeper: Keeper) -> Result<bool, Fault> {
        if self.port.is_live() {
            return Ok(self.port.run("timedatectl", &["show", "-p", "NTP", "--value"]).await?.trim() == "yes");
        }
        Ok(self.port.tree.link(keeper.mask()).as_deref() != Some("/dev/null"))
    }

    async fn set_ntp(&self, wanted: &Ntp) -> Result<(), Fault> {
        let (keeper, held) = (self.wanted_keeper()?, self.ntp().await?);
        let servers_differ = (&held.servers, &held.fallback_servers) != (&wanted.servers, &wanted.fallback_servers);
        if servers_differ {
            match keeper.text(wanted) {
                Some(text) => self.port.tree.write_text(keeper.file(), &text)?,
                None => self.port.tree.remove(keeper.file())?,
            }
        }
        if held.enabled != wanted.enabled {
            self.set_enabled(keeper, wanted.enabled).await?;
        }
        if servers_differ && wanted.enabled { self.reload(keeper).await } else { Ok(()) }
    }

    async fn reload(&self, keeper: Keeper) -> Result<(), Fault> {
        let done = match keeper {
            _ if !self.port.is_live() => return Ok(()),
            Keeper::Timesyncd => self.port.systemctl(&["try-restart", "systemd-timesyncd.service"]).await,
            Keeper::Chrony => self.port.run("chronyc", &["reload", "sources"]).await,
        };
        done.map(drop)
    }

    async fn set_enabled(&self, keeper: Keeper, enabled: bool) -> Result<(), Fault> {
        if self.port.is_live() {
            let word = if enabled { "true" } else { "false" };
            return self.port.run("timedatectl", &["set-ntp", word]).await.map(drop);
        }
        let tree = &self.port.tree;
        if enabled { tree.remove(keeper.mask()) } else { tree.link_to(keeper.mask(), "/dev/null") }
    }

    fn check_zone(&self, wanted: &Value) -> Result<(), Refusal> {
        let zone = wanted.as_str().ok_or_else(|| Refusal::Invalid("`timeZone` must be a string".to_owned()))?;
        check_zone(zone).map_err(|fault| Refusal::Invalid(fault.to_string()))?;
        let known = self.port.tree.is_file(&format!("{ZONES}/{zone}"));
        let unknown = || Refusal::Invalid(format!("the zone database of this device has no `{zone}`"));
        known.then_some(()).ok_or_else(unknown)
    }

    fn check_ntp(&self, wanted: &Value) -> Result<(), Refusal> {
        let ntp = parse_ntp(wanted)?;
        match self.keeper() {
            None => Err(Refusal::Unsupported(NO_KEEPER.to_owned())),
            Some(Keeper::Chrony) if !ntp.fallback_servers.is_empty() => {
                Err(Refusal::Unsupported("chrony has no `fallbackServers`; name them in `servers`".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }
}

const NO_KEEPER: &str = "this device has neither systemd-timesyncd nor chrony";

fn parse_ntp(wanted: &Value) -> Result<Ntp, Refusal> {
    let invalid = |fault: &dyn std::fmt::Display| Refusal::Invalid(format!("`ntp`: {fault}"));
    let ntp: Ntp = serde_json::from_value(wanted.clone()).map_err(|fault| invalid(&fault))?;
    ntp.check().map_err(|fault| invalid(&fault))?;
    Ok(ntp)
}

impl<R: Run> Resource for Time<R> {
    /// A clock that is wrong ends every TLS connection; a zone ends none.
    fn may_cut_off(&self, property: &str, _wanted: Option<&Value>) -> bool {
        property == "ntp"
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match property {
            "timeZone" => self.check_zone(wanted),
            "ntp" => self.check_ntp(wanted),
            "windows" => Err(Refusal::Unsupported("this is not Windows; `windows` has no effect here".to_owned())),
            other => Err(Refusal::Unsupported(format!("`time` has no property `{other}`"))),
        }
    }

    async fn read(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        match property {
            "timeZone" => Ok(self.zone()?.map(Value::String)),
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

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        let tree = &self.port.tree;
        let kept = if property == "timeZone" {
            serde_json::to_value(ZoneBefore { localtime: tree.keep(LOCALTIME)?, timezone: tree.keep(TIMEZONE)? })
        } else {
            let keeper = self.wanted_keeper()?;
            let (enabled, servers) = (self.is_enabled(keeper).await?, tree.keep(keeper.file())?);
            serde_json::to_value(NtpBefore { enabled, servers })
        };
        kept.map(Some).map_err(|cause| Fault::because("keeping the time settings", &cause))
    }

    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let tree = &self.port.tree;
        if let Some(before) = before.and_then(|before| ZoneBefore::deserialize(before).ok()) {
            tree.put_back(LOCALTIME, &before.localtime)?;
            return tree.put_back(TIMEZONE, &before.timezone);
        }
        let Some(before) = before.and_then(|before| NtpBefore::deserialize(before).ok()) else {
            return self.ensure(property, before).await;
        };
        let keeper = self.wanted_keeper()?;
        tree.put_back(keeper.file(), &before.servers)?;
        if self.is_enabled(keeper).await? != before.enabled {
            self.set_enabled(keeper, before.enabled).await?;
        }
        self.reload(keeper).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::agent::port::recorded::Recorded;

    fn device() -> (tempfile::TempDir, Time<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        for path in ["usr/share/zoneinfo/UTC", "usr/share/zoneinfo/Europe/Oslo", "usr/lib/systemd/systemd-timesyncd"] {
            port.tree.write_text(path, "TZif2").unwrap();
        }
        (root, Time::new(port))
    }

    #[tokio::test]
    async fn the_zone_is_set_read_back_and_put_back() {
        let (root, time) = device();
        let oslo = json!("Europe/Oslo");
        assert_eq!(time.read("timeZone", &oslo).await, Ok(None));
        let before = time.snapshot("timeZone", &oslo).await.unwrap();
        time.ensure("timeZone", Some(&oslo)).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(Some(oslo.clone())));
        let link = fs::read_link(root.path().join(LOCALTIME)).unwrap();
        assert_eq!(link.to_str(), Some("/usr/share/zoneinfo/Europe/Oslo"));
        time.ensure("timeZone", Some(&json!("UTC"))).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(Some(json!("UTC"))));
        time.restore("timeZone", "timeZone", before.as_ref()).await.unwrap();
        assert_eq!(time.read("timeZone", &oslo).await, Ok(None));
    }

    #[tokio::test]
    async fn a_zone_that_was_a_plain_file_is_one_again() {
        let (root, time) = device();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join(LOCALTIME), b"TZif\xff").unwrap();
        let oslo = json!("Europe/Oslo");
        let before = time.snapshot("timeZone", &oslo).await.unwrap();
        time.ensure("timeZone", Some(&oslo)).await.unwrap();
        time.restore("timeZone", "timeZone", before.as_ref()).await.unwrap();
        assert!(fs::symlink_metadata(root.path().join(LOCALTIME)).unwrap().is_file());
        assert_eq!(fs::read(root.path().join(LOCALTIME)).unwrap(), b"TZif\xff");
        assert!(!root.path().join(TIMEZONE).exists());
    }

    #[tokio::test]
    async fn time_servers_are_set_read_back_and_put_back() {
        let (root, time) = device();
        let wanted = json!({"enabled": false, "servers": ["a.example", "b.example"], "fallbackServers": ["c.example"]});
        let before = time.snapshot("ntp", &wanted).await.unwrap();
        let read = time.read("ntp", &wanted).await.unwrap();
        time.ensure("ntp", Some(&wanted)).await.unwrap();
        assert_eq!(time.read("ntp", &wanted).await, Ok(Some(wanted.clone())));
        let text = fs::read_to_string(root.path().join(Keeper::Timesyncd.file())).unwrap();
        assert!(text.contains("\n[Time]\nNTP=a.example b.example\nFallbackNTP=c.example\n"), "{text}");
        time.restore("ntp", "ntp", before.as_ref()).await.unwrap();
        assert_eq!(time.read("ntp", &wanted).await, Ok(read));
        assert!(!root.path().join(Keeper::Timesyncd.file()).exists());
    }

    #[tokio::test]
    async fn chrony_is_told_where_it_keeps_the_clock() {
        let (root, time) = device();
        time.port.tree.write_text("usr/sbin/chronyd", "").unwrap();
        let wanted = json!({"enabled": true, "servers": ["a.example"], "fallbackServers": []});
        time.ensure("ntp", Some(&wanted)).await.unwrap();
        assert_eq!(time.read("ntp", &wanted).await, Ok(Some(wanted)));
        let text = fs::read_to_string(root.path().join("etc/chrony/sources.d/twinops.sources")).unwrap();
        assert!(text.ends_with("\nserver a.example iburst\n"), "{text}");
        let fallback = json!({"servers": ["a"], "fallbackServers": ["b"]});
        assert!(matches!(time.check("ntp", &fallback), Err(Refusal::Unsupported(_))));
    }

    #[tokio::test]
    async fn a_running_system_is_asked() {
        let (_root, time) = device();
        let time = Time::new(time.port.living());
        time.port.programs().answer("timedatectl show", "yes\n");
        time.ensure("timeZone", Some(&json!("UTC"))).await.unwrap();
        time.ensure("ntp", Some(&json!({"servers": ["a.example"]}))).await.unwrap();
        let ran = time.port.programs().changed();
        assert_eq!(ran[0], "timedatectl set-timezone UTC");
        assert!(ran[1].ends_with("try-restart systemd-timesyncd.service"), "{ran:?}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let (root, time) = device();
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
        fs::remove_file(root.path().join("usr/lib/systemd/systemd-timesyncd")).unwrap();
        assert!(matches!(time.check("ntp", &json!({"servers": ["a"]})), Err(Refusal::Unsupported(_))));
    }
}
