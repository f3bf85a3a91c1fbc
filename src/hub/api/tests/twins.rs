//! Twins and methods (protocol reference 4, 7).

use super::*;

#[tokio::test]
async fn a_twin_is_written_under_its_etag() {
    let hub = Hub::new();
    hub.make("d1").await;
    let patch = json!({"tags": {"t": 1}, "properties": {"desired": {"a": 1.0}}});
    let written = hub.ask("PATCH", "/twins/d1", &[("if-match", "\"AAAAAAAAAAE=\"")], patch.clone()).await;
    assert_eq!((written.status, written.header("etag")), (200, Some("\"AAAAAAAAAAI=\"")));
    assert_eq!(written.body["properties"]["desired"]["a"].to_string(), "1.0");
    for stale in ["\"AAAAAAAAAAE=\"", "\"abc\"", "é"] {
        let refused = hub.ask("PATCH", "/twins/d1", &[("if-match", stale)], patch.clone()).await;
        assert_eq!(refused.error(), (412, "PreconditionFailed"), "{stale}");
    }
    assert_eq!(hub.ask("GET", "/twins/d1", &[], Value::Null).await.body, written.body);
    let put = hub.ask("PUT", "/twins/d1", &[("if-match", "*")], json!({"tags": {"n": 2}})).await;
    assert_eq!((&put.body["tags"], put.body["properties"]["desired"].get("a")), (&json!({"n": 2}), None));
    let bad = hub.ask("PATCH", "/twins/d1", &[], json!({"tags": {"a b": 1}})).await;
    assert_eq!(bad.error(), (400, "ArgumentInvalid"));
    assert!(bad.body["Message"].as_str().unwrap().contains("tags.a b"));
    assert_eq!(hub.ask("GET", "/twins/d2", &[], Value::Null).await.error(), (404, "DeviceNotFound"));
}

#[tokio::test]
async fn a_call_to_a_device_that_is_offline_has_the_envelope_of_methods() {
    let hub = Hub::new();
    hub.make("d1").await;
    let offline = hub.ask("POST", "/twins/d1/methods", &[], json!({"methodName": "m"})).await;
    assert_eq!(offline.error(), (404, "DeviceNotOnline"));
    let inner: Value = serde_json::from_str(offline.body["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&inner["errorCode"], &inner["info"]["timeout"]), (&json!(404_103), &json!("00:00:00")));
}
