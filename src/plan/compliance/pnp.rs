//! IoT Plug and Play: writable properties answered as `{value, ac, av, ad}` (protocol reference 15.1).

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Halves, below, covers, own, text};
use crate::{plan::Verdict, twin::Map};

/// One answer for each writable property: a member of the component. A component that is no object is one itself.
pub(super) fn check(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
    let Value::Object(members) = wanted else { return vec![property(keys.to_vec(), wanted, twin)] };
    let writable = members.iter().filter(|(name, value)| !name.starts_with("__") && !value.is_null());
    writable.map(|(name, value)| property(below(keys, name), value, twin)).collect()
}

fn property(keys: Vec<Arc<str>>, wanted: &Value, twin: Halves<'_>) -> Answer {
    let since = own(twin.reported_since(&keys).or_else(|| twin.desired_since(&keys)));
    let said = twin.reported(&keys);
    let ack = said.and_then(Value::as_object).and_then(|ack| Some((ack, ack.get("ac")?.as_i64()?)));
    let (verdict, reported, message) = match (ack, said) {
        (Some((ack, code)), _) => {
            let value = ack.get("value").cloned();
            (judge(&keys, ack, code, wanted, twin), value, text(ack, "ad"))
        }
        (None, Some(bare)) if covers(bare, wanted) => (Verdict::Compliant, Some(bare.clone()), None),
        (None, bare) => (twin.waiting(), bare.cloned(), None),
    };
    Answer { keys, verdict, reported, since, message }
}

fn judge(keys: &[Arc<str>], ack: &Map, code: i64, wanted: &Value, twin: Halves<'_>) -> Verdict {
    let answered = ack.get("av").and_then(Value::as_u64).unwrap_or(0);
    if code == 203 || answered < asked(keys, twin) {
        return twin.waiting();
    }
    match code {
        202 => Verdict::InProgress,
        200..=299 if ack.get("value").is_some_and(|value| covers(value, wanted)) => Verdict::Compliant,
        200..=299 => Verdict::Drifted,
        // 424: something that it depends on failed; 501: the device has no means for it.
        424 => Verdict::Failed,
        400..=499 | 501 => Verdict::Rejected,
        _ => Verdict::Failed,
    }
}

/// The version of the desired properties in which this property was last written: another key may have moved the
/// section's version since.
fn asked(keys: &[Arc<str>], twin: Halves<'_>) -> u64 {
    let node = twin.desired.metadata_at(keys);
    node.and_then(|node| node.get("$lastUpdatedVersion")?.as_u64()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::Properties;

    fn verdict(reported: Value, connected: bool) -> Verdict {
        let desired = Properties {
            metadata: json!({"time": {"timeZone": {"$lastUpdated": "2026-01-02T00:00:00Z", "$lastUpdatedVersion": 4}}}),
            version: 9,
            ..Properties::default()
        };
        let Value::Object(values) = json!({"time": {"__t": "c", "timeZone": reported}}) else { panic!("an object") };
        let reported = Properties { values, ..Properties::default() };
        let halves = Halves { desired: &desired, reported: &reported, connected };
        let wanted = json!({"__t": "c", "timeZone": "Europe/Oslo"});
        let answers = check(&["time".into()], &wanted, halves);
        assert_eq!(answers.len(), 1, "the marker is no property");
        answers[0].verdict
    }

    #[test]
    fn an_ack_of_200_with_the_value_is_compliant_and_with_another_drifted() {
        assert_eq!(verdict(json!({"value": "Europe/Oslo", "ac": 200, "av": 4}), true), Verdict::Compliant);
        assert_eq!(verdict(json!({"value": "UTC", "ac": 200, "av": 7}), true), Verdict::Drifted);
    }

    #[test]
    fn an_ack_older_than_the_property_is_pending_and_not_drifted() {
        assert_eq!(verdict(json!({"value": "UTC", "ac": 200, "av": 3}), true), Verdict::Pending);
        assert_eq!(verdict(json!({"value": "UTC", "ac": 200, "av": 3}), false), Verdict::Unreachable);
    }

    #[test]
    fn codes_become_words() {
        for (code, word) in [
            (202, Verdict::InProgress),
            (203, Verdict::Pending),
            (400, Verdict::Rejected),
            (403, Verdict::Rejected),
            (424, Verdict::Failed),
            (500, Verdict::Failed),
            (501, Verdict::Rejected),
        ] {
            assert_eq!(verdict(json!({"value": "Europe/Oslo", "ac": code, "av": 4}), true), word, "{code}");
        }
    }

    #[test]
    fn a_bare_equal_value_is_compliant() {
        assert_eq!(verdict(json!("Europe/Oslo"), true), Verdict::Compliant);
        assert_eq!(verdict(json!("UTC"), true), Verdict::Pending);
    }
}
