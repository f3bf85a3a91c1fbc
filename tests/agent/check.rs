//! What the agent's own check finds, and where it stops.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use twinops::agent::{
    check::{Outcome, Report, check},
    options::Given,
};

use crate::stage::Stage;

/// What a device would run with.
async fn given(stage: &Stage) -> Given {
    let connection = stage.with_key("d1").await.to_connection_string();
    let file = stage.path("connection");
    fs::write(&file, connection.reveal()).unwrap();
    Given {
        connection_file: Some(file),
        mqtt: Some(format!("localhost:{}", stage.world.mqtt_port)),
        ca: Some(stage.ca()),
        state: Some(stage.path("state")),
        root: Some(stage.path("root")),
        ..Given::default()
    }
}

async fn checked(given: &Given) -> Report {
    check(given.clone(), |_| None).await
}

/// The worst outcome of each step.
fn outcomes(report: &Report) -> BTreeMap<&'static str, Outcome> {
    let order = [Outcome::Ok, Outcome::Skipped, Outcome::Warning, Outcome::Failed];
    let rank = |outcome: Outcome| order.iter().position(|one| *one == outcome);
    let mut worst = BTreeMap::new();
    for step in &report.steps {
        let held = worst.entry(step.name).or_insert(step.outcome);
        if rank(step.outcome) > rank(*held) {
            *held = step.outcome;
        }
    }
    worst
}

fn found(report: &Report, name: &str) -> String {
    report.steps.iter().rev().find(|step| step.name == name).unwrap().found.clone()
}

#[tokio::test]
async fn a_device_that_is_well_is_told_so() {
    let stage = Stage::new().await;
    let report = checked(&given(&stage).await).await;
    assert!(report.is_well(), "{report}");
    let outcomes = outcomes(&report);
    for step in ["configuration", "state", "dns", "ports", "tls", "clock", "identity"] {
        assert_eq!(outcomes[step], Outcome::Ok, "{step}: {report}");
    }
    // The file was written for everyone to read.
    assert_eq!(outcomes["secrets"], Outcome::Warning);
    assert!(found(&report, "tls").contains("good from"), "{report}");
    let read: Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(read["steps"].as_array().unwrap().len(), report.steps.len());
    assert!(!report.json().contains("SharedAccessKey="));
}

#[tokio::test]
async fn a_device_that_the_hub_does_not_take_fails_at_its_identity() {
    let stage = Stage::new().await;
    let given = given(&stage).await;
    let body = json!({"deviceId": "d1", "status": "disabled"});
    let answer = stage.world.ask(reqwest::Method::PUT, "/devices/d1", &[("if-match", "*")], body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let report = checked(&given).await;
    assert_eq!(outcomes(&report)["identity"], Outcome::Failed, "{report}");
    assert!(found(&report, "identity").contains("disabled") && !report.is_well());
}

#[tokio::test]
async fn a_hub_that_nobody_vouches_for_is_told_with_its_authority() {
    let stage = Stage::new().await;
    let other = stage.path("other.pem");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&other, made.cert.pem()).unwrap();
    let report = checked(&Given { ca: Some(other), ..given(&stage).await }).await;
    let outcomes = outcomes(&report);
    assert_eq!([outcomes["tls"], outcomes["clock"]], [Outcome::Failed, Outcome::Skipped], "{report}");
    assert!(found(&report, "tls").contains("a certificate of `"), "{report}");
    assert!(report.to_string().contains("--ca"));
}

#[tokio::test]
async fn a_closed_port_leaves_websocket_and_two_closed_ports_leave_nothing() {
    let stage = Stage::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("localhost:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let given = Given { mqtt: Some(closed.clone()), ..given(&stage).await };
    let report = checked(&given).await;
    assert_eq!(
        [outcomes(&report)["ports"], outcomes(&report)["identity"]],
        [Outcome::Warning, Outcome::Ok],
        "{report}"
    );
    assert!(found(&report, "identity").contains("WebSocket"));

    let nowhere = stage.path("nowhere");
    let key = "SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fs::write(&nowhere, format!("HostName={closed};DeviceId=d1;{key}")).unwrap();
    let report = checked(&Given { connection_file: Some(nowhere), ..given }).await;
    assert_eq!(outcomes(&report)["identity"], Outcome::Skipped, "{report}");
    assert!(!report.is_well(), "{report}");
}

#[tokio::test]
async fn a_name_that_is_none_ends_it() {
    let stage = Stage::new().await;
    let nowhere = stage.path("nowhere");
    let key = "SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fs::write(&nowhere, format!("HostName=no-such-host.invalid;DeviceId=d1;{key}")).unwrap();
    let report = checked(&Given { connection_file: Some(nowhere), ..given(&stage).await }).await;
    let outcomes = outcomes(&report);
    assert_eq!([outcomes["dns"], outcomes["ports"]], [Outcome::Failed, Outcome::Skipped], "{report}");
}
