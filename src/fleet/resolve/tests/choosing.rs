//! Which documents apply, classes, and where values come from.

use super::*;
use crate::fleet::Place;

fn kiosks() -> Bench {
    Bench::new()
        .profile("base", 0, "", json!({"a": 1, "b": {"c": 1}}))
        .profile("kiosk", 10, "tags.role = 'kiosk'", json!({"a": 2}))
        .device("k1", json!({"role": "kiosk"}), json!({"b": {"d": 3}}))
}

fn sources(wanted: &Wanted) -> Vec<&str> {
    wanted.sources.iter().map(|source| &**source).collect()
}

#[test]
fn a_device_that_nothing_applies_to_wants_nothing() {
    let bench = Bench::new().profile("kiosk", 0, "tags.role = 'kiosk'", json!({"a": 1}));
    assert_eq!(bench.wanted("x", json!({"role": "gateway"})).unwrap(), None);
}

#[test]
fn declared_tags_select_before_the_hub_knows_them() {
    let wanted = kiosks().wanted("k1", nothing()).unwrap().unwrap();
    assert_eq!(sources(&wanted), ["Profile/base", "Profile/kiosk", "Device/k1"]);
    assert_eq!(Value::Object(wanted.desired.clone()), json!({"a": 2, "b": {"c": 1, "d": 3}}));
}

#[test]
fn a_declared_null_hides_a_live_tag() {
    let bench = kiosks().device("k2", json!({"role": null}), nothing());
    assert_eq!(sources(&bench.wanted("k2", json!({"role": "kiosk"})).unwrap().unwrap()), ["Profile/base", "Device/k2"]);
}

#[test]
fn conditions_see_the_id_the_model_and_reported_properties() {
    let bench = Bench::new()
        .profile("one", 0, "deviceId = 'd1'", json!({"one": 1}))
        .profile("model", 0, "modelId = 'dtmi:x;1'", json!({"model": 1}))
        .profile("reported", 0, "properties.reported.os.name = 'linux'", json!({"reported": 1}));
    let resolver = bench.resolver();
    assert!(resolver.needs_reported() && !resolver.tags_decide());
    let (id, tags, reported) = (id("d1"), Map::new(), map(json!({"os": {"name": "linux"}})));
    let facts = Facts { id: &id, tags: &tags, reported: Some(&reported), model_id: Some("dtmi:x;1") };
    let wanted = resolver.wanted(&facts).unwrap().unwrap();
    assert_eq!(Value::Object(wanted.desired.clone()), json!({"one": 1, "model": 1, "reported": 1}));
}

#[test]
fn tags_alone_decide_unless_something_else_is_asked_for() {
    assert!(kiosks().resolver().tags_decide());
    assert!(!kiosks().profile("own", 1, "", json!({"x": "${device.id}"})).resolver().tags_decide());
    assert!(!kiosks().profile("one", 1, "deviceId = 'x'", nothing()).resolver().tags_decide());
}

#[test]
fn devices_of_a_class_share_what_they_want() {
    let resolver = kiosks().profile("site", 5, "", json!({"site": "${tags.site}"})).resolver();
    let ask = |name: &str, site: &str| wanted(&resolver, name, json!({"site": site})).unwrap().unwrap();
    assert!(Arc::ptr_eq(&ask("a", "oslo"), &ask("b", "oslo")));
    assert_ne!(ask("a", "oslo"), ask("a", "berlin"));
}

#[test]
fn a_marker_of_old_names_the_documents_whatever_selects_today() {
    let resolver = kiosks().resolver();
    let (id, tags) = (id("x"), Map::new());
    let facts = Facts { id: &id, tags: &tags, reported: None, model_id: None };
    let base = resolver.from_sources(&facts, &["Profile/kiosk", "Profile/gone", "Device/k1"]).unwrap().unwrap();
    assert_eq!(sources(&base), ["Profile/kiosk"]);
    assert_eq!(resolver.from_sources(&facts, &["Profile/gone"]).unwrap(), None);
}

#[test]
fn a_value_comes_from_the_strongest_document_that_sets_it() {
    let resolver = kiosks().resolver();
    let wanted = wanted(&resolver, "k1", nothing()).unwrap().unwrap();
    let origin = |path: &str| resolver.origin(&wanted, &path.parse().unwrap());
    let at = |file: &str, pointer: &str| Some(Place::value(&file.into(), 0, pointer));
    assert_eq!(origin("properties.desired.a"), at("kiosk.yaml", "/spec/desired/a"));
    assert_eq!(origin("properties.desired.b.c"), at("base.yaml", "/spec/desired/b/c"));
    assert_eq!(origin("properties.desired.b.d"), at("k1.yaml", "/spec/desired/b/d"));
    assert_eq!(origin("tags.role"), at("k1.yaml", "/spec/tags/role"));
    assert_eq!(origin("properties.desired.nowhere"), None);
}

#[test]
fn a_value_that_a_variable_brings_comes_from_the_line_that_uses_it() {
    let bench = Bench::new().vars(json!({"zone": {"x": 1}})).profile("p", 0, "", json!({"a": "${vars.zone}"}));
    let resolver = bench.resolver();
    let wanted = wanted(&resolver, "d", nothing()).unwrap().unwrap();
    let origin = resolver.origin(&wanted, &"properties.desired.a.x".parse().unwrap());
    assert_eq!(origin, Some(Place::value(&"p.yaml".into(), 0, "/spec/desired/a")));
}

#[test]
fn the_marker_of_a_component_comes_with_the_component() {
    let bench = Bench::new().profile("p", 0, "", json!({"time": {"timeZone": "Europe/Oslo"}}));
    let resolver = bench.resolver();
    let wanted = wanted(&resolver, "d", nothing()).unwrap().unwrap();
    assert_eq!(wanted.desired["time"]["__t"], json!("c"));
    let origin = resolver.origin(&wanted, &"properties.desired.time.__t".parse().unwrap());
    assert_eq!(origin, Some(Place::value(&"p.yaml".into(), 0, "/spec/desired/time")));
}

#[test]
fn only_components_of_plug_and_play_that_hold_something_are_marked() {
    let bench = Bench::new().profile(
        "p",
        0,
        "",
        json!({"windows": {"windowsTelemetry": {"level": "basic"}}, "own": {"x": 1}, "time": {"ntp": null}, "files": null}),
    );
    let desired = bench.desired("d", nothing());
    assert!(!desired.to_string().contains("__t"), "{desired}");
}
