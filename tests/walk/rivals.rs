//! Others who write the same twins: IoT Hub configurations, and somebody who never gives in.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    guards::{begun, fleet, welcome},
    stage::Stage,
};

fn configure(stage: &Stage, id: &str, target: &str, priority: u32, content: &Value) {
    let body = json!({
        "id": id, "targetCondition": target, "priority": priority, "content": { "deviceContent": content },
    });
    let (status, answer) = stage.rest(Method::PUT, &format!("configurations/{id}"), Some(&body));
    assert_eq!(status, 200, "{answer}");
}

fn channel(stage: &Stage, device: &str) -> Value {
    stage.twin(device).unwrap()["properties"]["desired"]["fw"]["channel"].clone()
}

/// Asks again until the hub has evaluated its configurations; the test's own time limit ends it otherwise.
fn until_channel(stage: &Stage, device: &str, expected: &str) {
    while channel(stage, device) != json!(expected) {}
}

fn plan(stage: &Stage) -> Value {
    serde_json::from_str(&stage.run(&["plan", "--format", "json"]).exits(0).out).unwrap()
}

#[test]
fn configurations_become_profiles_that_change_nothing_and_are_left_to_while_they_are_there() {
    let stage = begun();
    configure(
        &stage,
        "fw-stable",
        "tags.role = 'kiosk'",
        10,
        &json!({ "properties.desired.fw": { "channel": "stable" } }),
    );
    configure(&stage, "fw-canary", "deviceId = 'd03'", 20, &json!({ "properties.desired.fw.channel": "beta" }));
    until_channel(&stage, "d03", "beta");
    until_channel(&stage, "d11", "stable");

    // What is imported says what stands in the twins: they are taken over, and no value changes.
    let told = stage.run(&["import", "../imported", "--name", "firmware", "--configurations"]).exits(0).out;
    assert!(told.contains("2 of 2 configurations are profiles"), "{told}");
    let canary = fs::read_to_string(stage.path("imported/profiles/fw-canary.yaml")).unwrap();
    assert!(canary.contains("where: deviceId = 'd03'") && canary.contains("priority: 20"), "{canary}");
    let imported = fs::read_to_string(stage.path("imported/fleet.yaml")).unwrap();
    stage.write("fleet.yaml", imported.replace("maxChanged: 20%", "maxChanged: 100%"));
    stage.make_folder("fleet/profiles");
    for name in ["fw-stable", "fw-canary"] {
        let text = fs::read_to_string(stage.path(&format!("imported/profiles/{name}.yaml"))).unwrap();
        stage.write(&format!("profiles/{name}.yaml"), text);
    }
    stage.commit("The hub's configurations, as profiles");
    let first = plan(&stage);
    assert_eq!((&first["summary"]["change"], &first["summary"]["adopt"]), (&json!(0), &json!(12)), "{first}");
    stage.run(&["reconcile"]).exits(0);
    assert_eq!(plan(&stage)["groups"], json!([]), "after applying a plan the next is empty");

    // A change of what a configuration writes too is named and not fought.
    let stable = fs::read_to_string(stage.path("fleet/profiles/fw-stable.yaml")).unwrap();
    stage.write("profiles/fw-stable.yaml", stable.replace("channel: stable", "channel: next"));
    stage.commit("The next channel");
    let told = stage.run(&["reconcile"]).exits(0).out;
    assert!(told.contains("note[contested]") && told.contains("`fw-stable`"), "{told}");
    assert_eq!(channel(&stage, "d11"), json!("stable"));

    // Once it is gone, git alone has a say.
    for id in ["fw-stable", "fw-canary"] {
        assert_eq!(stage.rest(Method::DELETE, &format!("configurations/{id}"), None).0, 204);
    }
    while plan(&stage)["summary"]["change"] != json!(11) {}
    stage.run(&["reconcile"]).exits(0);
    assert_eq!((channel(&stage, "d11"), channel(&stage, "d03")), (json!("next"), json!("beta")));
}

#[test]
fn a_value_that_comes_back_after_every_write_is_contested_until_a_commit_changes_it() {
    let stage = begun();
    let by_hand = || stage.patch("d03", &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
    for _ in 0..2 {
        by_hand();
        stage.run(&["reconcile"]).exits(0);
        assert_eq!(welcome(&stage, "d03"), json!("hello"));
    }
    by_hand();
    let told = stage.run(&["reconcile"]).exits(0).out;
    assert!(told.contains("note[contested]") && told.contains("was written 2 times"), "{told}");
    assert_eq!(welcome(&stage, "d03"), json!("by hand"), "not fought");
    for command in ["drift", "status"] {
        let told = stage.run(&[command, "--detailed-exitcode"]).exits(2).out;
        assert!(told.contains("contested") && told.contains("notes.welcome"), "{told}");
    }
    stage.write("fleet.yaml", fleet("{ maxChanged: 100% }", "ahoy"));
    stage.commit("All say ahoy");
    stage.run(&["reconcile"]).exits(0);
    assert_eq!(welcome(&stage, "d03"), json!("ahoy"));
}
