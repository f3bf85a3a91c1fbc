//! As whom: with a certificate, which may be renewed while the agent runs, and as a module.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _};

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use twinops::{
    agent::{self, AgentError, Certificate},
    iothub::DeviceCredential,
    task::Stop,
};

use crate::{
    relay::Relay,
    stage::{Agent, Stage},
};

/// Writes a certificate that a device made itself, and its key; the certificate and its thumbprint.
pub(crate) fn made(name: &str, files: &Certificate) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(&files.chain, certificate.pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
    let print = hex(&Sha256::digest(certificate.der()));
    (certificate.pem(), print)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02X}");
        text
    })
}

pub(crate) fn files(stage: &Stage) -> Certificate {
    Certificate { chain: stage.path("device.pem"), key: stage.path("device.key") }
}

async fn register(stage: &Stage, id: &str, prints: [&str; 2]) {
    let prints = json!({"primaryThumbprint": prints[0], "secondaryThumbprint": prints[1]});
    let answer = stage
        .world
        .ask(
            reqwest::Method::PUT,
            &format!("/devices/{id}"),
            &[("if-match", "*")],
            json!({"deviceId": id, "authentication": {"type": "selfSigned", "x509Thumbprint": prints}}),
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

#[tokio::test]
async fn a_certificate_is_shown_and_a_renewed_one_at_the_next_connection() {
    let stage = Stage::new().await;
    let files = files(&stage);
    let (_, first) = made("d1", &files);
    stage
        .put(
            "/devices/d1",
            json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": first}}}),
        )
        .await;
    let relay = Relay::to(stage.world.mqtt_port).await;
    let mut config = stage.config(stage.connection("d1", DeviceCredential::X509), "d1");
    config.certificate = Some(files.clone());
    config.mqtt = Some(format!("localhost:{}", relay.address.port()).parse().unwrap());
    let agent = Agent::start(config);
    stage.is_served("d1").await;

    let (_, second) = made("d1", &files);
    // The hub cuts the link of whoever shows a certificate that counts no more.
    register(&stage, "d1", [&second, &second]).await;
    while relay.heard().len() < 2 {
        stage.settled("d1").await;
    }
    stage.is_served("d1").await;
    agent.end().await;
}

#[tokio::test]
async fn a_certificate_goes_over_websocket_too() {
    let stage = Stage::new().await;
    let files = files(&stage);
    let (_, print) = made("d1", &files);
    stage
        .put(
            "/devices/d1",
            json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": print}}}),
        )
        .await;
    let mut config = stage.config(stage.connection("d1", DeviceCredential::X509), "d1");
    config.certificate = Some(files);
    config.transport = agent::Transport::WebSocket;
    let agent = Agent::start(config);
    stage.is_served("d1").await;
    agent.end().await;
}

#[tokio::test]
async fn a_key_that_others_may_read_is_not_used() {
    let stage = Stage::new().await;
    let files = files(&stage);
    made("d1", &files);
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
    let mut config = stage.config(stage.connection("d1", DeviceCredential::X509), "d1");
    config.certificate = Some(files);
    let fault = agent::run(config, Stop::new()).await.unwrap_err();
    let AgentError::Tls(fault) = fault else { panic!("{fault}") };
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    assert!(cause.contains("chmod 600"), "{cause}");
}

#[tokio::test]
async fn a_module_has_a_twin_of_its_own() {
    let stage = Stage::new().await;
    stage.with_key("d1").await;
    let module = stage.with_key("d1/modules/m1").await;
    let agent = Agent::start(stage.config(module, "m1"));
    stage.is_served("d1/modules/m1").await;
    let device = stage.world.ask(reqwest::Method::GET, "/twins/d1", &[], json!(null)).await;
    assert_eq!(device.body["properties"]["reported"].get("lamp"), None);
    agent.end().await;
}
