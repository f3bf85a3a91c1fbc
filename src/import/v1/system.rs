//! `timeInfo`, `timeService`, `windowsTelemetry` and `rebootInfo`.

use serde_json::json;

use super::{Section, text, zones};
use crate::twin::Map;

pub(super) fn time(members: &Map, section: &mut Section<'_>) {
    if let Some(servers) = text(members, "ntpServer") {
        // `time.windows.com,0x8`: the flags are w32time's own.
        let host = |server: &str| server.split(',').next().unwrap_or_default().to_owned();
        let servers: Vec<String> = servers.split_whitespace().map(host).filter(|host| !host.is_empty()).collect();
        section.put(&["time", "ntp"], json!({ "enabled": true, "servers": servers }));
    }
    if let Some(key) = text(members, "timeZoneKeyName") {
        section.put(&["time", "windows", "timeZoneKeyName"], key);
        match zones::name(key) {
            Some(zone) => section.put(&["time", "timeZone"], zone),
            None => {
                section.note(&["timeZoneKeyName"], "no time zone of IANA is known by this key; set `time.timeZone`");
            }
        }
    }
    let known = ["ntpServer", "timeZoneKeyName"];
    section.rest(&[], members, &known, "the system's own rules of the time zone hold");
}

pub(super) fn service(members: &Map, section: &mut Section<'_>) {
    let disabled = text(members, "enabled") == Some("no");
    let startup = match text(members, "startup") {
        _ if disabled => Some("disabled"),
        Some("auto") => Some("auto"),
        Some("manual") => Some("manual"),
        _ => None,
    };
    let running = !disabled && text(members, "started") == Some("yes");
    section.put(&["services", "time", "name"], "w32time");
    section.put(&["services", "time", "state"], if running { "running" } else { "stopped" });
    match startup {
        Some(startup) => section.put(&["services", "time", "startup"], startup),
        None if members.contains_key("startup") => section.note(&["startup"], "it is neither `auto` nor `manual`"),
        None => {}
    }
    section.rest(&[], members, &["enabled", "startup", "started"], "no neutral component has it");
}

pub(super) fn telemetry(members: &Map, section: &mut Section<'_>) {
    let level = match text(members, "level") {
        Some("security") => Some("disabled"),
        Some("basic") => Some("required"),
        Some("enhanced") => Some("enhanced"),
        Some("full") => Some("optional"),
        _ => None,
    };
    match level {
        Some(level) => section.put(&["telemetry", "level"], level),
        None if members.contains_key("level") => section.note(&["level"], "the client knows no such level"),
        None => {}
    }
    section.rest(&[], members, &["level"], "no neutral component has it");
}

pub(super) fn reboot(members: &Map, section: &mut Section<'_>) {
    for key in ["singleRebootTime", "dailyRebootTime"] {
        let Some(at) = text(members, key).filter(|at| !at.is_empty()) else { continue };
        match (at.parse::<jiff::Timestamp>(), key) {
            (Err(_), _) => section.note(&[key], "it is no time with an offset"),
            (Ok(at), "singleRebootTime") => {
                section.put(&["reboot", "once"], at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            }
            (Ok(at), _) => {
                section.put(&["reboot", "daily"], json!({ "time": at.strftime("%H:%M").to_string(), "zone": "utc" }));
            }
        }
    }
    section.rest(&[], members, &["singleRebootTime", "dailyRebootTime"], "no neutral component has it");
}
