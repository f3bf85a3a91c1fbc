//! Components that devices read whole.

use super::*;

fn one(desired: Value) -> Fleet {
    fleet(vec![profile("base", None, 0, desired)])
}

fn telemetry(level: &str) -> Value {
    json!({ "windowsTelemetry": { "level": level } })
}

/// All eight stores, the first with these certificates to remove.
fn certificates(prints: &[&str]) -> Value {
    let gone = prints.iter().map(|print| (print.repeat(20), json!({ "state": "uninstalled" }))).collect::<Map>();
    let mut all = json!({ "rootCATrustedCertificates_Root": gone });
    for store in [
        "rootCATrustedCertificates_CA",
        "rootCATrustedCertificates_TrustedPublisher",
        "rootCATrustedCertificates_TrustedPeople",
        "certificateStore_CA_System",
        "certificateStore_Root_System",
        "certificateStore_My_User",
        "certificateStore_My_System",
    ] {
        all[store] = json!({});
    }
    json!({ "certificates": all })
}

fn service(started: &str) -> Value {
    json!({ "windows": { "timeService": { "enabled": "yes", "startup": "auto", "started": started } } })
}

/// The bodies of both writes, and the twin as they leave it.
fn written(planner: &Planner, twin: &mut Twin) -> (Option<Value>, Value) {
    let change = look(planner, twin).change.unwrap();
    let before = change.before().map(|text| serde_json::from_str::<Value>(text).unwrap());
    if let Some(before) = &before {
        merge(&mut twin.properties.desired.values, before["properties"]["desired"].as_object().unwrap());
    }
    let patch = apply_patch(change.patch(), twin);
    assert!(look(planner, twin).change.is_none(), "after applying a plan the next is empty");
    (before, patch["properties"]["desired"].clone())
}

fn between(before: Value, after: Value) -> Planner {
    planner("r2", vec![("r1", one(before)), ("r2", one(after))])
}

fn brought_to(desired: Value) -> Twin {
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", one(desired))]), &mut d1);
    d1
}

#[test]
fn a_write_carries_the_whole_component_and_tells_what_really_changes() {
    let mut d1 = brought_to(service("yes"));
    let planner = between(service("yes"), service("no"));
    let change = look(&planner, &d1).change.unwrap();
    let paths: Vec<_> = change.paths().map(|path| path.to_string()).collect();
    assert_eq!(paths, ["properties.desired.windows.timeService.started"]);
    assert_eq!(written(&planner, &mut d1), (None, service("no")));
}

#[test]
fn a_component_of_the_same_client_that_does_not_change_is_left_out() {
    let with = |level: &str| {
        let mut all = service("yes");
        all["windows"]["windowsTelemetry"] = telemetry(level)["windowsTelemetry"].clone();
        all
    };
    let mut d1 = brought_to(with("basic"));
    let (before, patch) = written(&between(with("basic"), with("full")), &mut d1);
    assert_eq!((before, patch), (None, json!({ "windows": telemetry("full") })));
}

#[test]
fn what_is_taken_out_is_never_seen_as_null() {
    let all = |prints: &[&str]| json!({ "windows": certificates(prints) });
    let mut d1 = brought_to(all(&["ab", "cd"]));
    let (before, patch) = written(&between(all(&["ab", "cd"]), all(&["cd"])), &mut d1);
    let refreshing = json!({ "properties": { "desired": { "windows": { "certificates": "refreshing" } } } });
    assert_eq!((before, patch), (Some(refreshing), all(&["cd"])));
    assert_eq!(Value::Object(d1.properties.desired.values), all(&["cd"]));
}

#[test]
fn a_foreign_value_is_written_again_with_the_component_that_it_stands_in() {
    let mut d1 = brought_to(service("yes"));
    d1.properties.desired.values["windows"]["timeService"]["sourcePriority"] = json!("local");
    let mut expected = service("no");
    expected["windows"]["timeService"]["sourcePriority"] = json!("local");
    assert_eq!(written(&between(service("yes"), service("no")), &mut d1), (None, expected));
}

#[test]
fn a_component_that_is_no_longer_declared_goes_as_a_whole() {
    let mut both = service("yes");
    both["windows"]["windowsTelemetry"] = json!({ "level": "basic" });
    let mut d1 = brought_to(both.clone());
    let (before, patch) = written(&between(both, json!({ "windows": telemetry("basic") })), &mut d1);
    assert_eq!((before, patch), (None, json!({ "windows": { "timeService": null } })));
}

#[test]
fn what_an_interrupted_write_left_is_finished_and_is_nobodys_edit() {
    let mut d1 = brought_to(service("yes"));
    d1.properties.desired.values["windows"]["timeService"] = json!("refreshing");
    let planner = planner("r1", vec![("r1", one(service("yes")))]);
    let text = serde_json::to_string(&d1).unwrap();
    let verdict = planner.verdict(&TwinRow::parse(&text).unwrap()).unwrap().unwrap();
    assert_eq!(verdict.verdict, Verdict::Pending);
    assert_eq!(written(&planner, &mut d1), (None, service("yes")));
}

#[test]
fn what_an_interrupted_write_left_goes_when_nobody_wants_it_any_more() {
    let mut d1 = brought_to(service("yes"));
    d1.properties.desired.values["windows"]["timeService"] = json!("refreshing");
    let (before, patch) = written(&between(service("yes"), json!({ "windows": telemetry("basic") })), &mut d1);
    let mut expected = json!({ "windows": telemetry("basic") });
    expected["windows"]["timeService"] = Value::Null;
    assert_eq!((before, patch), (None, expected));
}

#[test]
fn devices_that_lose_different_things_are_told_apart() {
    let all = |prints: &[&str]| json!({ "windows": certificates(prints) });
    let planner = Arc::new(planner("r2", vec![("r1", one(all(&["ab", "cd"]))), ("r2", one(all(&["cd"])))]));
    let mut collector = Collector::new(planner);
    let mut whole = brought_to(all(&["ab", "cd"]));
    for (id, lost) in [("d1", None), ("d2", Some("cd"))] {
        whole.device_id = id.parse().unwrap();
        let root = &mut whole.properties.desired.values["windows"]["certificates"]["rootCATrustedCertificates_Root"];
        lost.map(|print: &str| root.as_object_mut().unwrap().remove(&print.repeat(20)));
        collector.take(&TwinRow::parse(&serde_json::to_string(&whole).unwrap()).unwrap()).unwrap();
    }
    let plan = collector.finish().unwrap();
    assert_eq!(plan.groups.len(), 2);
    assert!(plan.groups.iter().all(|group| group.before.is_some()));
}
