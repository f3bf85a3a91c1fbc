//! `/configurations`, as SDKs and the CLI use them.

use super::*;
use crate::{hub::core::ConfigurationEngine, task::Stop};

fn device_content() -> Value {
    json!({"deviceContent": {"properties.desired.z": {"v": 1}}})
}

async fn evaluate(hub: &Hub) {
    ConfigurationEngine::new(hub.api.core.clone()).turn(&Stop::new()).await.unwrap();
}

#[tokio::test]
async fn a_configuration_lives_and_dies_as_the_sdks_expect() {
    let hub = Hub::new();
    let body = json!({"id": "cfg1", "schemaVersion": "1.0", "labels": {"a": "b"}, "content": device_content(),
        "targetCondition": "", "priority": 3, "metrics": {"queries": {"m": "SELECT deviceId FROM devices"}}});
    let made = hub.ask("PUT", "/configurations/cfg1", &[], body.clone()).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.header("etag"), Some(format!("\"{}\"", made.body["etag"].as_str().unwrap()).as_str()));
    for member in ["id", "schemaVersion", "labels", "content", "targetCondition", "priority"] {
        assert_eq!(made.body[member], body[member], "{member}");
    }
    assert_eq!(hub.ask("GET", "/configurations/cfg1", &[], Value::Null).await.body, made.body);
    for path in ["/configurations", "/configurations/", "/configurations?top=0"] {
        assert_eq!(hub.ask("GET", path, &[], Value::Null).await.body, json!([made.body]), "{path}");
    }
    assert_eq!(hub.ask("PUT", "/configurations/cfg1", &[], body).await.error(), (409, "ConfigurationAlreadyExists"));
    let mut etag = made.body["etag"].as_str().unwrap().to_owned();
    for header in [etag.clone(), "\"*\"".to_owned(), "*".to_owned()] {
        let mut update = made.body.clone();
        update["priority"] = json!(4);
        update["content"] = json!({"deviceContent": {"properties.desired.other": 1}});
        let updated = hub.ask("PUT", "/configurations/cfg1", &[("if-match", &header)], update).await;
        assert_eq!(
            (updated.status, &updated.body["content"], &updated.body["priority"]),
            (200, &device_content(), &json!(4))
        );
        assert_eq!(updated.body["createdTimeUtc"], made.body["createdTimeUtc"]);
        etag = updated.body["etag"].as_str().unwrap().to_owned();
    }
    for stale in ["\"abc\"", made.body["etag"].as_str().unwrap()] {
        let refused = hub.ask("PUT", "/configurations/cfg1", &[("if-match", stale)], made.body.clone()).await;
        assert_eq!(refused.error(), (412, "PreconditionFailed"), "{stale}");
        let refused = hub.ask("DELETE", "/configurations/cfg1", &[("if-match", stale)], Value::Null).await;
        assert_eq!(refused.error(), (412, "PreconditionFailed"), "{stale}");
    }
    let gone = hub.ask("DELETE", "/configurations/cfg1", &[("if-match", &format!("\"{etag}\""))], Value::Null).await;
    assert_eq!((gone.status, gone.body), (204, Value::Null));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let hub = Hub::new();
    let body = json!({"content": device_content()});
    for (method, headers, body) in [
        ("GET", &[][..], Value::Null),
        ("DELETE", &[], Value::Null),
        ("DELETE", &[("if-match", "*")], Value::Null),
        ("PUT", &[("if-match", "\"*\"")], body.clone()),
    ] {
        let none = hub.ask(method, "/configurations/none", headers, body).await;
        assert_eq!(none.error(), (404, "ConfigurationNotFound"), "{method}");
    }
    assert_eq!(hub.ask("PUT", "/configurations/Upper", &[], body.clone()).await.error(), (400, "ArgumentInvalid"));
    let escaped = hub.ask("PUT", "/configurations/50%25+!", &[], body).await;
    assert_eq!(escaped.body["id"], json!("50%+!"));
    let wrong = json!({"content": device_content(), "targetCondition": "properties.desired.a = 1"});
    let wrong = hub.ask("PUT", "/configurations/a", &[], wrong).await;
    assert_eq!(wrong.error(), (400, "InvalidConfigurationTargetCondition"));
}

#[tokio::test]
async fn a_client_may_send_back_what_it_read() {
    let hub = Hub::new();
    hub.make("d1").await;
    let body = json!({"id": "c1", "content": device_content(), "targetCondition": "*", "priority": 2,
        "schemaVersion": "1.0", "metrics": {"queries": {"all": "SELECT * FROM devices"}}});
    let made = hub.ask("PUT", "/configurations/c1", &[], body).await;
    evaluate(&hub).await;
    let read = hub.ask("GET", "/configurations/c1", &[], Value::Null).await;
    assert_eq!(read.body["systemMetrics"]["results"], json!({"targetedCount": 1, "appliedCount": 1}));
    assert_eq!(read.body["metrics"]["results"], json!({"all": 1}));
    assert_eq!(read.body["etag"], made.body["etag"]);
    let etag = read.header("etag").unwrap().to_owned();
    let back = hub.ask("PUT", "/configurations/c1", &[("if-match", &etag)], read.body.clone()).await;
    assert_eq!((back.status, &back.body["metrics"], &back.body["labels"]), (200, &read.body["metrics"], &Value::Null));
    let twin = hub.ask("GET", "/twins/d1", &[], Value::Null).await;
    assert_eq!(twin.body["configurations"], json!({"c1": {"status": "Applied"}}));
    assert_eq!(twin.body["properties"]["desired"]["z"], json!({"v": 1}));
}

#[tokio::test]
async fn a_trial_always_answers() {
    let hub = Hub::new();
    let ask = async |body| hub.ask("POST", "/configurations/testQueries", &[], body).await;
    let good = json!({"targetCondition": "tags.a='b'", "customMetricQueries": {"x": "SELECT deviceId FROM devices"}});
    let good = ask(good).await;
    assert_eq!((good.status, good.body), (200, json!({})));
    let modules = ask(json!({"targetCondition": "from devices.modules where tags.a = 1"})).await;
    assert_eq!(modules.body, json!({}));
    for wrong in ["*", "tags.a =", "properties.desired.a = 1", "status = 'enabled'"] {
        let answer = ask(
            json!({"targetCondition": wrong, "customMetricQueries": {"x": "SELECT", "y": "SELECT * FROM devices"}}),
        )
        .await;
        assert_eq!(answer.status, 200);
        assert!(answer.body["targetConditionError"].is_string(), "{wrong}");
        let errors = answer.body["customMetricQueryErrors"].as_object().unwrap();
        assert_eq!(errors.keys().collect::<Vec<_>>(), ["x"]);
    }
}

#[tokio::test]
async fn a_content_is_for_gateways() {
    let hub = Hub::new();
    hub.make("leaf").await;
    let gateway = json!({"deviceId": "gate", "capabilities": {"iotEdge": true}});
    assert_eq!(hub.ask("PUT", "/devices/gate", &[], gateway).await.status, 200);
    let content = json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"a": 1}}}});
    let path = |device| format!("/devices/{device}/applyConfigurationContent");
    assert_eq!(hub.ask("POST", &path("gate"), &[], content.clone()).await.status, 204);
    assert_eq!(hub.ask("POST", &path("leaf"), &[], content.clone()).await.error(), (400, "ArgumentInvalid"));
    assert_eq!(hub.ask("POST", &path("none"), &[], content).await.error(), (404, "DeviceNotFound"));
    let odd = json!({"modulesContent": {"m": {}}});
    assert_eq!(hub.ask("POST", &path("gate"), &[], odd).await.error(), (400, "InvalidConfigurationContent"));
    let count = json!({"query": "SELECT COUNT() AS n FROM devices.modules WHERE properties.desired.a = 1"});
    assert_eq!(hub.ask("POST", "/devices/query", &[], count).await.body, json!([{"n": 1}]));
}

#[tokio::test]
async fn configurations_are_for_the_registry_and_for_services() {
    let hub = Hub::new();
    let ask = async |policy: &str, method: &str| {
        let uri = "https://localhost/configurations/c1?api-version=2024-03-31";
        let request = Request::builder().method(method).uri(uri).header("authorization", hub.token(policy));
        hub.send(request.body(Body::from(json!({"content": device_content()}).to_string())).unwrap()).await
    };
    assert_eq!(ask("device", "GET").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("registryRead", "PUT").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("registryReadWrite", "PUT").await.status, 200);
    assert_eq!(ask("registryRead", "GET").await.status, 200);
    assert_eq!(ask("service", "DELETE").await.status, 204);
}
