//! `__meta`: what a group says of itself (Windows reference 3.7).

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The member of a group, and of a collector, that speaks of the group itself.
pub const META: &str = "__meta";

/// The version of the groups' interface that these schemas describe; its first number has to be the device's own.
const INTERFACE: &str = "1.0.0";

/// The group whose members have a `__meta` of their own.
const COLLECTORS: &str = "eventTracingCollectors";

/// Fills `__meta` in. The deployment is named by a digest of the group's own values: it changes with them and with
/// nothing else, so that a commit which does not touch the group costs the device no write.
pub fn fill_in(path: &str, group: &mut Map<String, Value>) {
    if path == COLLECTORS {
        for collector in group.values_mut().filter_map(Value::as_object_mut) {
            collector.insert(META.to_owned(), json!({ "reportingMode": "detailed" }));
        }
    }
    let meta = json!({
        "deploymentId": deployment(group),
        "reportingMode": "detailed",
        "serviceInterfaceVersion": INTERFACE,
    });
    group.insert(META.to_owned(), meta);
}

/// Sixteen hexadecimal digits: enough to tell the deployments of one group apart.
fn deployment(group: &Map<String, Value>) -> String {
    // A map of JSON values always has a text, and its members are sorted.
    let digest = Sha256::digest(serde_json::to_vec(group).unwrap_or_default());
    let number = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}

/// Lets the schema of a group say why `__meta` cannot be declared.
pub fn forbid(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    let refused = json!({
        "not": {},
        "description": "Written by twinops.",
        "x-twinops-reason": "twinops writes `__meta` itself: a deployment id that follows the group's values, and the \
                             version of the agent's interface; take it out",
    });
    if let Some(members) = members.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
        members.insert(META.to_owned(), refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(path: &str, group: Value) -> Value {
        let Value::Object(mut group) = group else { panic!("an object") };
        fill_in(path, &mut group);
        Value::Object(group)
    }

    #[test]
    fn the_deployment_changes_with_the_values_and_with_nothing_else() {
        let id = |level: &str| filled("windowsTelemetry", json!({ "level": level }))[META]["deploymentId"].clone();
        assert_eq!(id("basic"), id("basic"));
        assert_ne!(id("basic"), id("full"));
        assert_eq!(id("full").as_str().unwrap().len(), 16);
    }

    #[test]
    fn a_collector_has_a_say_on_its_own_report() {
        let group = filled(COLLECTORS, json!({ "line": { "started": true } }));
        assert_eq!(group["line"][META], json!({ "reportingMode": "detailed" }));
        assert_eq!(group[META]["serviceInterfaceVersion"], json!("1.0.0"));
    }
}
