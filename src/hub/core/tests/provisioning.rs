//! Sentences about devices that register.

mod enrolments;

use std::collections::BTreeSet;

use super::*;
use crate::{
    hub::{
        dps::{Breed, Enrollment},
        ports::{PeerCertificates, Registrant},
        tls::{self, sample::Signer},
    },
    iothub::{AuthenticationType, RegistrationId},
};

const SCOPE: &str = "0ne0000ABCD";
const FOREVER: u64 = 4_000_000_000;

fn name(text: &str) -> RegistrationId {
    RegistrationId::new(text).unwrap()
}

fn key(byte: u8) -> Key {
    Key::from_bytes(&[byte; 32]).unwrap()
}

fn keys(one: u8) -> Value {
    json!({"type": "symmetricKey", "symmetricKey": {
        "primaryKey": key(one).reveal(), "secondaryKey": key(one + 1).reveal()}})
}

/// Whoever registers with a key.
fn with_key(id: &str, key: &Key) -> Registrant {
    let token = sign(&format!("{SCOPE}/registrations/{id}"), key, FOREVER, Some("registration"));
    let token = Some(token.into());
    Registrant { id_scope: SCOPE.to_owned(), id: name(id), token, certificates: PeerCertificates::default() }
}

/// Whoever registers with a chain of certificates.
fn with_chain(id: &str, chain: &[&Signer]) -> Registrant {
    let certificates = PeerCertificates(chain.iter().map(|one| one.der()).collect());
    Registrant { id_scope: SCOPE.to_owned(), id: name(id), token: None, certificates }
}

fn client(one: &Signer) -> Value {
    json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": tls::to_text(&one.der())}}}})
}

fn signing(one: &Signer) -> Value {
    json!({"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": tls::to_text(&one.der())}}}})
}

impl Hub {
    fn provisioning() -> Self {
        let Self { core, folder } = Self::new();
        Self { core: core.with_provisioning(SCOPE.to_owned(), "localhost".to_owned()), folder }
    }

    async fn declare(&self, breed: Breed, id: &str, body: Value, if_match: Option<&str>) -> Result<Enrollment, u32> {
        let if_match = if_match.map(IfMatch::parse);
        let body = serde_json::from_value(body).unwrap();
        let put = self.core.put_enrollment(breed, &name(id), body, if_match.as_ref()).await;
        put.map_err(|failure| failure.code.number())
    }

    /// An individual enrolment.
    async fn enroll(&self, id: &str, body: Value) -> Result<Enrollment, u32> {
        self.declare(Breed::Individual, id, body, None).await
    }

    async fn group(&self, id: &str, body: Value) -> Result<Enrollment, u32> {
        self.declare(Breed::Group, id, body, None).await
    }

    /// Registers and asks how it went.
    async fn come(&self, who: &Registrant, body: &str) -> Result<Value, u32> {
        let code = |failure: Failure| failure.code.number();
        let answer = self.core.register(who, body.as_bytes()).await.map_err(code)?;
        assert_eq!((answer.status, answer.retry_after), (202, Some(1)));
        let assigning: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (&assigning["status"], assigning["operationId"].as_str()),
            (&json!("assigning"), answer.operation.as_deref())
        );
        let over = self.core.registered(who, &answer.operation.unwrap()).await.map_err(code)?;
        assert_eq!(over.status, 200);
        let over: Value = serde_json::from_slice(&over.body).unwrap();
        assert_eq!(over["status"], over["registrationState"]["status"]);
        Ok(over["registrationState"].clone())
    }

    async fn desired(&self, device: &str) -> Value {
        let (twin, _) = self.core.twin(&device_link(&id(device))).await.unwrap();
        let mut desired = serde_json::from_str::<Value>(&twin).unwrap()["properties"]["desired"].take();
        desired.as_object_mut().unwrap().remove("$metadata");
        desired
    }
}

#[tokio::test]
async fn a_device_becomes_one_by_its_own_key_with_the_initial_twin() {
    let hub = Hub::provisioning();
    let body = json!({"registrationId": "R1", "deviceId": "kiosk", "attestation": keys(1),
        "capabilities": {"iotEdge": false},
        "initialTwin": {"tags": {"site": "oslo"}, "properties": {"desired": {"fw": "1"}}}});
    hub.enroll("R1", body).await.unwrap();
    let state = hub.come(&with_key("r1", &key(2)), r#"{"payload":{"modelId":"dtmi:a:b;1"}}"#).await.unwrap();
    assert_eq!((&state["status"], &state["substatus"]), (&json!("assigned"), &json!("initialAssignment")));
    assert_eq!((&state["assignedHub"], &state["deviceId"]), (&json!("localhost"), &json!("kiosk")));
    assert_eq!(state["registrationId"], json!("r1"));
    assert_eq!(hub.desired("kiosk").await, json!({"fw": "1", "$version": 2}));
    let (twin, _) = hub.core.twin(&device_link(&id("kiosk"))).await.unwrap();
    let twin: Value = serde_json::from_str(&twin).unwrap();
    assert_eq!((&twin["tags"], &twin["modelId"]), (&json!({"site": "oslo"}), &json!("dtmi:a:b;1")));
    for byte in [1, 2] {
        assert!(hub.connect("kiosk", &key(byte)).await.is_ok(), "both keys of the enrolment open the hub");
    }
    assert!(hub.connect("kiosk", &key(3)).await.is_err());
}

#[tokio::test]
async fn devices_of_a_group_have_keys_that_are_derived_from_the_groups() {
    let hub = Hub::provisioning();
    hub.group("g0", json!({"attestation": keys(8)})).await.unwrap();
    hub.group("g1", json!({"enrollmentGroupId": "g1", "attestation": keys(1)})).await.unwrap();
    let own = key(1).derive("Dev-7");
    let state = hub.come(&with_key("Dev-7", &own), "").await.unwrap();
    assert_eq!(state["deviceId"], json!("Dev-7"));
    assert!(hub.connect("Dev-7", &own).await.is_ok() && hub.connect("Dev-7", &key(2).derive("Dev-7")).await.is_ok());
    // The same registration, whatever its letter case.
    let again = hub.come(&with_key("DEV-7", &key(2).derive("DEV-7")), "").await.unwrap();
    assert_eq!((&again["deviceId"], &again["createdDateTimeUtc"]), (&json!("Dev-7"), &state["createdDateTimeUtc"]));
    for (id, bad) in [("dev-8", own), ("dev-8", key(1)), ("dev-8", key(9).derive("x"))] {
        assert_eq!(hub.come(&with_key(id, &bad), "").await, Err(401_002));
    }
}

#[tokio::test]
async fn nobody_registers_with_what_is_for_something_else_and_nothing_is_written_for_them() {
    let hub = Hub::provisioning();
    hub.enroll("r1", json!({"attestation": keys(1)})).await.unwrap();
    let good = with_key("r1", &key(1));
    let token = |resource: &str, expiry, policy| Some(sign(resource, &key(1), expiry, policy).into());
    let r1 = format!("{SCOPE}/registrations/r1");
    for token in [
        None,
        Some(String::new().into()),
        Some("Bearer x".to_owned().into()),
        token(&r1, 1, None),
        token(&r1, FOREVER, Some("iothubowner")),
        token(&format!("{SCOPE}/registrations/r2"), FOREVER, None),
        token("0ne0000FFFF/registrations/r1", FOREVER, None),
        token("localhost/devices/r1", FOREVER, None),
        token("localhost", FOREVER, None),
    ] {
        assert_eq!(hub.come(&Registrant { token, ..good.clone() }, "").await, Err(401_002));
    }
    let elsewhere = Registrant { id_scope: "0ne0000FFFF".to_owned(), ..good.clone() };
    assert_eq!(hub.come(&elsewhere, "").await, Err(401_002));
    assert_eq!(hub.come(&with_key("r2", &key(1)), "").await, Err(401_002));
    assert!(hub.core.registration(&name("r1")).await.is_err() && hub.core.registration(&name("r2")).await.is_err());
    assert_eq!(hub.core.counts().await.unwrap(), Counts::default());
    assert_eq!(hub.come(&good, r#"{"registrationId":"r2"}"#).await, Err(400_004));
    assert_eq!(hub.come(&good, "no json").await, Err(400_004));
    let no_policy = Registrant { token: token(&r1, FOREVER, None), ..good };
    assert!(hub.come(&no_policy, r#"{"registrationId":"R1"}"#).await.is_ok());
    let nameless = Hub::new();
    nameless.enroll("r1", json!({"attestation": keys(1)})).await.unwrap();
    let no_scope =
        Registrant { id_scope: String::new(), token: token("/registrations/r1", FOREVER, None), ..no_policy };
    assert_eq!(nameless.come(&no_scope, "").await, Err(401_002));
}

#[tokio::test]
async fn a_certificate_makes_a_device_that_shows_it_to_the_hub() {
    let hub = Hub::provisioning();
    let (own, other) = (Signer::root("r1").device("r1"), Signer::root("r1").device("r1"));
    let made = hub.enroll("r1", json!({"attestation": client(&own)})).await.unwrap();
    let shown: Value = serde_json::from_str(&made.text()).unwrap();
    let info = &shown["attestation"]["x509"]["clientCertificates"]["primary"]["info"];
    assert_eq!(info["sha256Thumbprint"], json!(tls::sha256(&own.der())));
    assert!(info["subjectName"].as_str().unwrap().contains("r1") && info["version"] == json!(3));
    assert_eq!(hub.come(&with_chain("r1", &[&other]), "").await, Err(401_002));
    assert_eq!(hub.come(&with_chain("r2", &[&own]), "").await, Err(401_002));
    assert_eq!(hub.come(&with_key("r1", &key(1)), "").await, Err(401_002));
    hub.come(&with_chain("r1", &[&own]), "").await.unwrap();
    let authentication = hub.core.identity(&id("r1")).await.unwrap().authentication.unwrap();
    assert_eq!(authentication.kind, AuthenticationType::SelfSigned);
    assert!(hub.show("r1", &[&own]).await.is_ok() && hub.show("r1", &[&other]).await.is_err());
    // What an answer shows of it is enough to write it again.
    let again = json!({"attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"info": info}}}}});
    assert!(hub.declare(Breed::Individual, "r1", again.clone(), Some("*")).await.is_ok());
    assert!(hub.enroll("r2", again).await.is_ok());
    assert!(hub.come(&with_chain("r2", &[&own]), "").await.is_ok());
}

#[tokio::test]
async fn an_expired_certificate_is_none() {
    let hub = Hub::provisioning();
    let past = Signer::root_with("r1", |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    hub.enroll("r1", json!({"attestation": client(&past)})).await.unwrap();
    assert_eq!(hub.come(&with_chain("r1", &[&past]), "").await, Err(401_002));
}

#[tokio::test]
async fn an_authority_of_a_group_vouches_for_devices_by_their_common_name() {
    let hub = Hub::provisioning();
    let root = Signer::root("root");
    let factory = root.authority("factory");
    let own = factory.device("dev-1");
    hub.group("g1", json!({"attestation": signing(&root)})).await.unwrap();
    assert_eq!(hub.come(&with_chain("dev-1", &[&own]), "").await, Err(401_002), "the factory is missing");
    assert_eq!(hub.come(&with_chain("dev-2", &[&own, &factory]), "").await, Err(401_002));
    let elsewhere = Signer::root("root").device("dev-1");
    assert_eq!(hub.come(&with_chain("dev-1", &[&elsewhere, &factory]), "").await, Err(401_002));
    let state = hub.come(&with_chain("Dev-1", &[&own, &factory]), "").await.unwrap();
    assert_eq!(state["deviceId"], json!("Dev-1"));
    assert!(hub.show("Dev-1", &[&own, &factory]).await.is_ok());
    // A renewed certificate is the device's once it has registered again.
    let renewed = factory.device("dev-1");
    assert!(hub.show("Dev-1", &[&renewed, &factory]).await.is_err());
    hub.core.links.take();
    hub.come(&with_chain("dev-1", &[&renewed, &factory]), "").await.unwrap();
    assert!(hub.show("Dev-1", &[&renewed, &factory]).await.is_ok());
    assert_eq!(hub.core.links.take(), ["cut Dev-1"]);
    // The one in between will do as well, without the root.
    let direct = Hub::provisioning();
    direct.group("g1", json!({"attestation": signing(&factory)})).await.unwrap();
    assert!(direct.come(&with_chain("dev-1", &[&own]), "").await.is_ok());
}

#[tokio::test]
async fn a_device_that_comes_again_keeps_its_twin_or_falls_back_as_the_policy_says() {
    for (policy, substatus, desired) in [
        (Value::Null, "deviceDataMigrated", json!({"fw": "1", "mine": 1, "$version": 3})),
        (
            json!({"updateHubAssignment": true, "migrateDeviceData": true}),
            "deviceDataMigrated",
            json!({"fw": "1", "mine": 1, "$version": 3}),
        ),
        (
            json!({"updateHubAssignment": true, "migrateDeviceData": false}),
            "deviceDataReset",
            json!({"fw": "1", "$version": 4}),
        ),
        (
            json!({"updateHubAssignment": false, "migrateDeviceData": false}),
            "initialAssignment",
            json!({"fw": "1", "mine": 1, "$version": 3}),
        ),
    ] {
        let hub = Hub::provisioning();
        let body = json!({"attestation": keys(1), "reprovisionPolicy": policy,
            "initialTwin": {"tags": {"a": 1}, "properties": {"desired": {"fw": "1"}}}});
        hub.enroll("r1", body).await.unwrap();
        let who = with_key("r1", &key(1));
        hub.come(&who, "").await.unwrap();
        let before = hub.core.identity(&id("r1")).await.unwrap();
        hub.write("r1", json!({"tags": {"b": 1}, "properties": {"desired": {"mine": 1}}}), None).await.unwrap();
        hub.core.links.take();
        let state = hub.come(&who, "").await.unwrap();
        assert_eq!((&state["substatus"], hub.desired("r1").await), (&json!(substatus), desired), "{policy}");
        assert_eq!(hub.core.identity(&id("r1")).await.unwrap(), before, "{policy}");
        let told = hub.core.links.take();
        let expected = r#"r1 4 {"$version":4,"fw":"1","mine":null}"#;
        assert_eq!(told, if substatus == "deviceDataReset" { vec![expected] } else { vec![] }, "{policy}");
    }
}

#[tokio::test]
async fn without_an_initial_twin_a_reset_empties_the_twin() {
    let hub = Hub::provisioning();
    let policy = json!({"updateHubAssignment": true, "migrateDeviceData": false});
    hub.enroll("r1", json!({"attestation": keys(1), "reprovisionPolicy": policy})).await.unwrap();
    let who = with_key("r1", &key(1));
    hub.come(&who, "").await.unwrap();
    assert_eq!(hub.desired("r1").await, json!({"$version": 1}));
    hub.write("r1", json!({"properties": {"desired": {"mine": 1}}}), None).await.unwrap();
    hub.come(&who, "").await.unwrap();
    assert_eq!(hub.desired("r1").await, json!({"$version": 3}));
    hub.core.delete_identity(&id("r1"), Some(&IfMatch::Any)).await.unwrap();
    let state = hub.come(&who, "").await.unwrap();
    assert_eq!((&state["substatus"], hub.desired("r1").await), (&json!("initialAssignment"), json!({"$version": 1})));
}

#[tokio::test]
async fn new_keys_of_an_enrolment_reach_the_hub_when_the_device_registers_again() {
    let hub = Hub::provisioning();
    hub.enroll("r1", json!({"attestation": keys(1)})).await.unwrap();
    hub.come(&with_key("r1", &key(1)), "").await.unwrap();
    let body = serde_json::to_value(hub.core.identity(&id("r1")).await.unwrap()).unwrap();
    let mut body = body.as_object().unwrap().clone();
    body.insert("status".to_owned(), json!("disabled"));
    hub.put("r1", Value::Object(body), Some("*")).await.unwrap();
    hub.declare(Breed::Individual, "r1", json!({"attestation": keys(5)}), Some("*")).await.unwrap();
    assert_eq!(hub.come(&with_key("r1", &key(1)), "").await, Err(401_002));
    hub.come(&with_key("r1", &key(5)), "").await.unwrap();
    assert!(hub.key("r1").await == key(6));
    assert!(hub.connect("r1", &key(5)).await.is_err(), "who was disabled stays so");
}

#[tokio::test]
async fn a_disabled_enrolment_is_told_and_keeps_its_device_out_of_groups() {
    let hub = Hub::provisioning();
    hub.group("g1", json!({"attestation": keys(1)})).await.unwrap();
    let own = key(1).derive("r1");
    hub.enroll("r1", json!({"provisioningStatus": "disabled", "attestation": keys(5)})).await.unwrap();
    assert_eq!(hub.come(&with_key("r1", &own), "").await, Err(401_002));
    let state = hub.come(&with_key("r1", &key(5)), "").await.unwrap();
    assert_eq!((&state["status"], state.get("deviceId")), (&json!("disabled"), None));
    assert_eq!(hub.core.counts().await.unwrap(), Counts::default());
    hub.core.delete_enrollment(Breed::Individual, &name("r1"), None).await.unwrap();
    assert_eq!(hub.come(&with_key("r1", &own), "").await.unwrap()["status"], json!("assigned"));
}

#[tokio::test]
async fn a_group_does_not_get_hold_of_devices_that_are_not_its_own() {
    let hub = Hub::with(&["mine"]).await;
    let hub = Hub { core: hub.core.with_provisioning(SCOPE.to_owned(), "localhost".to_owned()), ..hub };
    hub.group("g1", json!({"attestation": keys(1)})).await.unwrap();
    hub.group("g2", json!({"attestation": keys(5)})).await.unwrap();
    let before = hub.core.identity(&id("mine")).await.unwrap();
    assert_eq!(hub.come(&with_key("mine", &key(1).derive("mine")), "").await, Err(409_000));
    assert_eq!(hub.core.identity(&id("mine")).await.unwrap(), before);
    let first = with_key("dev", &key(1).derive("dev"));
    let second = with_key("dev", &key(5).derive("dev"));
    hub.come(&first, "").await.unwrap();
    assert_eq!(hub.come(&second, "").await, Err(409_000));
    // Without its registration it is known by its key.
    hub.core.delete_registration(&name("dev"), None).await.unwrap();
    assert_eq!(hub.come(&second, "").await, Err(409_000));
    assert!(hub.come(&first, "").await.is_ok());
    // Whoever enrols one device names it on purpose.
    hub.enroll("mine", json!({"attestation": keys(8)})).await.unwrap();
    assert!(hub.come(&with_key("mine", &key(8)), "").await.is_ok());
    assert!(hub.connect("mine", &key(8)).await.is_ok());
}

#[tokio::test]
async fn an_outcome_is_for_its_device_alone_and_survives_a_restart() {
    let hub = Hub::provisioning();
    hub.enroll("r1", json!({"attestation": keys(1)})).await.unwrap();
    hub.enroll("r2", json!({"attestation": keys(5)})).await.unwrap();
    let who = with_key("r1", &key(1));
    let first = hub.core.register(&who, b"").await.unwrap().operation.unwrap();
    let second = hub.core.register(&who, b"").await.unwrap().operation.unwrap();
    assert_ne!(first, second);
    let code = |failure: Failure| failure.code.number();
    assert_eq!(hub.core.registered(&who, "4.other").await.map_err(code), Err(404_000));
    assert_eq!(hub.core.registered(&with_key("r2", &key(5)), &first).await.map_err(code), Err(404_000));
    assert_eq!(hub.core.registered(&with_key("r1", &key(5)), &first).await.map_err(code), Err(401_002));
    let Hub { core, folder } = hub;
    drop(core);
    let again = open(&folder).with_provisioning(SCOPE.to_owned(), "localhost".to_owned());
    for operation in [first, second] {
        let body = again.registered(&who, &operation).await.unwrap().body;
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["operationId"], json!(operation));
    }
}

#[tokio::test]
async fn a_herd_of_one_name_is_one_device() {
    let hub = Arc::new(Hub::provisioning());
    hub.group("g1", json!({"attestation": keys(1)})).await.unwrap();
    let comers = (0..20).map(|_| {
        let hub = Arc::clone(&hub);
        tokio::spawn(async move { hub.come(&with_key("dev", &key(1).derive("dev")), "").await })
    });
    // Whoever was first may have been overtaken before it asks, and whoever comes last is not.
    let mut born = BTreeSet::new();
    for comer in comers.collect::<Vec<_>>() {
        match comer.await.unwrap() {
            Ok(state) => _ = born.insert(state["createdDateTimeUtc"].to_string()),
            Err(404_000 | 503_005) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(born.len(), 1, "one registration, however many came: {born:?}");
    assert_eq!(hub.core.counts().await.unwrap(), Counts { enabled: 1, disabled: 0 });
}
