//! The walk, as separate processes on real sockets: a hub, an agent, a git repository, and the commands of an operator.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod adopt;
mod dm_client;
mod guards;
mod logins;
mod own_component;
mod plans;
mod reports;
mod rivals;
mod rollout;
mod secrets;
mod stage;
mod vault;
mod web;

use serde_json::json;
use stage::{Stage, fleet};

/// A commit becomes a twin, a device obeys it, and a report says so.
#[test]
fn a_commit_becomes_a_twin_a_device_obeys_it_and_a_report_says_so() {
    let mut stage = Stage::new();
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome"));
    stage.commit("The first kiosk");
    assert!(stage.run(&["validate"]).exits(0).out.contains("No findings"));

    // Nothing is written by a plan.
    let planned = stage.run(&["plan", "--detailed-exitcode"]).exits(2).out;
    assert!(planned.contains("1 to register"), "{planned}");
    assert!(planned.contains("properties.desired.time.timeZone"), "{planned}");
    assert!(planned.contains("fleet.yaml:"), "{planned}");
    assert_eq!(stage.twin("kiosk-1"), None);

    stage.run(&["reconcile"]).exits(0);
    let twin = stage.twin("kiosk-1").unwrap();
    assert_eq!(twin["properties"]["desired"]["time"]["timeZone"], json!("Europe/Oslo"));
    assert_eq!(twin["tags"]["twinops"]["walk"]["revision"], json!(stage.head()));
    stage.run(&["plan", "--detailed-exitcode"]).exits(0);

    // The device comes, obeys, and is told the revision once it is known to have our agent.
    stage.start_agent("kiosk-1");
    stage.run(&["reconcile", "--wait=30s"]).exits(0);
    stage.until_compliant();
    assert_eq!(stage.device_file("srv/motd"), Some("welcome\n".to_owned()));
    assert_eq!(stage.device_link("etc/localtime"), Some("/usr/share/zoneinfo/Europe/Oslo".to_owned()));

    // A new commit.
    stage.write("fleet.yaml", fleet("Europe/Berlin", "willkommen"));
    stage.commit("The kiosk moves to Berlin");
    stage.run(&["reconcile", "--wait=30s"]).exits(0);
    assert_eq!(stage.device_file("srv/motd"), Some("willkommen\n".to_owned()));
    stage.run(&["drift", "--detailed-exitcode"]).exits(0);

    // Somebody edits the twin outside git: path, both values and the line of YAML are named.
    stage.patch("kiosk-1", &json!({ "properties": { "desired": { "time": { "timeZone": "Europe/Paris" } } } }));
    let drift = stage.run(&["drift", "--detailed-exitcode"]).exits(2).out;
    for word in ["edited", "properties.desired.time.timeZone", "Europe/Paris", "Europe/Berlin", "fleet.yaml:"] {
        assert!(drift.contains(word), "`{word}` is missing from:\n{drift}");
    }
    stage.run(&["reconcile", "--wait=30s"]).exits(0);
    stage.until_compliant();

    // Somebody at the device sets a value for a while; it is told, and goes.
    let lease = ["time.timeZone", "Europe/Oslo", "--for", "4h", "--reason", "a visit of the maker"];
    stage.at_device(&lease).exits(0);
    stage.run(&["invoke", "twinops*recheck", "--device", "kiosk-1"]).exits(0);
    assert_eq!(stage.device_link("etc/localtime"), Some("/usr/share/zoneinfo/Europe/Oslo".to_owned()));
    let drift = stage.run(&["drift", "--detailed-exitcode"]).exits(2).out;
    assert!(drift.contains("leased deviation until"), "{drift}");
    stage.at_device(&["time.timeZone", "--end"]).exits(0);
    stage.until_compliant();
    assert_eq!(stage.device_link("etc/localtime"), Some("/usr/share/zoneinfo/Europe/Berlin".to_owned()));

    // Somebody changes the device.
    stage.change_device("srv/motd", "hacked\n");
    stage.run(&["invoke", "twinops*recheck", "--device", "kiosk-1"]).exits(0);
    let drift = stage.run(&["drift", "--detailed-exitcode"]).exits(2).out;
    for word in ["drifted", "properties.desired.files.motd", "hacked"] {
        assert!(drift.contains(word), "`{word}` is missing from:\n{drift}");
    }

    // What is no longer declared is pruned, because git history says that it was ours; the foreign value stays.
    stage.patch("kiosk-1", &json!({ "properties": { "desired": { "bridge": { "port": 7 } } } }));
    let without_zone = fleet("Europe/Berlin", "willkommen").replace("      timeZone: Europe/Berlin\n", "");
    stage.write("fleet.yaml", without_zone);
    stage.commit("The zone is nobody's business");
    let pruned = stage.run(&["reconcile"]).exits(0).out;
    assert!(pruned.contains("prune"), "{pruned}");
    let desired = stage.twin("kiosk-1").unwrap()["properties"]["desired"].clone();
    assert_eq!(desired["time"].get("timeZone"), None, "{desired}");
    assert_eq!(desired["time"]["ntp"]["enabled"], json!(true));
    assert_eq!(desired["bridge"]["port"], json!(7));
}

#[test]
fn what_the_hub_acknowledged_survives_its_death() {
    let mut stage = Stage::new();
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome"));
    stage.commit("The first kiosk");
    stage.run(&["reconcile"]).exits(0);
    let before = stage.twin("kiosk-1").unwrap();
    stage.kill_hub();
    stage.start_hub();
    assert_eq!(stage.twin("kiosk-1").unwrap()["properties"], before["properties"]);
    stage.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn findings_stop_a_plan_with_their_place() {
    let stage = Stage::new();
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome").replace("priority: 10", "priorty: 10"));
    stage.commit("A slip");
    let told = stage.run(&["validate"]).exits(3).out;
    for word in ["priorty", "did you mean", "priority", "fleet.yaml:"] {
        assert!(told.contains(word), "`{word}` is missing from:\n{told}");
    }
    stage.run(&["plan"]).exits(3);
    stage.run(&["reconcile"]).exits(3);
}

#[test]
fn a_hub_that_is_not_there_and_a_wrong_argument_are_told_in_words() {
    let mut stage = Stage::new();
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome"));
    stage.commit("The first kiosk");
    stage.kill_hub();
    let told = stage.run(&["plan"]).exits(1).err;
    assert!(told.contains("error:") && told.contains("caused by:"), "{told}");
    stage.run(&["plan", "--no-such-flag"]).exits(64);
}

#[test]
fn up_brings_devices_to_every_save_and_finds_its_data_again() {
    let stage = stage::Laptop::new();
    stage.write("fleet.yaml", fleet("Europe/Oslo", "welcome"));
    let first = stage.up_once();
    assert!(first.contains("properties.desired.time.timeZone"), "{first}");
    let second = stage.up_once();
    assert!(!second.contains("properties.desired.time.timeZone"), "a second start finds its data again:\n{second}");
    stage.write("fleet.yaml", fleet("Europe/Berlin", "welcome"));
    let third = stage.up_once();
    assert!(third.contains("Europe/Oslo") && third.contains("Europe/Berlin"), "{third}");

    let mut running = stage.up();
    running.await_line("watching");
    stage.write("fleet.yaml", fleet("Europe/Rome", "welcome"));
    running.await_line("1 devices applied it within");
    running.interrupt();
}
