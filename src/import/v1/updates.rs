//! `windowsUpdatePolicy` and `windowsUpdates`.

use serde_json::{Value, json};

use super::{Section, applied, text};
use crate::twin::Map;

/// Install days by number; 0 is every day.
const DAYS: [&str; 8] = ["daily", "sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// The system's own hour of installation (Windows reference 1.3).
const HOUR: i64 = 3;
/// Members that become a part of `updates`.
const KNOWN: [&str; 9] = [
    "activeHoursStart",
    "activeHoursEnd",
    "allowAutoUpdate",
    "deferFeatureUpdatesPeriod",
    "deferQualityUpdatesPeriod",
    "pauseFeatureUpdates",
    "pauseQualityUpdates",
    "scheduledInstallDay",
    "scheduledInstallTime",
];
const APPLY: &str = "applyProperties";

pub(super) fn policy(members: &Map, today: jiff::civil::Date, section: &mut Section<'_>) {
    let Some(apply) = applied(&[], members, section) else { return };
    let number = |key: &str| apply.get(key).and_then(Value::as_i64);
    match (number("activeHoursStart"), number("activeHoursEnd")) {
        (Some(start), Some(end)) => section.put(&["updates", "activeHours"], json!({ "start": start, "end": end })),
        (None, None) => {}
        _ => section
            .note(&[APPLY, "activeHoursStart"], "active hours have a start and an end; only one of them is given"),
    }
    mode(number, section);
    for (key, name) in [("deferQualityUpdatesPeriod", "qualityDays"), ("deferFeatureUpdatesPeriod", "featureDays")] {
        if let Some(days) = number(key) {
            section.put(&["updates", "defer", name], days);
        }
    }
    for (key, name) in [("pauseQualityUpdates", "quality"), ("pauseFeatureUpdates", "feature")] {
        if number(key) == Some(1) {
            section.put(&["updates", "pause", name], today.to_string());
        }
    }
    section.rest(&[APPLY], apply, &KNOWN, "no neutral component has it");
}

/// How updates are installed; a schedule belongs to one of the ways only.
fn mode(number: impl Fn(&str) -> Option<i64>, section: &mut Section<'_>) {
    let mode = match number("allowAutoUpdate") {
        Some(0) => Some("notify"),
        Some(1 | 2 | 4) => Some("auto"),
        Some(3) => Some("scheduled"),
        Some(5) => Some("disabled"),
        Some(_) => {
            section.note(&[APPLY, "allowAutoUpdate"], "Windows knows no such way of updating");
            None
        }
        None => None,
    };
    if let Some(mode) = mode {
        section.put(&["updates", "mode"], mode);
    }
    let (day, hour) = (number("scheduledInstallDay"), number("scheduledInstallTime"));
    if mode == Some("scheduled") {
        let day = usize::try_from(day.unwrap_or_default()).ok().and_then(|day| DAYS.get(day));
        match day {
            Some(day) => {
                let time = format!("{:02}:00", hour.unwrap_or(HOUR));
                section.put(&["updates", "schedule"], json!({ "day": day, "time": time }));
            }
            None => section.note(&[APPLY, "scheduledInstallDay"], "a week has no such day"),
        }
    } else {
        for (key, value) in [("scheduledInstallDay", day), ("scheduledInstallTime", hour)] {
            if value.is_some() {
                section.note(&[APPLY, key], "Windows minds the schedule with `allowAutoUpdate: 3` only");
            }
        }
    }
}

pub(super) fn approvals(members: &Map, section: &mut Section<'_>) {
    let ids = text(members, "approved").into_iter().flat_map(|ids| ids.split('/')).filter(|id| !id.is_empty());
    for id in ids.collect::<Vec<_>>() {
        section.put(&["updates", "approvals", &id.to_ascii_lowercase()], "approve");
    }
    section.rest(&[], members, &["approved"], "no neutral component has it");
}
