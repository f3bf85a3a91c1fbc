//! The Azure Device Agent: a group, its read-out, and `__meta` and `__errors` beside it (Windows reference 3.7).

use std::sync::Arc;

use serde_json::Value;

use super::{Answer, Halves, covers, dm1::certificate, own, text};
use crate::{
    component::{convention::REFRESHING, device_agent::META},
    plan::Verdict,
    twin::Map,
};

/// The answers to one group: how its deployment fared, and where a value was read back otherwise.
pub(super) fn check(keys: &[Arc<str>], wanted: &Value, twin: Halves<'_>) -> Vec<Answer> {
    let since = own(twin.reported_since(keys).or_else(|| twin.desired_since(keys)));
    let answer = |keys: &[Arc<str>], verdict, reported: Option<&Value>, message| Answer {
        keys: keys.to_vec(),
        verdict,
        reported: reported.cloned(),
        since: since.clone(),
        message,
    };
    let whole = |verdict, message| vec![answer(keys, verdict, twin.reported(keys), message)];
    let said = match twin.reported(keys) {
        Some(Value::Object(said)) => said,
        Some(Value::String(word)) if word == REFRESHING => return whole(Verdict::InProgress, None),
        _ => return whole(twin.waiting(), None),
    };
    let meta = |group: &Value, member: &str| Some(group.get(META)?.get(member)?.as_str()?.to_owned());
    let group = Value::Object(said.clone());
    if meta(&group, "deploymentId") != meta(wanted, "deploymentId") {
        return whole(twin.waiting(), None);
    }
    match meta(&group, "deploymentStatus").as_deref() {
        Some("succeeded") => {}
        Some("failed") => return whole(Verdict::Failed, failures(said)),
        Some("pending") => return whole(Verdict::InProgress, None),
        Some("notStarted") => return whole(twin.waiting(), None),
        _ => {
            return whole(
                Verdict::Unknown,
                Some("the device reports the group without saying how it fared".to_owned()),
            );
        }
    }
    let drifted: Vec<_> = otherwise(wanted, said)
        .into_iter()
        .map(|way| {
            let keys: Vec<_> = keys.iter().cloned().chain(way.iter().map(|step| Arc::from(*step))).collect();
            answer(&keys, Verdict::Drifted, twin.reported(&keys), None)
        })
        .collect();
    if drifted.is_empty() { whole(Verdict::Compliant, None) } else { drifted }
}

/// The ways to values that the group reads back, and reads back otherwise. What it does not report it has answered for.
fn otherwise<'w>(wanted: &'w Value, said: &Map) -> Vec<Vec<&'w str>> {
    let mut ways = Vec::new();
    let members = wanted.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with("__"));
    for (name, wanted) in members {
        match (wanted, said.get(name)) {
            (Value::Object(store), read @ Some(Value::Object(_))) if is_store(name) => {
                let gone = store.iter().filter(|(print, entry)| certificate(print, entry, read).0 == Verdict::Drifted);
                ways.extend(gone.map(|(print, _)| vec![name.as_str(), print.as_str()]));
            }
            (Value::Bool(_) | Value::Number(_) | Value::String(_), Some(read)) if !covers(read, wanted) => {
                ways.push(vec![name.as_str()]);
            }
            _ => {}
        }
    }
    ways
}

fn is_store(name: &str) -> bool {
    name.starts_with("certificateStore_") || name.starts_with("rootCATrustedCertificates_")
}

/// `time zone: no such zone (183); …` from the errors of the group's parts.
fn failures(said: &Map) -> Option<String> {
    let errors = said.get("__errors")?.as_object()?;
    let told = errors.iter().map(|(part, error)| {
        let words = error.as_object().map(|error| ["message", "context", "code"].map(|key| text(error, key)));
        let words: Vec<_> = words.into_iter().flatten().flatten().filter(|word| !word.is_empty()).collect();
        format!("{part}: {}", words.join(", "))
    });
    Some(told.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::Properties;

    fn told(wanted: Value, reported: Value) -> Vec<(String, Verdict, Option<String>)> {
        let mut wanted = wanted;
        wanted[META] = json!({"deploymentId": "d2"});
        let Value::Object(values) = json!({"g": reported}) else { panic!("an object") };
        let (desired, reported) = (Properties::default(), Properties { values, ..Properties::default() });
        let halves = Halves { desired: &desired, reported: &reported, connected: true };
        let all = check(&["g".into()], &wanted, halves);
        all.into_iter().map(|a| (a.keys.join("."), a.verdict, a.message)).collect()
    }

    fn group(id: &str, status: &str, more: Value) -> Value {
        let mut group = more;
        group[META] = json!({"deploymentId": id, "deploymentStatus": status});
        group
    }

    #[test]
    fn only_our_own_deployment_counts() {
        let wanted = json!({"level": "basic"});
        assert_eq!(told(wanted.clone(), group("d1", "succeeded", json!({})))[0].1, Verdict::Pending);
        assert_eq!(told(wanted.clone(), group("d2", "succeeded", json!({})))[0].1, Verdict::Compliant);
        assert_eq!(told(wanted, json!({"level": "basic"}))[0].1, Verdict::Pending);
    }

    #[test]
    fn states_become_words() {
        for (status, verdict) in [
            ("notStarted", Verdict::Pending),
            ("pending", Verdict::InProgress),
            ("failed", Verdict::Failed),
            ("unheardOf", Verdict::Unknown),
        ] {
            assert_eq!(told(json!({"a": 1}), group("d2", status, json!({})))[0].1, verdict, "{status}");
        }
        assert_eq!(told(json!({"a": 1}), json!("refreshing"))[0].1, Verdict::InProgress);
    }

    #[test]
    fn a_failure_tells_what_the_device_says_of_it() {
        let errors = json!({"__errors": {"ntp": {"message": "Version not found", "code": 183, "context": ""}}});
        let said = &told(json!({"a": 1}), group("d2", "failed", errors))[0];
        assert_eq!(said.2.as_deref(), Some("ntp: Version not found, 183"));
    }

    #[test]
    fn what_is_read_back_otherwise_has_drifted() {
        let store = json!({"certificateStore_CA_System": {"ab": {"state": "installed"}}, "level": "basic"});
        let read = |print: &str, level: &str| {
            group("d2", "succeeded", json!({"certificateStore_CA_System": {print: ""}, "level": level}))
        };
        assert_eq!(told(store.clone(), read("AB", "basic"))[0].1, Verdict::Compliant);
        let drifted: Vec<_> =
            told(store, read("CD", "full")).into_iter().map(|(path, verdict, _)| (path, verdict)).collect();
        let both = ["g.certificateStore_CA_System.ab", "g.level"].map(|path| (path.to_owned(), Verdict::Drifted));
        assert_eq!(drifted, both);
    }
}
