//! Digital twins.

use super::*;

#[tokio::test]
async fn a_digital_twin_is_read_and_patched_under_its_etag() {
    let hub = Hub::new();
    hub.make("d1").await;
    let fresh = hub.ask("GET", "/digitaltwins/d1", &[], Value::Null).await;
    assert_eq!((fresh.status, fresh.header("etag")), (200, Some("\"AAAAAAAAAAE=\"")));
    assert_eq!(fresh.body, json!({"$dtId": "d1", "$metadata": {"$model": ""}}));
    let patch = json!([{"op": "add", "path": "/prop", "value": 1}, {"op": "add", "path": "/part/a", "value": true}]);
    let patched = hub.ask("PATCH", "/digitaltwins/d1", &[("if-match", "\"AAAAAAAAAAE=\"")], patch.clone()).await;
    assert_eq!((patched.status, patched.header("etag")), (202, Some("\"AAAAAAAAAAI=\"")));
    assert_eq!((patched.header("location"), &patched.body), (Some("/digitaltwins/d1"), &Value::Null));
    let stale = hub.ask("PATCH", "/digitaltwins/d1", &[("if-match", "\"AAAAAAAAAAE=\"")], patch).await;
    assert_eq!(stale.error(), (412, "PreconditionFailed"));
    let twin = hub.ask("GET", "/twins/d1", &[], Value::Null).await;
    assert_eq!(twin.body["properties"]["desired"]["part"], json!({"__t": "c", "a": true}));
    let seen = hub.ask("GET", "/digitaltwins/d1", &[], Value::Null).await;
    assert_eq!(seen.body["$metadata"]["prop"]["desiredValue"], json!(1));
    assert_eq!(seen.body["part"]["$metadata"]["a"]["desiredVersion"], json!(2));
    let bad = hub.ask("PATCH", "/digitaltwins/d1", &[], json!({"op": "add"})).await;
    assert_eq!(bad.error(), (400, "ArgumentInvalid"));
    for method in ["GET", "PATCH"] {
        assert_eq!(hub.ask(method, "/digitaltwins/d2", &[], json!([])).await.error(), (404, "DeviceNotFound"));
    }
}

#[tokio::test]
async fn commands_are_methods_with_the_errors_of_methods() {
    let hub = Hub::new();
    hub.make("d1").await;
    for path in ["/digitaltwins/d1/commands/reboot", "/digitaltwins/d1/components/thermo/commands/reboot"] {
        let away = hub.ask("POST", path, &[], json!({"delay": 1})).await;
        assert_eq!(away.error(), (404, "DeviceNotOnline"), "{path}");
        assert!(away.body["Message"].as_str().unwrap().contains("404103"));
        let wrong = hub.ask("POST", &format!("{path}?responseTimeoutInSeconds=4"), &[], Value::Null).await;
        assert_eq!(wrong.error(), (400, "ArgumentInvalid"));
        let wrong = hub.ask("POST", &format!("{path}?connectTimeoutInSeconds=soon"), &[], Value::Null).await;
        assert_eq!(wrong.error(), (400, "ArgumentInvalid"));
    }
}
