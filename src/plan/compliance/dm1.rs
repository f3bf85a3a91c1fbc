//! The Windows IoT Azure DM client: a section, its read-out, and `lastChange` beside it.

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Halves, below, covers, own, text};
use crate::{plan::Verdict, twin::Map};

/// `keys` names `windows`: each of its sections answers for itself.
pub(super) fn check(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
    let Value::Object(sections) = wanted else { return super::echo::check(keys, wanted, twin) };
    let sections = sections.iter().filter(|(_, value)| !value.is_null());
    sections.flat_map(|(name, wanted)| section(&below(keys, name), wanted, twin)).collect()
}

fn section(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
    let since = own(twin.reported_since(keys).or_else(|| twin.desired_since(keys)));
    let whole = |verdict, message| {
        vec![Answer {
            keys: keys.to_vec(),
            verdict,
            reported: twin.reported(keys).cloned(),
            since: since.clone(),
            message,
        }]
    };
    let said = match twin.reported(keys) {
        Some(Value::Object(said)) => said,
        // The client writes this word over a section before it replaces it.
        Some(Value::String(word)) if word == "refreshing" => return whole(Verdict::InProgress, None),
        Some(Value::String(word)) if word == "no-report" => {
            return whole(Verdict::Unknown, Some("the device was told not to report this section".to_owned()));
        }
        _ => return whole(twin.waiting(), None),
    };
    let change = below(keys, "lastChange");
    if twin.is_outdated(keys, &change) {
        return whole(twin.waiting(), None);
    }
    let last = said.get("lastChange").and_then(Value::as_object);
    match last.and_then(|last| last.get("state")?.as_str()) {
        Some("completed") => fields(keys, wanted, said, since.as_ref()),
        Some("failed") => whole(Verdict::Failed, last.map(failure)),
        Some("pending") => whole(Verdict::InProgress, None),
        _ => whole(Verdict::Unknown, Some("the device reports the section without saying how it fared".to_owned())),
    }
}

/// The section is done: what it reads back has to be what was asked.
fn fields(keys: &[Arc<str>], wanted: &Value, said: &Map, since: Option<&String>) -> Vec<Answer> {
    let asked = match wanted.get("applyProperties") {
        Some(Value::Object(inner)) => inner,
        Some(_) => return Vec::new(),
        None => match wanted.as_object() {
            Some(members) => members,
            None => return Vec::new(),
        },
    };
    let answer = |keys, verdict, reported: Option<&Value>| Answer {
        keys,
        verdict,
        reported: reported.cloned(),
        since: since.cloned(),
        message: None,
    };
    let read_back = |(name, wanted): (&String, &Value)| match said.get(name) {
        Some(value) if covers(value, wanted) => answer(below(keys, name), Verdict::Compliant, Some(value)),
        Some(value) => answer(below(keys, name), Verdict::Drifted, Some(value)),
        None => answer(below(keys, name), Verdict::Unknown, None),
    };
    let asked: Vec<_> = asked.iter().filter(|(name, value)| !value.is_null() && is_read_back(name)).collect();
    if asked.is_empty() {
        return vec![answer(keys.to_vec(), Verdict::Compliant, None)];
    }
    asked.into_iter().map(read_back).collect()
}

/// Switches of the protocol itself have no read-out.
fn is_read_back(name: &str) -> bool {
    !matches!(name, "?" | "reportProperties" | "sourcePriority")
}

fn failure(last: &Map) -> String {
    let words = ["errSubSystem", "errCode", "errContext"].map(|key| text(last, key));
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::Properties;

    fn verdicts(wanted: Value, reported: Value, said_at: &str) -> Vec<(String, Verdict)> {
        let desired = Properties {
            metadata: json!({"windows": {"s": {"$lastUpdated": "2026-01-02T00:00:00Z"}}}),
            ..Properties::default()
        };
        let Value::Object(values) = json!({"windows": {"s": reported}}) else { panic!("an object") };
        let metadata = json!({"windows": {"s": {"lastChange": {"$lastUpdated": said_at}}}});
        let reported = Properties { values, metadata, version: 1 };
        let halves = Halves { desired: &desired, reported: &reported, connected: true };
        let told = check(&["windows".into()], &json!({"s": wanted}), halves);
        told.into_iter().map(|a| (a.keys.join("."), a.verdict)).collect()
    }

    const AFTER: &str = "2026-01-02T00:00:05Z";

    #[test]
    fn a_completed_section_is_compared_field_by_field() {
        let reported = json!({"a": 1, "b": 3, "lastChange": {"state": "completed"}});
        let told = verdicts(json!({"a": 1, "b": 2}), reported, AFTER);
        assert_eq!(told, [("windows.s.a".into(), Verdict::Compliant), ("windows.s.b".into(), Verdict::Drifted)]);
    }

    #[test]
    fn apply_properties_are_reported_flat() {
        let wanted = json!({"applyProperties": {"ring": "Preview"}, "reportProperties": "yes"});
        let reported = json!({"ring": "Preview", "lastChange": {"state": "completed"}});
        assert_eq!(verdicts(wanted, reported, AFTER), [("windows.s.ring".into(), Verdict::Compliant)]);
    }

    #[test]
    fn what_was_said_before_the_change_does_not_count() {
        let reported = json!({"a": 1, "lastChange": {"state": "completed"}});
        let told = verdicts(json!({"a": 2}), reported, "2026-01-01T00:00:00Z");
        assert_eq!(told, [("windows.s".into(), Verdict::Pending)]);
    }

    #[test]
    fn states_become_words() {
        for (reported, word) in [
            (json!("refreshing"), Verdict::InProgress),
            (json!("no-report"), Verdict::Unknown),
            (json!({"lastChange": {"state": "pending"}}), Verdict::InProgress),
            (json!({"lastChange": {"state": "failed", "errCode": -5}}), Verdict::Failed),
        ] {
            assert_eq!(verdicts(json!({"a": 1}), reported, AFTER), [("windows.s".into(), word)]);
        }
    }
}
