//! To which hub: as a provisioning service says, and says again when the hub knows the device no more.

use std::{fs, os::unix::fs::PermissionsExt as _};

use reqwest::Method;
use serde_json::{Value, json};
use twinops::{
    agent::{Certificate, Provisioning},
    hub::offline,
    iothub::{Key, RegistrationId},
};

use crate::{
    identity::{files, made},
    stage::{Agent, Stage},
};

fn asking(stage: &Stage, id: &str, key: Option<Key>) -> Provisioning {
    Provisioning {
        id_scope: offline::id_scope(&stage.path("hub")).unwrap(),
        service: stage.world.service.host.to_string().parse().unwrap(),
        id: RegistrationId::new(id).unwrap(),
        key,
        module: None,
    }
}

fn keys(key: &Key) -> Value {
    json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": key.reveal(), "secondaryKey": key.reveal()}})
}

async fn with_group(stage: &Stage) -> Key {
    let group = Key::from_bytes(&[7; 32]).unwrap();
    stage.put("/enrollmentGroups/all", json!({"enrollmentGroupId": "all", "attestation": keys(&group)})).await;
    group
}

#[tokio::test]
async fn a_device_of_a_group_finds_its_hub_and_remembers_it() {
    let stage = Stage::new().await;
    let asking = asking(&stage, "dev-1", Some(with_group(&stage).await.derive("dev-1")));
    let agent = Agent::start(stage.config_of(asking.clone()));
    stage.until_known("dev-1").await;
    stage.is_served("dev-1").await;
    agent.end().await;
    let kept = stage.path("state/assignment.json");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(kept).unwrap(), r#"{"assignedHub":"localhost","deviceId":"dev-1"}"#);

    // Nobody is asked again.
    let deaf = Provisioning { service: "localhost:1".parse().unwrap(), ..asking };
    let agent = Agent::start(stage.config_of(deaf));
    stage.is_served("dev-1").await;
    agent.end().await;
}

#[tokio::test]
async fn a_certificate_enrols_a_device() {
    let stage = Stage::new().await;
    let files: Certificate = files(&stage);
    let (certificate, _) = made("dev-2", &files);
    let x509 = json!({"clientCertificates": {"primary": {"certificate": certificate}}});
    let enrolment = json!({"registrationId": "dev-2", "attestation": {"type": "x509", "x509": x509}});
    stage.put("/enrollments/dev-2", enrolment).await;
    let mut config = stage.config_of(asking(&stage, "dev-2", None));
    config.certificate = Some(files);
    let agent = Agent::start(config);
    stage.until_known("dev-2").await;
    stage.is_served("dev-2").await;
    agent.end().await;
}

#[tokio::test]
async fn a_device_that_its_hub_forgot_is_provisioned_anew() {
    let stage = Stage::new().await;
    let asking = asking(&stage, "dev-1", Some(with_group(&stage).await.derive("dev-1")));
    let agent = Agent::start(stage.config_of(asking));
    stage.until_known("dev-1").await;
    stage.is_served("dev-1").await;
    let gone = stage.world.ask(Method::DELETE, "/devices/dev-1", &[("if-match", "*")], Value::Null).await;
    assert!(gone.status.is_success(), "{}", gone.body);
    stage.until_known("dev-1").await;
    stage.is_served("dev-1").await;
    agent.end().await;
}
