//! What a component of the DM client reads back, held against what was asked of it. Each has a shape of its own
//! (Windows reference 1.1 to 1.19), and some say `completed` whatever happened.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Answer, below, covers, own, text};
use crate::{plan::Verdict, twin::Map};

type Keys = Vec<Arc<str>>;
pub(in crate::plan::compliance) type Judged = (Verdict, Option<String>);

/// The answers to a component that says `completed`.
pub(super) fn answers(keys: &[Arc<str>], wanted: &Value, said: &Map, since: Option<&String>) -> Vec<Answer> {
    let answer = |keys: Keys, reported: Option<&Value>, (verdict, message): Judged| Answer {
        keys,
        verdict,
        reported: reported.cloned(),
        since: own(since.map(String::as_str)),
        message,
    };
    let asked = match (wanted.get("applyProperties"), wanted) {
        (Some(Value::Object(inner)), _) => inner,
        (None, Value::Object(members)) => members,
        _ => return Vec::new(),
    };
    let asked: Vec<_> = asked.iter().filter(|(name, value)| !value.is_null() && !is_switch(name)).collect();
    let silent = wanted.get("reportProperties").and_then(Value::as_str) == Some("no");
    let section = keys.last().map_or("", |name| &**name);
    if asked.is_empty() || section == "deviceHealthAttestation" {
        let judged = if asked.is_empty() { well() } else { attestation(said) };
        return vec![answer(keys.to_vec(), said.get("status"), judged)];
    }
    let mut answers = Vec::new();
    for (name, wanted) in asked {
        let (keys, read) = (below(keys, name), said.get(name));
        match section {
            "apps" => answers.push(answer(keys, read, app(wanted, read))),
            "wifi" => answers.push(answer(keys, read, network(wanted, read, silent))),
            "certificates" => {
                let entries = wanted.as_object().into_iter().flatten();
                let judged =
                    entries.map(|(print, entry)| answer(below(&keys, print), None, certificate(print, entry, read)));
                answers.extend(judged);
            }
            "eventTracingCollectors" => answers.push(answer(keys, read, collector(wanted, read))),
            "timeService" if name != "enabled" && said.get("enabled").and_then(Value::as_str) == Some("no") => {}
            _ => answers.push(answer(keys, read, value(section, name, wanted, read))),
        }
    }
    answers
}

/// Switches of the protocol itself have no read-out.
fn is_switch(name: &str) -> bool {
    matches!(name, "?" | "reportProperties" | "sourcePriority")
}

const fn well() -> Judged {
    (Verdict::Compliant, None)
}

const fn equal(same: bool) -> Judged {
    (if same { Verdict::Compliant } else { Verdict::Drifted }, None)
}

fn unknown(reason: &str) -> Judged {
    (Verdict::Unknown, Some(reason.to_owned()))
}

fn value(section: &str, name: &str, wanted: &Value, read: Option<&Value>) -> Judged {
    let Some(read) = read else { return (Verdict::Unknown, None) };
    match (section, read, wanted) {
        ("windowsUpdatePolicy", Value::Number(number), _) if number.as_i64() == Some(-1) => {
            unknown("the device cannot read this setting")
        }
        // `<error>`, `<ring setting is not supported>`: the client's words in the place of a value.
        (_, Value::String(word), _) if word.starts_with('<') && word.ends_with('>') => {
            if word.contains("not supported") {
                (Verdict::Rejected, Some(word.clone()))
            } else {
                (Verdict::Unknown, Some(word.clone()))
            }
        }
        ("windowsUpdates", Value::String(all), Value::String(one)) if name == "approved" => {
            equal(all.split('/').any(|approved| approved.eq_ignore_ascii_case(one)))
        }
        ("rebootInfo", Value::String(read), Value::String(wanted)) => equal(same_time(name, read, wanted)),
        _ => equal(covers(read, wanted)),
    }
}

/// The client reads times back in UTC. Of the daily one only the time of day counts.
fn same_time(name: &str, read: &str, wanted: &str) -> bool {
    let seconds = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    match (seconds(read), seconds(wanted)) {
        (Some(read), Some(wanted)) if name == "dailyRebootTime" => (read - wanted) % 86_400 == 0,
        (Some(read), Some(wanted)) => read == wanted,
        _ => read == wanted,
    }
}

/// A failure stands in the text alone.
fn attestation(said: &Map) -> Judged {
    match text(said, "status") {
        Some(words) if words.contains("failed") => (Verdict::Failed, Some(words)),
        _ => well(),
    }
}

/// A failure stands in the app's own report alone.
fn app(wanted: &Value, read: Option<&Value>) -> Judged {
    let Some(read) = read.and_then(Value::as_object) else { return (Verdict::Unknown, None) };
    if read.get("errorCode").and_then(Value::as_i64).is_some_and(|code| code != 0) {
        let words = ["errorCode", "errorMessage"].map(|key| text(read, key));
        return (Verdict::Failed, Some(words.into_iter().flatten().collect::<Vec<_>>().join(" ")));
    }
    let asked = |member: &str| wanted.get(member).filter(|value| value.as_str() != Some("?"));
    if read.get("version").and_then(Value::as_str) == Some("pending") {
        return (Verdict::InProgress, None);
    }
    equal(
        ["pkgFamilyName", "version", "startUp"]
            .into_iter()
            .all(|member| asked(member).is_none_or(|wanted| read.get(member).is_none_or(|read| covers(read, wanted)))),
    )
}

/// The client says `completed` even when nothing worked: only the list of networks shows what did.
fn network(wanted: &Value, read: Option<&Value>, silent: bool) -> Judged {
    if silent {
        return unknown("the device was told not to report its networks");
    }
    equal(read.is_some() != (wanted.as_str() == Some("uninstall")))
}

/// A store lists every certificate in it, by thumbprints in capital letters.
pub(in crate::plan::compliance) fn certificate(print: &str, wanted: &Value, store: Option<&Value>) -> Judged {
    let Some(Value::Object(store)) = store else { return (Verdict::Unknown, None) };
    if store.contains_key("<error>") {
        return unknown("the device cannot read this store");
    }
    let is_there = store.keys().any(|known| known.eq_ignore_ascii_case(print));
    equal(is_there == (wanted.get("state").and_then(Value::as_str) == Some("installed")))
}

/// A collector that is not to report is done with its component; one that is reports its settings flat.
fn collector(wanted: &Value, read: Option<&Value>) -> Judged {
    if wanted.get("reportProperties").and_then(Value::as_str) != Some("yes") {
        return well();
    }
    match (read, wanted.get("applyProperties").and_then(Value::as_object)) {
        (None, _) => (Verdict::Drifted, None),
        (Some(Value::Object(read)), Some(asked)) => {
            // The mode is always read back as `sequential`, and an empty name is filled in.
            let tells = |(name, wanted): &(&String, &Value)| {
                !matches!(name.as_str(), "traceLogFileMode") && wanted.as_str() != Some("")
            };
            equal(asked.iter().filter(tells).all(|(name, wanted)| setting(name, wanted, read)))
        }
        _ => well(),
    }
}

fn setting(name: &str, wanted: &Value, read: &Map) -> bool {
    let Some(read) = read.get(name) else { return false };
    match (wanted, read) {
        (Value::Object(provider), Value::Object(read)) => {
            let told = ["traceLevel", "enabled"].into_iter();
            told.filter_map(|member| provider.get(member).zip(read.get(member)))
                .all(|(wanted, read)| covers(read, wanted))
        }
        _ => covers(read, wanted),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn stands(section: &str, wanted: Value, said: Value, all: &[(&str, Verdict)]) {
        let Value::Object(said) = said else { panic!("an object") };
        let told = answers(&["windows".into(), section.into()], &wanted, &said, None);
        let told: Vec<_> = told.iter().map(|a| (a.keys[2..].join("."), a.verdict)).collect();
        assert_eq!(told, all.iter().map(|(path, verdict)| ((*path).to_owned(), *verdict)).collect::<Vec<_>>());
    }

    use Verdict::{Compliant, Drifted, Failed, InProgress, Rejected, Unknown};

    #[test]
    fn a_store_is_judged_by_the_thumbprints_in_it() {
        let wanted = json!({"s": {"ab": {"state": "installed"}, "cd": {"state": "uninstalled"}}});
        let there = [("s.ab", Compliant), ("s.cd", Compliant)];
        stands("certificates", wanted.clone(), json!({"s": {"AB": "", "EF": ""}}), &there);
        stands("certificates", wanted.clone(), json!({"s": {"CD": ""}}), &[("s.ab", Drifted), ("s.cd", Drifted)]);
        stands("certificates", wanted, json!({"s": {"<error>": ""}}), &[("s.ab", Unknown), ("s.cd", Unknown)]);
    }

    #[test]
    fn an_app_tells_its_own_failure() {
        let wanted = json!({"?": {"store": true}, "line": {"version": "1.4.0.0", "appxSource": "a\\b.appx"}});
        let version = |version: &str| json!({"line": {"version": version, "startUp": "none"}});
        stands("apps", wanted.clone(), version("1.4.0.0"), &[("line", Compliant)]);
        stands("apps", wanted.clone(), version("1.3.0.0"), &[("line", Drifted)]);
        stands("apps", wanted.clone(), version("pending"), &[("line", InProgress)]);
        let failed = json!({"line": {"version": "1.3.0.0", "errorCode": -1_610_612_604, "errorMessage": "unchanged"}});
        stands("apps", wanted.clone(), failed, &[("line", Failed)]);
        stands("apps", wanted, json!({}), &[("line", Unknown)]);
        stands("apps", json!({"line": {"version": "?"}}), version("9.9.9.9"), &[("line", Compliant)]);
    }

    #[test]
    fn a_network_is_there_or_not_and_silence_is_no_answer() {
        let wanted = |report: &str| json!({"applyProperties": {"a": {"profile": "x\\y"}, "b": "uninstall"}, "reportProperties": report});
        stands("wifi", wanted("yes"), json!({"a": ""}), &[("a", Compliant), ("b", Compliant)]);
        stands("wifi", wanted("yes"), json!({"b": ""}), &[("a", Drifted), ("b", Drifted)]);
        stands("wifi", wanted("no"), json!({}), &[("a", Unknown), ("b", Unknown)]);
    }

    #[test]
    fn a_collector_is_judged_by_what_the_client_reads_back_rightly() {
        let provider = |level: &str| json!({"traceLevel": level, "keywords": "0", "enabled": true, "type": "provider"});
        let line = |level: &str| json!({"traceLogFileMode": "circular", "logFileName": "", "started": true, "g": provider(level)});
        let wanted = json!({"line": {"applyProperties": line("warning"), "reportProperties": "yes"}});
        let read =
            |level: &str| json!({"line": {"traceLogFileMode": "sequential", "started": true, "g": provider(level)}});
        stands("eventTracingCollectors", wanted.clone(), read("warning"), &[("line", Compliant)]);
        stands("eventTracingCollectors", wanted.clone(), read("error"), &[("line", Drifted)]);
        stands("eventTracingCollectors", wanted.clone(), json!({"line": ""}), &[("line", Compliant)]);
        stands("eventTracingCollectors", wanted, json!({}), &[("line", Drifted)]);
    }

    #[test]
    fn words_in_the_place_of_values_are_no_values() {
        let policy = json!({"applyProperties": {"ring": "Preview", "activeHoursStart": 7, "activeHoursEnd": 20}, "reportProperties": "yes"});
        let read = json!({"ring": "<ring setting is not supported>", "activeHoursStart": -1, "activeHoursEnd": 20});
        let all = [("activeHoursEnd", Compliant), ("activeHoursStart", Unknown), ("ring", Rejected)];
        stands("windowsUpdatePolicy", policy, read, &all);
        stands("windowsUpdates", json!({"approved": "ab"}), json!({"approved": "<error>"}), &[("approved", Unknown)]);
    }

    #[test]
    fn lists_times_and_switched_off_services_have_their_own_forms() {
        stands("windowsUpdates", json!({"approved": "AB"}), json!({"approved": "cd/ab"}), &[("approved", Compliant)]);
        let read = json!({"singleRebootTime": "2026-01-01T01:00:00Z", "dailyRebootTime": "2024-05-05T02:30:00Z"});
        let wanted =
            json!({"singleRebootTime": "2026-01-01T02:00:00+01:00", "dailyRebootTime": "2024-01-01T02:30:00Z"});
        stands("rebootInfo", wanted, read, &[("dailyRebootTime", Compliant), ("singleRebootTime", Compliant)]);
        let off = json!({"enabled": "no", "startup": "n/a", "started": "n/a"});
        stands(
            "timeService",
            json!({"enabled": "no", "startup": "manual", "started": "no"}),
            off,
            &[("enabled", Compliant)],
        );
    }

    #[test]
    fn attestation_tells_a_failure_in_words_alone() {
        let told = |status: &str| {
            let said = Map::from_iter([("status".to_owned(), status.into())]);
            answers(&["windows".into(), "deviceHealthAttestation".into()], &json!({"Endpoint": ""}), &said, None)[0]
                .verdict
        };
        assert_eq!((told("Reported"), told("VerifyHealth failed: no TPM")), (Compliant, Failed));
    }
}
