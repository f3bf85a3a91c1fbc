//! What a reviewer has to see before all else: values that go, and changes that restart devices, cut them off or take
//! something from them that does not come back by itself.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::Value;

use super::PlanReport;
use crate::{
    plan::{Delta, Group, Why},
    report::{
        Paper, notices,
        page::{Inline, Part},
        words,
    },
    twin::{DeviceId, PropertyPath, Section},
};

/// Lines of the warning.
const LINES: usize = 12;

/// Why a change wants a second look; the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hazard {
    /// The value is no longer declared.
    Prune,
    /// Programs go.
    Uninstall,
    /// What devices trust, or prove themselves by, is something else.
    Certificates,
    /// Devices may not reach the hub any more.
    CutOff,
    /// Devices restart.
    Restart,
    /// What is on the device is lost.
    Wipe,
}

impl Hazard {
    const fn words(self) -> &'static str {
        match self {
            Self::Prune => "prunes",
            Self::Uninstall => "takes programs off devices:",
            Self::Certificates => "changes the certificates of devices:",
            Self::CutOff => "can cut devices off:",
            Self::Restart => "restarts devices:",
            Self::Wipe => "wipes devices:",
        }
    }
}

/// Why a change wants a second look, if it does.
pub(super) fn of(delta: &Delta) -> Option<Hazard> {
    let graver = (delta.path.section == Section::Desired).then(|| by_component(delta)).flatten();
    graver.or_else(|| (delta.why == Why::Prune).then_some(Hazard::Prune))
}

fn by_component(delta: &Delta) -> Option<Hazard> {
    let keys: Vec<String> = delta.path.keys.iter().map(|key| key.to_lowercase()).collect();
    // Components of Windows lie one level deeper.
    let component = match &*keys {
        [windows, component, ..] if windows == "windows" => component,
        [component, ..] => component,
        [] => return None,
    };
    let names = |word: &str| component.starts_with(word);
    let wipes = |key: &String| matches!(&**key, "wipe" | "remotewipe" | "factoryreset");
    match () {
        () if keys.iter().any(wipes) => Some(Hazard::Wipe),
        () if names("reboot") => Some(Hazard::Restart),
        () if names("wifi") => Some(Hazard::CutOff),
        () if names("certificate") => Some(Hazard::Certificates),
        () if names("apps") && uninstalls(delta) => Some(Hazard::Uninstall),
        () => None,
    }
}

/// A program that is declared absent, or that is no longer declared.
fn uninstalls(delta: &Delta) -> bool {
    fn is_absent(value: &Value) -> bool {
        match value {
            Value::String(word) => matches!(&**word, "absent" | "not installed"),
            Value::Object(members) => members.values().any(is_absent),
            _ => false,
        }
    }
    delta.to.as_ref().is_none_or(is_absent)
}

/// The same hazard at the same path.
#[derive(Default)]
struct Seen<'a> {
    devices: usize,
    samples: Vec<&'a DeviceId>,
    origin: Option<(&'static str, String)>,
}

/// The warning; `None` where there is nothing to warn of.
pub(super) fn part(report: &PlanReport<'_>, paper: &Paper) -> Option<Part> {
    let mut found: BTreeMap<(Hazard, &PropertyPath), Seen<'_>> = BTreeMap::new();
    let mut devices: BTreeMap<bool, u64> = BTreeMap::new();
    for group in report.plan.groups.iter().chain(&report.plan.held) {
        let hazards: Vec<_> = group.deltas.iter().filter_map(|delta| Some((of(delta)?, delta))).collect();
        for prunes in [true, false] {
            if hazards.iter().any(|(hazard, _)| (*hazard == Hazard::Prune) == prunes) {
                *devices.entry(prunes).or_default() += words::wide(group.devices.len());
            }
        }
        for (hazard, delta) in hazards {
            found.entry((hazard, &delta.path)).or_default().add(report, group, delta, paper.limits.samples);
        }
    }
    let mut lines: Vec<_> = found.into_iter().collect();
    lines.sort_by_key(|((hazard, _), seen)| (Reverse(*hazard), Reverse(seen.devices)));
    let more = words::more(lines.len().saturating_sub(LINES), "path").map(Inline::of);
    let items = lines.into_iter().take(LINES).map(|((hazard, path), seen)| seen.line(hazard, path));
    let title = title(&devices)?;
    Some(Part::warning("warning", title).list(items.chain(more)))
}

impl<'a> Seen<'a> {
    fn add(&mut self, report: &PlanReport<'_>, group: &'a Group, delta: &Delta, most: usize) {
        self.devices += group.devices.len();
        self.samples.extend(group.devices.iter().take(most).map(|planned| &planned.device));
        self.samples.sort_unstable();
        self.samples.truncate(most);
        let was = if delta.why == Why::Prune { " (was " } else { " (" };
        self.origin = self.origin.take().or_else(|| Some((was, report.origin(delta)?)));
    }

    fn line(self, hazard: Hazard, path: &PropertyPath) -> Inline {
        let line = Inline::of(format!("{} ", hazard.words())).code(path.to_string());
        let count = words::count(words::wide(self.devices), "device");
        let line = notices::named(line.prose(format!(" on {count}: ")), self.samples, self.devices, usize::MAX);
        match self.origin {
            Some((was, origin)) => line.prose(was).code(origin).prose(")"),
            None => line,
        }
    }
}

/// `2 devices lose values that are no longer declared; changes on 3 devices can restart them, …`.
fn title(devices: &BTreeMap<bool, u64>) -> Option<Inline> {
    let count = |prunes: bool| devices.get(&prunes).map(|n| words::count(*n, "device"));
    let prunes = count(true).map(|count| format!("{count} would lose values that are no longer declared"));
    let others = count(false).map(|count| format!("{count} would get changes that restart, cut off or take away"));
    let said: Vec<String> = [others, prunes].into_iter().flatten().collect();
    (!said.is_empty()).then(|| Inline::default().strong(said.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hazard(path: &str, to: Option<Value>, why: Why) -> Option<Hazard> {
        let path = path.parse().unwrap();
        of(&Delta { path, from: Some(json!(1)), to, why, origin: None, at: None, secret: false, claimed: None })
    }

    #[test]
    fn what_may_be_lost_is_told_by_the_component_and_by_what_happens_to_it() {
        let set = |path, to| hazard(path, Some(to), Why::Pending);
        assert_eq!(set("properties.desired.wifi.lobby.psk", json!("x")), Some(Hazard::CutOff));
        assert_eq!(set("properties.desired.windows.rebootInfo.singleRebootTime", json!("x")), Some(Hazard::Restart));
        assert_eq!(set("properties.desired.apps.vlc.version", json!("3.0")), None);
        assert_eq!(set("properties.desired.apps.vlc", json!({"state": "absent"})), Some(Hazard::Uninstall));
        assert_eq!(hazard("properties.desired.apps.vlc", None, Why::Prune), Some(Hazard::Uninstall));
        assert_eq!(set("properties.desired.device.factoryReset", json!(true)), Some(Hazard::Wipe));
        assert_eq!(set("tags.wifi", json!(1)), None);
        assert_eq!(hazard("tags.wifi", None, Why::Prune), Some(Hazard::Prune));
    }
}
