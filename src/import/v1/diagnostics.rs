//! `eventTracingCollectors`.

use serde_json::{Map as Members, Value, json};

use super::{Section, applied, id, text};
use crate::twin::Map;

/// Members of a collector that are no providers and become a part of the neutral one.
const KNOWN: [&str; 3] = ["traceLogFileMode", "logFileSizeLimitMB", "started"];
/// Levels as both call them.
const LEVELS: [&str; 5] = ["critical", "error", "warning", "information", "verbose"];

pub(super) fn collectors(members: &Map, section: &mut Section<'_>) {
    for (name, value) in members {
        match value {
            Value::Object(collector) if name != "?" => {
                if let Some(apply) = applied(&[name], collector, section) {
                    self::collector(name, apply, section);
                }
            }
            _ => section.note(&[name], "it only asks the client to report"),
        }
    }
}

fn collector(name: &str, apply: &Map, section: &mut Section<'_>) {
    let id = id(name);
    let running = apply.get("started") == Some(&Value::Bool(true));
    section.put(&["diagnostics", &id, "state"], if running { "running" } else { "stopped" });
    let circular = text(apply, "traceLogFileMode") == Some("circular");
    section.put(&["diagnostics", &id, "mode"], if circular { "circular" } else { "sequential" });
    match apply.get("logFileSizeLimitMB").and_then(Value::as_u64) {
        None | Some(0) => section
            .note(&[name, "applyProperties", "logFileSizeLimitMB"], "a log of no size cannot be; the usual one holds"),
        Some(size) => section.put(&["diagnostics", &id, "maxSizeMiB"], size),
    }
    let (providers, rest): (Vec<_>, Vec<_>) = apply.iter().partition(|(_, value)| is_provider(value));
    for (guid, provider) in providers {
        let provider = self::provider(&[name, "applyProperties", guid], provider, section);
        section.put(&["diagnostics", &id, "windows", "providers", guid], provider);
    }
    let empty = |(_, value): &(&String, &Value)| value.as_str() != Some("");
    let rest: Members<_, _> = rest.into_iter().filter(empty).map(|(key, value)| (key.clone(), value.clone())).collect();
    section.rest(&[name, "applyProperties"], &rest, &KNOWN, "the device names its files itself");
}

fn is_provider(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some("provider")
}

fn provider(way: &[&str], provider: &Value, section: &mut Section<'_>) -> Value {
    let member = |key: &str| provider.get(key).and_then(Value::as_str).unwrap_or_default();
    // The client takes a level that it does not know for the first.
    let level = LEVELS.into_iter().find(|level| *level == member("traceLevel")).unwrap_or("critical");
    let mut neutral = json!({ "level": level, "enabled": provider.get("enabled") == Some(&Value::Bool(true)) });
    let digits = member("keywords").trim_start_matches("0x");
    if u64::from_str_radix(digits, 16).is_ok() {
        neutral["keywords"] = json!(format!("0x{digits}"));
    } else if !digits.is_empty() {
        section.note(&[way, &["keywords"]].concat(), "it is no hexadecimal mask");
    }
    neutral
}
