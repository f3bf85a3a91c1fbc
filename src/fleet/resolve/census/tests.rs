//! Fleets in memory, and what live twins tell of them.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::{
    component::Registry,
    fleet::{DocumentRef, Fleet, IgnoreSpec, Profile, resolve::Secrets},
    query::Condition,
};

const SCHEMA: &str = r#"{"type": "object", "x-twinops-status": "pnp", "x-twinops-models": ["dtmi:contoso:pump;2"],
    "properties": {"boost": {"x-twinops-since": "1.2.0"}}}"#;

fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn fleet(profiles: &[(&str, &str, Value)]) -> Fleet {
    let document = |name: &str| DocumentRef { file: format!("{name}.yaml").into(), document: 0 };
    let profile = |(name, selector, desired): &(&str, &str, Value)| {
        let condition = (!selector.is_empty()).then(|| Condition::parse(selector).unwrap());
        let (document, desired) = (document(name), map(desired.clone()));
        Arc::new(Profile { name: (*name).into(), document, condition, priority: 0, desired })
    };
    let profiles = profiles.iter().map(profile).collect();
    Fleet { name: "test".into(), document: Some(document("fleet")), profiles, ..Fleet::default() }
}

/// What is found with these twins: once by one thread, once by a thread for each twin.
fn told(fleet: Fleet, twins: &[Value]) -> Vec<String> {
    static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
        let own = [("components/pump.schema.json", SCHEMA)];
        Arc::new(Registry::builtin().with_fleet_components(&own).unwrap())
    });
    let resolver = Arc::new(Resolver::new(Arc::new(fleet), REGISTRY.clone(), Secrets::none()));
    let (mut one, mut many) = (Census::new(resolver.clone()), Census::new(resolver.clone()));
    for twin in twins {
        let text = twin.to_string();
        let row = TwinRow::parse(&text).unwrap();
        one.take(&row).unwrap();
        let mut part = Census::new(resolver.clone());
        part.take(&row).unwrap();
        many.merge(part);
    }
    let findings = one.finish();
    assert_eq!(findings, many.finish(), "the order and the threads do not matter");
    let label = |finding: &Finding| finding.label.as_ref().map(|label| format!(" [{label}]")).unwrap_or_default();
    findings.iter().map(|finding| format!("{}: {}{}", finding.rule, finding.message, label(finding))).collect()
}

fn twin(id: &str, tags: Value, reported: Value) -> Value {
    json!({"deviceId": id, "tags": tags, "properties": {"desired": {}, "reported": reported}})
}

fn agent(pump: &str) -> Value {
    json!({"twinops": {"agentVersion": "0.4.0", "capabilities": {"pump": {"version": pump}}}})
}

#[test]
fn a_profile_that_selects_no_device_is_told_for_certain() {
    let fleet = fleet(&[
        ("oslo", "tags.site = 'oslo'", json!({"x": 1})),
        ("old", "properties.reported.os = 'old'", json!({"y": 1})),
        ("lost", "tags.site = 'olso'", json!({"z": 1})),
    ]);
    let twins = [twin("a", json!({"site": "oslo"}), json!({"os": "old"})), twin("b", json!({}), json!({}))];
    assert_eq!(told(fleet, &twins), ["selects-nothing: the profile `lost` selects none of the 2 devices"]);
}

#[test]
fn devices_that_lack_a_member_are_counted_and_named() {
    let fleet = fleet(&[("p", "", json!({"pump": {"boost": true, "mode": "slow"}}))]);
    let twins: Vec<_> = [("e", "1.2.0"), ("d", "1.0.0"), ("c", "1.1.9"), ("b", "1.1.9"), ("a", "1.1.9")]
        .map(|(id, version)| twin(id, json!({}), agent(version)))
        .into();
    let expected = "capability-mismatch: 4 of 5 devices cannot understand `pump.boost`: their agent is older than version \
                    1.2.0 of `pump` (it has `1.0.0`, `1.1.9`) [a, b, c, +1]";
    assert_eq!(told(fleet, &twins), [expected]);
}

#[test]
fn what_an_agent_does_not_list_what_a_model_lacks_and_what_was_refused_are_told() {
    let fleet = fleet(&[("p", "", json!({"pump": {"mode": "slow"}}))]);
    let bare = json!({"twinops": {"agentVersion": "0.1.0", "capabilities": {}}});
    let refused = json!({"pump": {"mode": {"value": null, "ac": 501, "av": 1}}});
    let mut wrong = twin("c", json!({}), json!({}));
    wrong["modelId"] = "dtmi:contoso:pump;1".into();
    let mut right = twin("d", json!({}), json!({"twinops": "of somebody else"}));
    right["modelId"] = "dtmi:contoso:pump;3".into();
    let found = told(fleet, &[twin("a", json!({}), bare), twin("b", json!({}), refused), wrong, right]);
    let because = [
        "`pump`: their agent (version `0.1.0`) does not list `pump` [a]",
        "`pump`: they announce a model without `pump` (`dtmi:contoso:pump;1`) [c]",
        "`pump.mode`: they answered that it is not supported (501) [b]",
    ];
    let expected = because.map(|words| format!("capability-mismatch: 1 of 4 devices cannot understand {words}"));
    assert_eq!(found, expected);
}

#[test]
fn what_others_wrote_counts_for_the_room_that_is_left() {
    let fleet = fleet(&[("p", "", json!({"x": "y"}))]);
    let mut full = twin("a", json!({}), json!({}));
    let texts = ["k", "l", "m", "n", "o", "p", "q"].map(|key| (key.to_owned(), Value::from("x".repeat(4000))));
    full["properties"]["desired"] = texts.into_iter().collect();
    let size = 7 * 4001 + 2 + 59;
    let expected =
        format!("hub-limit-near: `properties.desired` of `a` takes {size} of 32768 bytes: {} are left", 32768 - size);
    assert_eq!(told(fleet, &[full, twin("b", json!({}), json!({}))]), [expected]);
}

#[test]
fn an_ignore_that_nothing_answers_to_is_told() {
    let mut fleet = fleet(&[("p", "", json!({"time": {"timeZone": "UTC"}}))]);
    let ignore = |path: &str| {
        let [path, owner, reason, until] = [path, "me", "x", "9999-12-31"].map(str::to_owned);
        IgnoreSpec { path, owner, reason, until }
    };
    let paths = ["properties.desired.bridge.port", "tags.bridge", "properties.desired.time", "tags.gone"];
    fleet.spec.ignore = paths.map(ignore).into();
    let mut live = twin("a", json!({"bridge": 1}), json!({}));
    live["properties"]["desired"] = json!({"bridge": {"port": 7}});
    assert_eq!(told(fleet, &[live]), ["unused-ignore: no document declares `tags.gone`, and none of 1 devices has it"]);
}

#[test]
fn a_device_that_cannot_be_resolved_is_told() {
    let fleet = fleet(&[("p", "", json!({"x": "${tags.zone}"}))]);
    let found = told(fleet, &[twin("a", json!({}), json!({})), twin("b", json!({"zone": "z"}), json!({}))]);
    assert_eq!(found, ["missing-tag: the device has no tag `zone`"]);
}
