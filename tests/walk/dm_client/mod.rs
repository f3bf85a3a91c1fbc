//! Devices in the field today: their client takes what arrives for all there is, and ends as declared all the same.

mod client;

use client::DmClient;
use serde_json::{Value, json};

use super::stage::Stage;

const STORES: [&str; 7] = [
    "rootCATrustedCertificates_CA",
    "rootCATrustedCertificates_TrustedPublisher",
    "rootCATrustedCertificates_TrustedPeople",
    "certificateStore_CA_System",
    "certificateStore_Root_System",
    "certificateStore_My_User",
    "certificateStore_My_System",
];

/// One device, with what stands below `windows`.
fn fleet(windows: &Value) -> String {
    format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
---
apiVersion: twinops/v1
kind: Device
metadata: {{ name: line-1 }}
spec:
  identity: {{ type: sas }}
  desired:
    windows: {windows}
"
    )
}

fn service(startup: &str) -> Value {
    json!({ "enabled": "yes", "startup": startup, "started": "yes" })
}

/// Eight stores, the first with these.
fn certificates(prints: &[&str]) -> Value {
    let entry =
        |print: &&str| (print.repeat(20), json!({ "state": "installed", "fileName": format!("certs\\{print}.cer") }));
    let mut all = STORES.iter().map(|store| ((*store).to_owned(), json!({}))).collect::<Value>();
    all["rootCATrustedCertificates_Root"] = prints.iter().map(entry).collect();
    all
}

/// A hub with the device brought to this, and the device.
fn begun(windows: &Value) -> (Stage, DmClient) {
    let stage = Stage::new();
    declare(&stage, windows);
    let device = DmClient::start(&stage, "line-1");
    for _ in windows.as_object().unwrap() {
        assert_eq!(device.next().state, "completed");
    }
    stage.run(&["status", "--detailed-exitcode"]).exits(0);
    (stage, device)
}

fn declare(stage: &Stage, windows: &Value) {
    stage.write("fleet.yaml", fleet(windows));
    stage.commit("Another state");
    stage.run(&["reconcile"]).exits(0);
}

#[test]
fn a_change_of_one_value_leaves_the_others_as_they_were() {
    let (stage, device) = begun(&json!({ "timeService": service("auto"), "windowsTelemetry": { "level": "basic" } }));
    declare(&stage, &json!({ "timeService": service("manual"), "windowsTelemetry": { "level": "basic" } }));
    let told = device.next();
    assert_eq!((told.component.as_str(), told.received, told.state), ("timeService", service("manual"), "completed"));
    stage.run(&["status", "--detailed-exitcode"]).exits(0);
    let reported = stage.twin("line-1").unwrap()["properties"]["reported"]["windows"]["timeService"].clone();
    assert_eq!(reported["started"], "yes", "a write of `startup` alone would have stopped the service");
}

#[test]
fn a_value_that_somebody_wrote_alone_does_harm_that_the_next_run_mends() {
    let (stage, device) = begun(&json!({ "timeService": service("auto") }));
    let alone = json!({ "windows": { "timeService": { "startup": "manual" } } });
    stage.patch("line-1", &json!({ "properties": { "desired": alone } }));
    assert_eq!(device.next().state, "completed");
    let stands = stage.run(&["status", "--detailed-exitcode"]).exits(2).out;
    assert!(stands.contains("edited"), "{stands}");
    stage.run(&["reconcile"]).exits(0);
    assert_eq!(device.next().received, service("auto"));
    stage.run(&["status", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_certificate_that_is_no_longer_declared_goes_without_a_null() {
    let (stage, device) = begun(&json!({ "certificates": certificates(&["ab", "cd"]) }));
    declare(&stage, &json!({ "certificates": certificates(&["cd"]) }));
    let first = device.next();
    assert_eq!((first.received, first.state), (json!("refreshing"), "pending"));
    let second = device.next();
    assert_eq!((second.received, second.state), (certificates(&["cd"]), "completed"));
    stage.run(&["status", "--detailed-exitcode"]).exits(0);
    stage.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_run_that_ended_between_its_two_writes_is_finished_by_the_next() {
    let (stage, device) = begun(&json!({ "certificates": certificates(&["ab"]) }));
    stage.patch("line-1", &json!({ "properties": { "desired": { "windows": { "certificates": "refreshing" } } } }));
    assert_eq!(device.next().state, "pending");
    let planned = stage.run(&["plan", "--detailed-exitcode"]).exits(2).out;
    assert!(!planned.contains("outside git"), "{planned}");
    stage.run(&["reconcile"]).exits(0);
    assert_eq!(device.next().received, certificates(&["ab"]));
    stage.run(&["status", "--detailed-exitcode"]).exits(0);
}
