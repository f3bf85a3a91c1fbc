//! Sentences about the enrolments themselves.

use super::*;

#[tokio::test]
async fn enrolments_follow_the_rules_of_if_match() {
    let hub = Hub::provisioning();
    let made = hub.enroll("R1", json!({"attestation": {"type": "symmetricKey"}})).await.unwrap();
    assert_eq!(hub.enroll("r1", json!({"attestation": keys(1)})).await, Err(409_000));
    let put =
        |if_match| hub.declare(Breed::Individual, "r1", json!({"attestation": {"type": "symmetricKey"}}), if_match);
    assert_eq!(put(Some("\"abc\"")).await, Err(412_001));
    let updated = put(Some(made.etag.as_str())).await.unwrap();
    assert_eq!(updated.mechanism(), made.mechanism(), "keys that a body leaves out stay as they were");
    assert!(updated.etag != made.etag && updated.id(Breed::Individual) == Some("R1"));
    assert_eq!(hub.declare(Breed::Individual, "r2", json!({"attestation": keys(1)}), Some("*")).await, Err(404_000));
    let stale = IfMatch::parse(made.etag.as_str());
    let code = |failure: Failure| failure.code.number();
    let removed = hub.core.delete_enrollment(Breed::Individual, &name("r1"), Some(&stale)).await;
    assert_eq!(removed.map_err(code), Err(412_001));
    hub.core.delete_enrollment(Breed::Individual, &name("r1"), Some(&IfMatch::Any)).await.unwrap();
    assert_eq!(hub.core.enrollment(Breed::Individual, &name("r1")).await.map_err(code).map(drop), Err(404_000));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_when_it_is_written() {
    let hub = Hub::provisioning();
    let leaf = Signer::root("root").device("r1");
    for body in [
        json!({}),
        json!({"attestation": {"type": "tpm", "tpm": {"endorsementKey": "AA=="}}}),
        json!({"attestation": {"type": "none"}}),
        json!({"attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "AA==", "secondaryKey": "AA=="}}}),
        json!({"attestation": {"type": "x509"}}),
        json!({"attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": "junk"}}}}}),
        json!({"attestation": {"type": "x509", "x509": {"caReferences": {"primary": "my-ca"}}}}),
        json!({"attestation": keys(1), "registrationId": "other"}),
        json!({"attestation": keys(1), "deviceId": "a/b"}),
        json!({"attestation": keys(1), "iotHubHostName": "other.example"}),
        json!({"attestation": keys(1), "iotHubs": ["localhost", "other.example"]}),
        json!({"attestation": keys(1), "allocationPolicy": "custom"}),
        json!({"attestation": keys(1), "initialTwin": {"tags": {"a.b": 1}}}),
        json!({"attestation": keys(1), "initialTwin": {"properties": {"desired": {"big": "x".repeat(5000)}}}}),
    ] {
        assert_eq!(hub.enroll("r1", body.clone()).await, Err(400_004), "{body}");
    }
    assert_eq!(hub.group("g1", json!({"attestation": signing(&leaf)})).await, Err(400_004));
    assert_eq!(hub.group("g1", json!({"attestation": client(&leaf)})).await, Err(400_004));
    let fine = json!({"attestation": keys(1), "iotHubHostName": "LOCALHOST", "allocationPolicy": "geoLatency",
        "iotHubs": [], "deviceId": "", "attestation": keys(1), "nobody": "knows this"});
    hub.enroll("r1", fine).await.unwrap();
    let state = hub.come(&with_key("r1", &key(1)), "").await.unwrap();
    assert_eq!(state["assignedHub"], json!("LOCALHOST"));
}

#[tokio::test]
async fn there_are_at_most_a_hundred_groups() {
    let hub = Hub::provisioning();
    for number in 0..100 {
        hub.group(&format!("g{number}"), json!({"attestation": keys(number)})).await.unwrap();
    }
    assert_eq!(hub.group("one-more", json!({"attestation": keys(1)})).await, Err(403_002));
    assert!(hub.come(&with_key("dev", &key(99).derive("dev")), "").await.is_ok());
}

#[tokio::test]
async fn what_came_of_a_group_goes_with_it_and_nothing_else() {
    let hub = Hub::provisioning();
    hub.group("G1", json!({"attestation": keys(1)})).await.unwrap();
    hub.group("g2", json!({"attestation": keys(5)})).await.unwrap();
    for count in 0..3 {
        for (byte, id) in [(1, format!("a{count}")), (5, format!("b{count}"))] {
            hub.come(&with_key(&id, &key(byte).derive(&id)), "").await.unwrap();
        }
    }
    let stale = IfMatch::parse("stale");
    let refused = hub.core.delete_enrollment(Breed::Group, &name("g1"), Some(&stale)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::PreconditionFailed);
    assert!(hub.core.registration(&name("a0")).await.is_ok());
    hub.core.delete_enrollment(Breed::Group, &name("g1"), None).await.unwrap();
    for count in 0..3 {
        let gone = hub.core.registration(&name(&format!("a{count}"))).await;
        assert_eq!(gone.unwrap_err().code, ErrorCode::GenericNotFound);
        assert!(hub.core.registration(&name(&format!("b{count}"))).await.is_ok());
        assert!(hub.core.identity(&id(&format!("a{count}"))).await.is_ok(), "devices stay");
    }
    // Another group of that name has no devices yet.
    hub.group("g1", json!({"attestation": keys(8)})).await.unwrap();
    assert_eq!(hub.come(&with_key("a0", &key(8).derive("a0")), "").await, Err(409_000));
}
