//! `reboot` on Linux: timers of systemd that restart the device.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, Refusal, Resource, kept, typed, units, unkept};
use crate::{
    agent::port::{Kept, Port, Run},
    component::reboot::{Clock, Daily, Weekday, Weekly},
};

const SERVICE: &str = "etc/systemd/system/twinops-reboot.service";
/// A minute's notice, so that whoever is at the device can stop it with `shutdown -c`.
const SERVICE_TEXT: &str = "# Written by twinops; changes are undone.\n[Unit]\nDescription=Scheduled restart\n\n[Service]\n\
                            Type=oneshot\nExecStart=/sbin/shutdown -r +1 \"scheduled restart\"\n";

/// The scheduled restarts.
#[derive(Debug)]
pub(crate) struct Reboot<R> {
    port: Port<R>,
}

#[derive(Serialize, Deserialize)]
struct Before {
    timer: Kept,
    enabled: bool,
}

fn timer(property: &str) -> String {
    format!("twinops-reboot-{property}.timer")
}

fn path(property: &str) -> String {
    format!("etc/systemd/system/{}", timer(property))
}

/// When, in the words of systemd (`systemd.time`). It knows no `T` and no `Z`.
fn calendar(property: &str, wanted: &Value) -> Result<String, Refusal> {
    match property {
        "once" => {
            let text: String = typed(property, wanted)?;
            let at: jiff::Timestamp = text
                .parse()
                .map_err(|_| Refusal::Invalid(format!("`{text}` is no time such as 2027-01-31T03:00:00Z")))?;
            Ok(at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        }
        "daily" => {
            let Daily { time, zone } = typed(property, wanted)?;
            check_time(&time)?;
            Ok(format!("*-*-* {time}:00{}", if zone == Clock::Utc { " UTC" } else { "" }))
        }
        "weekly" => {
            let Weekly { day, time } = typed(property, wanted)?;
            check_time(&time)?;
            Ok(format!("{} *-*-* {time}:00", english(day)))
        }
        other => Err(Refusal::Unsupported(format!("`reboot` has no property `{other}`"))),
    }
}

fn check_time(time: &str) -> Result<(), Refusal> {
    let formed = time.len() == 5 && jiff::civil::Time::strptime("%H:%M", time).is_ok();
    formed.then_some(()).ok_or_else(|| Refusal::Invalid(format!("`{time}` is no time of day such as 03:00")))
}

const fn english(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    }
}

/// A time that was missed stays missed: a device that was off is not to restart when it is switched on.
fn timer_text(calendar: &str) -> String {
    format!(
        "# Written by twinops; changes are undone.\n[Unit]\nDescription=Scheduled restart\n\n[Timer]\n\
         OnCalendar={calendar}\nPersistent=false\nAccuracySec=1min\nUnit=twinops-reboot.service\n\n[Install]\n\
         WantedBy=timers.target\n"
    )
}

/// Whether a single restart is over; nothing is armed for it then.
fn is_over(property: &str, wanted: &Value) -> bool {
    let at = wanted.as_str().filter(|_| property == "once").and_then(|text| text.parse::<jiff::Timestamp>().ok());
    at.is_some_and(|at| at <= jiff::Timestamp::now())
}

impl<R: Run> Reboot<R> {
    pub(crate) fn new(port: Port<R>) -> Self {
        Self { port }
    }

    async fn is_enabled(&self, property: &str) -> Result<bool, Fault> {
        let unit = units::look(&self.port, &timer(property)).await?;
        Ok(unit.is_some_and(|unit| unit.startup() == "auto" && unit.running != Some(false)))
    }

    async fn enable(&self, property: &str) -> Result<(), Fault> {
        units::reload(&self.port).await?;
        self.port.systemctl(&["enable", &timer(property)]).await?;
        units::order(&self.port, "restart", &timer(property)).await
    }

    async fn disarm(&self, property: &str) -> Result<(), Fault> {
        if self.port.tree.exists(&path(property)) {
            units::order(&self.port, "stop", &timer(property)).await?;
            self.port.systemctl(&["disable", &timer(property)]).await?;
            self.port.tree.remove(&path(property))?;
        }
        units::reload(&self.port).await
    }
}

impl<R: Run> Resource for Reboot<R> {
    fn lack(&self) -> Option<String> {
        (!self.port.has("systemctl")).then(|| "this device has no systemd".to_owned())
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        calendar(property, wanted).map(drop)
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let armed = self.port.tree.text(&path(property))?;
        if is_over(property, wanted) {
            return Ok(Some(wanted.clone()));
        }
        let meant = calendar(property, wanted).ok().map(|calendar| timer_text(&calendar));
        let service = self.port.tree.text(SERVICE)?;
        let fits = armed.is_some() && armed == meant && service.as_deref() == Some(SERVICE_TEXT);
        Ok((fits && self.is_enabled(property).await?).then(|| wanted.clone()))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        let Some(wanted) = wanted.filter(|wanted| !is_over(property, wanted)) else {
            return self.disarm(property).await;
        };
        let calendar = calendar(property, wanted).map_err(|refusal| Fault::new(refusal.to_string()))?;
        self.port.tree.write_text(SERVICE, SERVICE_TEXT)?;
        self.port.tree.write_text(&path(property), &timer_text(&calendar))?;
        self.enable(property).await
    }

    async fn snapshot(&self, property: &str, _wanted: &Value) -> Result<Option<Value>, Fault> {
        let timer = self.port.tree.keep(&path(property))?;
        let enabled = timer != Kept::Absent && self.is_enabled(property).await?;
        kept(&Before { timer, enabled })
    }

    async fn restore(&self, property: &str, _place: &str, before: Option<&Value>) -> Result<(), Fault> {
        let before: Before = unkept(before)?;
        self.disarm(property).await?;
        self.port.tree.put_back(&path(property), &before.timer)?;
        if before.enabled {
            return self.enable(property).await;
        }
        let left = ["once", "daily", "weekly"].iter().any(|property| self.port.tree.exists(&path(property)));
        if left { Ok(()) } else { self.port.tree.remove(SERVICE) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::port::{System, recorded::Recorded};

    fn device() -> (tempfile::TempDir, Reboot<Recorded>) {
        let root = tempfile::tempdir().unwrap();
        let reboot = Reboot::new(Port::new(root.path(), Recorded::default()));
        let asked = format!("systemctl --root={} is-enabled", root.path().display());
        reboot.port.programs().answer(&asked, "enabled\n");
        (root, reboot)
    }

    #[tokio::test]
    async fn a_restart_is_armed_read_back_and_disarmed() {
        let (root, reboot) = device();
        let wanted = json!({"time": "02:30", "zone": "utc"});
        let before = reboot.snapshot("daily", &wanted).await.unwrap();
        assert_eq!(reboot.read("daily", &wanted).await, Ok(None));
        reboot.ensure("daily", Some(&wanted)).await.unwrap();
        assert_eq!(reboot.read("daily", &wanted).await, Ok(Some(wanted.clone())));
        assert_eq!(reboot.read("daily", &json!({"time": "02:31", "zone": "utc"})).await, Ok(None));
        let text = reboot.port.tree.text(&path("daily")).unwrap().unwrap();
        assert!(text.contains("\nOnCalendar=*-*-* 02:30:00 UTC\nPersistent=false\n"), "{text}");
        reboot.restore("daily", "daily", before.as_ref()).await.unwrap();
        assert_eq!(std::fs::read_dir(root.path().join("etc/systemd/system")).unwrap().count(), 0);
        let ran = reboot.port.programs().changed();
        assert!(ran.iter().any(|line| line.ends_with(" enable twinops-reboot-daily.timer")), "{ran:?}");
    }

    #[tokio::test]
    async fn a_single_restart_that_is_over_arms_nothing() {
        let (root, reboot) = device();
        let past = json!("2020-01-01T00:00:00Z");
        reboot.ensure("once", Some(&past)).await.unwrap();
        assert_eq!(reboot.read("once", &past).await, Ok(Some(past)));
        assert!(!root.path().join(SERVICE).exists());
    }

    #[test]
    fn times_that_are_none_are_refused() {
        let (_root, reboot) = device();
        for (property, wanted) in [
            ("once", json!("tomorrow")),
            ("daily", json!({"time": "24:00", "zone": "utc"})),
            ("daily", json!({"time": "3:00", "zone": "local"})),
            ("weekly", json!({"day": "someday", "time": "03:00"})),
        ] {
            assert!(matches!(reboot.check(property, &wanted), Err(Refusal::Invalid(_))), "{wanted}");
        }
        assert!(matches!(reboot.check("hourly", &json!(1)), Err(Refusal::Unsupported(_))));
    }

    /// The calendar of systemd itself reads what is written.
    #[tokio::test]
    async fn systemd_understands_the_times() {
        let port = Port::new("/".as_ref(), System);
        if !port.has("systemd-analyze") {
            assert!(std::env::var_os("CI").is_none(), "systemd-analyze is needed");
            return eprintln!("NOT RUN: systemd-analyze is not installed");
        }
        for (property, wanted) in [
            ("once", json!("2046-12-24T17:00:00Z")),
            ("daily", json!({"time": "02:30", "zone": "local"})),
            ("weekly", json!({"day": "sun", "time": "23:59"})),
        ] {
            let calendar = calendar(property, &wanted).unwrap();
            let said = port.run("systemd-analyze", &["calendar", &calendar]).await.unwrap();
            assert!(said.contains("Next elapse"), "{said}");
        }
    }
}
