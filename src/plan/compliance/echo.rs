//! Anything else: the reported value at the same path is the desired one.

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Halves, covers, own};
use crate::{plan::Verdict, twin::leaves};

/// One answer for each leaf.
pub(super) fn check(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
    match wanted {
        Value::Object(members) if !members.is_empty() => leaves(members)
            .into_iter()
            .filter(|leaf| !leaf.value.is_null())
            .map(|leaf| property(keys.iter().cloned().chain(leaf.keys).collect(), leaf.value, twin))
            .collect(),
        leaf => vec![property(keys.to_vec(), leaf, twin)],
    }
}

fn property(keys: Vec<Arc<str>>, wanted: &Value, twin: Halves<'_>) -> Answer {
    let said = twin.reported(&keys);
    let verdict = match said {
        Some(value) if covers(value, wanted) => Verdict::Compliant,
        Some(_) if twin.is_outdated(&keys, &keys) => twin.waiting(),
        Some(_) => Verdict::Drifted,
        None if !twin.connected => Verdict::Unreachable,
        // It has spoken since, but not of this: it may never do.
        None if !twin.is_outdated(&keys, &[]) && !twin.reported.values.is_empty() => Verdict::Unknown,
        None => Verdict::Pending,
    };
    let since = own(twin.reported_since(&keys).filter(|_| said.is_some()).or_else(|| twin.desired_since(&keys)));
    Answer { verdict, reported: said.cloned(), since, message: None, keys }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::Properties;

    fn half(values: Value, at: &str) -> Properties {
        let Value::Object(values) = values else { panic!("an object") };
        Properties { values, metadata: json!({"$lastUpdated": at}), version: 1 }
    }

    fn verdict(reported: Value, at: &str) -> Verdict {
        let desired = half(json!({"sign": {"text": "hi"}}), "2026-01-02T00:00:00Z");
        let reported = half(reported, at);
        let halves = Halves { desired: &desired, reported: &reported, connected: true };
        check(&["sign".into()], &json!({"text": "hi"}), halves)[0].verdict
    }

    #[test]
    fn an_echo_is_compliant_and_another_value_drifted_unless_it_is_older() {
        assert_eq!(verdict(json!({"sign": {"text": "hi"}}), "2026-01-02T00:00:01Z"), Verdict::Compliant);
        assert_eq!(verdict(json!({"sign": {"text": "ho"}}), "2026-01-02T00:00:01Z"), Verdict::Drifted);
        assert_eq!(verdict(json!({"sign": {"text": "ho"}}), "2026-01-01T00:00:00Z"), Verdict::Pending);
    }

    #[test]
    fn silence_is_pending_until_the_device_has_spoken_of_other_things() {
        assert_eq!(verdict(json!({}), "2026-01-02T00:00:01Z"), Verdict::Pending);
        assert_eq!(verdict(json!({"other": 1}), "2026-01-01T00:00:00Z"), Verdict::Pending);
        assert_eq!(verdict(json!({"other": 1}), "2026-01-02T00:00:01Z"), Verdict::Unknown);
    }
}
