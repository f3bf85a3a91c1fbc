//! `updates` on Debian and Ubuntu: apt's timers, unattended-upgrades, and packages on hold.
//!
//! Each property has a file of its own, so that putting one back leaves the others alone. What apt cannot do is said to
//! be unsupported.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Fault, Refusal, Resource, kept, packages, typed, units, unkept, wanted};
use crate::{
    agent::port::{Kept, Port, Run},
    component::updates::{ActiveHours, UpdateDay, UpdateMode, UpdateReboot, UpdateSchedule},
};

const MODE: &str = "etc/apt/apt.conf.d/99twinops-mode";
/// Read before the one of the active hours, whose end takes the place of the usual time.
const REBOOT: &str = "etc/apt/apt.conf.d/98twinops-reboot";
const HOURS: &str = "etc/apt/apt.conf.d/99twinops-active-hours";
const TIMER: &str = "apt-daily-upgrade.timer";
const SCHEDULE: &str = "etc/systemd/system/apt-daily-upgrade.timer.d/50-twinops.conf";
/// When a device restarts that must not do so in active hours that nobody named.
const QUIET: &str = "02:00";

/// The updates of the system.
#[derive(Debug)]
pub(crate) struct Updates<R> {
    port: Port<R>,
}

/// What was there before.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Before {
    File { file: Kept },
    Held { held: Vec<String> },
}

fn file(property: &str) -> Option<&'static str> {
    match property {
        "mode" => Some(MODE),
        "reboot" => Some(REBOOT),
        "activeHours" => Some(HOURS),
        "schedule" => Some(SCHEDULE),
        _ => None,
    }
}

fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Comments of apt begin with `//`; the first line holds the value as it was declared.
fn conf(declared: &Value, settings: &[(&str, &str)]) -> String {
    settings.iter().fold(format!("// twinops {declared}\n"), |mut text, (name, value)| {
        let _ = writeln!(text, "{name} \"{value}\";");
        text
    })
}

fn mode_text(mode: UpdateMode) -> String {
    let (enable, lists, download, upgrade) = match mode {
        UpdateMode::Disabled => ("0", "0", "0", "0"),
        UpdateMode::Notify => ("1", "1", "0", "0"),
        UpdateMode::Download => ("1", "1", "1", "0"),
        UpdateMode::Auto | UpdateMode::Scheduled => ("1", "1", "1", "1"),
    };
    let settings = [
        ("APT::Periodic::Enable", enable),
        ("APT::Periodic::Update-Package-Lists", lists),
        ("APT::Periodic::Download-Upgradeable-Packages", download),
        ("APT::Periodic::Unattended-Upgrade", upgrade),
    ];
    conf(&json!(mode), &settings)
}

fn reboot_text(reboot: UpdateReboot) -> String {
    let automatic = if reboot == UpdateReboot::Never { "false" } else { "true" };
    let mut settings = vec![("Unattended-Upgrade::Automatic-Reboot", automatic)];
    if reboot == UpdateReboot::OutsideActiveHours {
        settings.push(("Unattended-Upgrade::Automatic-Reboot-Time", QUIET));
    }
    conf(&json!(reboot), &settings)
}

fn hours_text(hours: ActiveHours) -> String {
    let over = format!("{:02}:00", hours.end);
    conf(&json!(hours), &[("Unattended-Upgrade::Automatic-Reboot-Time", &over)])
}

fn schedule_text(schedule: &UpdateSchedule) -> String {
    let day = match word(&schedule.day).as_str() {
        "daily" => String::new(),
        day => format!("{}{} ", day[..1].to_uppercase(), &day[1..]),
    };
    // The empty line takes away what the system has; then ours is the only time.
    format!(
        "# twinops {}\n[Timer]\nOnCalendar=\nOnCalendar={day}*-*-* {}:00\nRandomizedDelaySec=10m\n",
        json!(schedule),
        schedule.time
    )
}

/// The file that a value means.
fn text(property: &str, value: &Value) -> Result<String, Refusal> {
    Ok(match property {
        "mode" => mode_text(typed(property, value)?),
        "reboot" => reboot_text(typed(property, value)?),
        "activeHours" => {
            let hours: ActiveHours = typed(property, value)?;
            let span = (24 + i16::from(hours.end) - i16::from(hours.start)) % 24;
            if hours.start > 23 || hours.end > 23 || !(1..=18).contains(&span) {
                return Err(Refusal::Invalid("`activeHours` must span 1 to 18 hours".to_owned()));
            }
            hours_text(hours)
        }
        _ => {
            let schedule: UpdateSchedule = typed(property, value)?;
            if schedule.time.len() != 5 || jiff::civil::Time::strptime("%H:%M", &schedule.time).is_err() {
                return Err(Refusal::Invalid(format!("`{}` is no time of day such as 03:00", schedule.time)));
            }
            let _: UpdateDay = schedule.day;
            schedule_text(&schedule)
        }
    })
}

impl<R: Run> Updates<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }

    /// Whether apt, having read all of its files, goes by this one. Below another root the file is all there is to see.
    async fn is_effective(&self, text: &str) -> Result<bool, Fault> {
        if !self.port.tree.is_system() {
            return Ok(true);
        }
        let dump = self.port.run("apt-config", &["dump"]).await?;
        let settings = text.lines().filter(|line| line.ends_with("\";"));
        let reboot_time = |line: &str| line.starts_with("Unattended-Upgrade::Automatic-Reboot-Time");
        // The time is that of the active hours where there are any.
        let known = |line: &str| dump.lines().any(|said| said == line) || reboot_time(line);
        Ok(settings.into_iter().all(known))
    }

    async fn apply(&self, property: &str) -> Result<(), Fault> {
        if property != "schedule" {
            return Ok(());
        }
        units::reload(&self.port).await?;
        units::order(&self.port, "restart", TIMER).await
    }

    fn check_file(&self, property: &str, value: &Value) -> Result<(), Refusal> {
        text(property, value)?;
        let upgrades = matches!(property, "reboot" | "activeHours" | "schedule")
            || matches!(value.as_str(), Some("auto" | "scheduled"));
        if upgrades && !self.port.has("unattended-upgrade") {
            return Err(Refusal::Unsupported("this needs the package `unattended-upgrades`".to_owned()));
        }
        Ok(())
    }
}

impl<R: Run> Resource for Updates<R> {
    fn lack(&self) -> Option<String> {
        packages::lack(&self.port)
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match property {
            _ if file(property).is_some() => self.check_file(property, wanted),
            "holdPackages" if !self.port.tree.is_system() => {
                Err(Refusal::Unsupported("packages are held on a running system only".to_owned()))
            }
            "holdPackages" => {
                typed::<Vec<String>>(property, wanted)?.iter().try_for_each(|name| packages::check_name(name))
            }
            "defer" | "pause" | "target" | "deadline" | "drivers" | "approvals" => {
                Err(Refusal::Unsupported(format!("apt has nothing like `{property}`; it is for Windows")))
            }
            other => Err(Refusal::Unsupported(format!("`updates` has no property `{other}`"))),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let Some(path) = file(property) else {
            let held = packages::held(&self.port).await?;
            return Ok(Some(packages::in_order_of(held, wanted)));
        };
        let Some(found) = self.port.tree.text(path)? else { return Ok(None) };
        let declared = found.lines().next().and_then(|line| line.split_once("twinops "));
        let declared: Option<Value> = declared.and_then(|(_, declared)| serde_json::from_str(declared).ok());
        let intact = declared.as_ref().and_then(|value| text(property, value).ok()).is_some_and(|text| text == found);
        let effective = intact && self.is_effective(&found).await?;
        Ok(declared.filter(|_| effective))
    }

    async fn ensure(&self, property: &str, value: Option<&Value>) -> Result<(), Fault> {
        let Some(path) = file(property) else {
            return packages::hold(&self.port, &wanted::<Vec<String>>(property, value)?).await;
        };
        let value = value.ok_or_else(|| Fault::new(format!("`{property}` cannot be taken away")))?;
        let text = text(property, value).map_err(|refusal| Fault::new(refusal.to_string()))?;
        self.port.tree.write_text(path, &text)?;
        self.apply(property).await
    }

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        match file(property) {
            Some(path) => kept(&Before::File { file: self.port.tree.keep(path)? }),
            None => kept(&Before::Held { held: packages::held(&self.port).await? }),
        }
    }

    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        match (file(property), unkept(before)?) {
            (Some(path), Before::File { file }) => {
                self.port.tree.put_back(path, &file)?;
                self.apply(property).await
            }
            (_, Before::Held { held }) => packages::hold(&self.port, &held).await,
            (None, Before::File { .. }) => Err(Fault::new(format!("what was kept of `{property}` is no list"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::port::{System, recorded::Recorded};

    fn device() -> (tempfile::TempDir, Updates<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let port = Port::new(root.path(), Recorded::default());
        for program in ["apt-get", "dpkg-query", "unattended-upgrade"] {
            port.tree.write_text(&format!("usr/bin/{program}"), "").unwrap();
        }
        (root, Updates::new(port))
    }

    #[tokio::test]
    async fn each_property_is_set_read_back_and_put_back() {
        let (root, updates) = device();
        for (property, wanted) in [
            ("mode", json!("scheduled")),
            ("reboot", json!("outsideActiveHours")),
            ("activeHours", json!({"start": 22, "end": 6})),
            ("schedule", json!({"day": "sun", "time": "03:00"})),
        ] {
            assert_eq!(updates.check(property, &wanted), Ok(()));
            let before = updates.snapshot(property, &wanted).await.unwrap();
            assert_eq!(updates.read(property, &wanted).await, Ok(None));
            updates.ensure(property, Some(&wanted)).await.unwrap();
            assert_eq!(updates.read(property, &wanted).await, Ok(Some(wanted.clone())));
            let path = root.path().join(file(property).unwrap());
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(
                &path,
                text.replace("\"1\"", "\"0\"").replace("06", "07").replace("true", "false").replace("03", "04"),
            )
            .unwrap();
            assert_ne!(updates.read(property, &wanted).await, Ok(Some(wanted.clone())), "someone changed {property}");
            updates.restore(property, property, before.as_ref()).await.unwrap();
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_schedule_is_the_only_time() {
        let schedule = UpdateSchedule { day: UpdateDay::Mon, time: "03:00".to_owned() };
        assert!(schedule_text(&schedule).contains("\nOnCalendar=\nOnCalendar=Mon *-*-* 03:00:00\n"));
        let daily = UpdateSchedule { day: UpdateDay::Daily, ..schedule };
        assert!(schedule_text(&daily).contains("\nOnCalendar=*-*-* 03:00:00\n"));
    }

    #[test]
    fn what_apt_cannot_do_is_said() {
        let (root, updates) = device();
        for property in ["defer", "pause", "target", "deadline", "drivers", "approvals", "odd", "holdPackages"] {
            assert!(matches!(updates.check(property, &json!({})), Err(Refusal::Unsupported(_))), "{property}");
        }
        assert!(matches!(updates.check("activeHours", &json!({"start": 1, "end": 1})), Err(Refusal::Invalid(_))));
        std::fs::remove_file(root.path().join("usr/bin/unattended-upgrade")).unwrap();
        assert!(matches!(updates.check("mode", &json!("auto")), Err(Refusal::Unsupported(_))));
        assert_eq!(updates.check("mode", &json!("notify")), Ok(()));
        std::fs::remove_file(root.path().join("usr/bin/apt-get")).unwrap();
        assert!(updates.lack().is_some());
    }

    /// apt itself reads what is written.
    #[tokio::test]
    async fn apt_understands_the_files() {
        let port = Port::new("/".as_ref(), System);
        if !port.has("apt-config") {
            assert!(std::env::var_os("CI").is_none(), "apt-config is needed");
            return eprintln!("NOT RUN: apt-config is not installed");
        }
        let folder = tempfile::tempdir().unwrap();
        for text in [
            mode_text(UpdateMode::Auto),
            reboot_text(UpdateReboot::Never),
            hours_text(ActiveHours { start: 8, end: 20 }),
        ] {
            let path = folder.path().join("99test");
            std::fs::write(&path, &text).unwrap();
            let said = port.run("apt-config", &["-c", path.to_str().unwrap(), "dump"]).await.unwrap();
            for line in text.lines().filter(|line| line.ends_with("\";")) {
                assert!(said.lines().any(|said| said == line), "{line} in {said}");
            }
        }
    }
}
