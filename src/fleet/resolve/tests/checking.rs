//! What is told without a hub.

use super::{super::check, *};

fn told(bench: &Bench) -> Vec<String> {
    check(&bench.resolver()).iter().map(short).collect()
}

#[test]
fn a_fleet_in_order_has_no_findings() {
    let bench = Bench::new()
        .vars(json!({"zone": "Europe/Oslo"}))
        .profile("p", 0, "tags.site = 'oslo'", json!({"time": {"timeZone": "${vars.zone}"}}))
        .device("d", json!({"site": "oslo"}), nothing());
    assert_eq!(told(&bench), Vec::<String>::new());
}

#[test]
fn variables_that_nothing_needs_or_that_refer_on_are_told() {
    let bench = Bench::new().vars(json!({"a": "x", "b": "${vars.a}"})).profile("p", 0, "", json!({"x": "${vars.b}"}));
    assert_eq!(told(&bench), ["unused-variable@fleet.yaml#/spec/vars/a", "invalid-reference@fleet.yaml#/spec/vars/b"]);
}

#[test]
fn a_profile_that_selects_no_declared_device_is_told_and_still_checked() {
    let bench = Bench::new().profile("p", 0, "tags.site = 'olso'", json!({"x": "${vars.none}"})).device(
        "d",
        json!({"site": "oslo"}),
        nothing(),
    );
    assert_eq!(told(&bench), ["selects-nothing@p.yaml#/spec/where", "missing-variable@p.yaml#/spec/desired/x"]);
}

#[test]
fn without_declared_devices_selecting_none_is_no_fault() {
    let bench = Bench::new().profile("p", 0, "tags.site = 'x'", json!({"x": "${tags.site}"}));
    assert_eq!(told(&bench), Vec::<String>::new());
}

#[test]
fn one_fault_of_many_devices_is_told_once() {
    let mut bench = Bench::new().profile("p", 0, "", json!({"x": "${vars.none}", "y": "${tags.none}"}));
    for n in 0..50 {
        bench = bench.device(&format!("d{n}"), nothing(), nothing());
    }
    assert_eq!(told(&bench), ["missing-variable@p.yaml#/spec/desired/x", "missing-tag@p.yaml#/spec/desired/y"]);
}

#[test]
fn a_profile_that_nothing_is_left_of_is_told() {
    let (weak, strong) = (json!({"a": {"b": 1}, "c": [1]}), json!({"a": 7, "c": [2], "d": 1}));
    let bench = |selector: &str| {
        Bench::new().profile("weak", 0, "tags.x = 1", weak.clone()).profile("strong", 1, selector, strong.clone())
    };
    assert_eq!(told(&bench("tags.x = 1")), ["unused-profile@weak.yaml#/metadata/name"]);
    assert_eq!(told(&bench("")), ["unused-profile@weak.yaml#/metadata/name"]);
    assert_eq!(told(&bench("tags.x = 2")), Vec::<String>::new());
    let partly = Bench::new().profile("weak", 0, "", weak).profile("strong", 1, "", json!({"c": null, "a": {"e": 1}}));
    assert_eq!(told(&partly), Vec::<String>::new());
    let empty = Bench::new().profile("p", 0, "", nothing());
    assert_eq!(told(&empty), ["unused-profile@p.yaml#/metadata/name"]);
}

#[test]
fn a_twin_with_little_room_is_told_by_the_fullest() {
    let full = |length: usize| json!({"a": "x".repeat(length), "b": "x".repeat(3000)});
    let bench = Bench::new().device("d1", full(3600), nothing()).device("d2", full(3700), nothing());
    let found = check(&bench.resolver());
    let size = 3700 + 3000 + 2 + "twinopstestrevisionrejectedsourcesDevice/d2".len() + 80;
    let message =
        format!("`tags` of `d2` takes {size} of 8192 bytes: {} are left; 1 more device is nearly as full", 8192 - size);
    assert_eq!(found.iter().map(|f| &*f.message).collect::<Vec<_>>(), [message]);
    assert_eq!(short(&found[0]), "hub-limit-near@d2.yaml#/spec/tags/a");
}

#[test]
fn a_condition_on_what_follows_from_documents_is_told() {
    let bench = Bench::new().profile("p", 0, "properties.desired.x = 1", json!({"y": 1}));
    assert_eq!(told(&bench), ["undecidable-selector@p.yaml#/spec/where"]);
}
