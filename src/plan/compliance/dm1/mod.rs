//! The Windows IoT Azure DM client: a component, its read-out, and `lastChange` beside it (Windows reference 3.4, 3.7).

mod read_back;

use std::sync::Arc;

use serde_json::Value;

pub(super) use read_back::certificate;

use super::{Answer, Halves, below, own, text};
use crate::{component::convention::REFRESHING, plan::Verdict, twin::Map};

/// The answers to one component. The client tells how it fared as a whole, and what it read back where it does so.
pub(super) fn check(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
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
        Some(Value::String(word)) if word == REFRESHING => return whole(Verdict::InProgress, None),
        Some(Value::String(word)) if word == "no-report" => {
            return whole(Verdict::Unknown, Some("the device was told not to report this component".to_owned()));
        }
        _ => return whole(twin.waiting(), None),
    };
    let change = below(keys, "lastChange");
    if twin.is_outdated(keys, &change) {
        return whole(twin.waiting(), None);
    }
    let last = match said.get("lastChange") {
        // The client replaces this object as it does all others.
        Some(Value::String(word)) if word == REFRESHING => return whole(Verdict::InProgress, None),
        last => last.and_then(Value::as_object),
    };
    match last.and_then(|last| last.get("state")?.as_str()) {
        Some("completed") => read_back::answers(keys, wanted, said, since.as_ref()),
        Some("failed") => whole(Verdict::Failed, last.map(failure)),
        Some("pending") => whole(Verdict::InProgress, None),
        _ => whole(Verdict::Unknown, Some("the device reports the component without saying how it fared".to_owned())),
    }
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
        let told = check(&["windows".into(), "s".into()], &wanted, halves);
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
            (json!({"a": 1, "lastChange": "refreshing"}), Verdict::InProgress),
            (json!({"lastChange": {"state": "failed", "errCode": -5}}), Verdict::Failed),
        ] {
            assert_eq!(verdicts(json!({"a": 1}), reported, AFTER), [("windows.s".into(), word)]);
        }
    }
}
