//! Who had a say in a value.

use serde_json::json;

use super::*;
use crate::fleet::{
    Target,
    resolve::{Explanation, Role},
};

fn explain(bench: &Bench, device: &str) -> Explanation {
    let facts = Facts { id: &id(device), tags: &Map::new(), reported: None, model_id: None };
    bench.resolver().explain(&facts).unwrap().unwrap()
}

/// `path = value`, then each say: role, document, what it says, and pointer.
fn told(explanation: &Explanation) -> Vec<String> {
    let mut told = Vec::new();
    for value in &explanation.values {
        told.push(format!("{} = {}", value.path, value.value));
        for say in &value.says {
            let Target::Value(pointer) = &say.place.target else { panic!("{say:?}") };
            let source = &explanation.layers[say.layer].source;
            told.push(format!("  {:?} {source} {} {}{pointer}", say.role, say.value, say.place.file));
        }
    }
    told
}

#[test]
fn the_strongest_word_comes_first_and_what_it_overrides_behind() {
    let bench = Bench::new()
        .vars(json!({ "ntp": "b" }))
        .profile("base", 0, "", json!({ "x": { "server": "a", "on": true } }))
        .profile("same", 5, "", json!({ "x": { "on": true } }))
        .profile("site", 10, "tags.site = 'oslo'", json!({ "x": { "server": "${vars.ntp}" } }))
        .profile("other", 20, "tags.site = 'lyon'", json!({ "x": { "server": "z" } }))
        .device("d", json!({ "site": "oslo" }), json!({ "x": { "on": false } }));
    let explanation = explain(&bench, "d");
    assert_eq!(
        told(&explanation),
        [
            "tags.site = \"oslo\"",
            "  Sets Device/d \"oslo\" d.yaml/spec/tags/site",
            "properties.desired.x.on = false",
            "  Sets Device/d false d.yaml/spec/desired/x/on",
            "  Overridden Profile/same true same.yaml/spec/desired/x/on",
            "  Overridden Profile/base true base.yaml/spec/desired/x/on",
            "properties.desired.x.server = \"b\"",
            "  Sets Profile/site \"b\" site.yaml/spec/desired/x/server",
            "  Overridden Profile/base \"a\" base.yaml/spec/desired/x/server",
        ]
    );
    let layers: Vec<_> = explanation.layers.iter().map(|l| (&*l.source, l.priority, l.condition.as_deref())).collect();
    assert_eq!(
        layers,
        [
            ("Device/d", None, None),
            ("Profile/site", Some(10), Some("tags.site = 'oslo'")),
            ("Profile/same", Some(5), None),
            ("Profile/base", Some(0), None),
        ]
    );
    assert_eq!(explanation.values[2].says[0].written.as_deref(), Some("${vars.ntp}"));
}

#[test]
fn agreement_is_told_from_contradiction() {
    let bench = Bench::new().profile("a", 0, "", json!({ "x": 1 })).profile("b", 0, "", json!({ "x": 1.0 })).device(
        "d",
        nothing(),
        nothing(),
    );
    let explanation = explain(&bench, "d");
    let roles: Vec<_> = explanation.values[0].says.iter().map(|say| say.role).collect();
    assert_eq!(roles, [Role::Sets, Role::Agrees]);
}

#[test]
fn what_stands_in_the_place_of_an_object_competes_with_what_lies_in_it() {
    let bench = Bench::new().profile("base", 0, "", json!({ "x": { "y": { "z": 1 } } })).device(
        "d",
        nothing(),
        json!({ "x": { "y": null } }),
    );
    assert_eq!(
        told(&explain(&bench, "d")),
        [
            "properties.desired.x.y = null",
            "  Sets Device/d null d.yaml/spec/desired/x/y",
            "  Overridden Profile/base {\"z\":1} base.yaml/spec/desired/x/y",
        ]
    );
}

#[test]
fn a_secret_is_not_told_even_where_it_is_overridden() {
    let bench = Bench::new()
        .secret("PSK", "hunter2")
        .profile("base", 0, "", json!({ "x": { "key": "${secret.PSK}" }, "y": { "in": { "key": "${secret.PSK}" } } }))
        .device("d", nothing(), json!({ "y": { "in": "plain" } }));
    let explanation = explain(&bench, "d");
    assert!(!format!("{explanation:?}").contains("hunter2"));
    assert_eq!(
        told(&explanation),
        [
            "properties.desired.x.key = \"(secret)\"",
            "  Sets Profile/base \"(secret)\" base.yaml/spec/desired/x/key",
            "properties.desired.y.in = \"plain\"",
            "  Sets Device/d \"plain\" d.yaml/spec/desired/y/in",
            "  Overridden Profile/base \"(secret)\" base.yaml/spec/desired/y/in",
        ]
    );
    assert_eq!((explanation.values[0].secret, explanation.values[1].secret), (true, false));
}
