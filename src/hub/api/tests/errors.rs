//! Permissions, and errors of no particular route (protocol reference 1.3, 2.4).

use super::*;
use axum::http::StatusCode;

#[tokio::test]
async fn permissions_are_kept_apart() {
    let hub = Hub::new();
    hub.make("d1").await;
    let ask = async |policy: &str, method: &str, path: &str| {
        let uri = format!("https://localhost{path}?api-version=2021-04-12");
        let request = Request::builder().method(method).uri(uri).header("authorization", hub.token(policy));
        hub.send(request.header("if-match", "*").body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("registryReadWrite", "GET", "/twins/d1").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("service", "GET", "/twins/d1").await.status, 200);
    assert_eq!(ask("service", "GET", "/devices/d1").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("registryRead", "GET", "/statistics/devices").await.status, 200);
    assert_eq!(ask("registryRead", "DELETE", "/devices/d1").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("device", "GET", "/statistics/service").await.error(), (401, "IotHubUnauthorizedAccess"));
    assert_eq!(ask("registryReadWrite", "DELETE", "/devices/d1").await.status, 204);
}

#[tokio::test]
async fn every_error_is_one_of_the_hubs() {
    let hub = Hub::new();
    let plain = async |method: &str, uri: &str| {
        hub.send(Request::builder().method(method).uri(uri).body(Body::empty()).unwrap()).await
    };
    assert_eq!(plain("GET", "/devices/d1?api-version=2021-04-12").await.error(), (401, "IotHubUnauthorized"));
    assert_eq!(plain("GET", "/devices/d1").await.error(), (400, "InvalidProtocolVersion"));
    assert_eq!(plain("GET", "/nothing").await.error(), (404, "GenericNotFound"));
    assert_eq!(plain("POST", "/healthz").await.error(), (405, "GenericMethodNotAllowed"));
    let big = Value::String("x".repeat(1024 * 1024));
    assert_eq!(hub.ask("PATCH", "/twins/d1", &[], big).await.error(), (413, "MessageTooLarge"));
    for path in ["/healthz", "/readyz"] {
        let answer = plain("GET", path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header("x-ms-request-id").is_some());
    }
}

#[tokio::test]
async fn modules_bulk_requests_and_new_keys_need_the_permission_to_write_the_registry() {
    let hub = Hub::new();
    hub.make("d1").await;
    let ask = async |policy: &str, method: &str, path: &str, body: Value| {
        let uri = format!("https://localhost{path}?api-version=2024-03-31");
        let request = Request::builder().method(method).uri(uri).header("authorization", hub.token(policy));
        hub.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let denied = (401, "IotHubUnauthorizedAccess");
    for policy in ["service", "registryRead", "device"] {
        assert_eq!(ask(policy, "PUT", "/devices/d1/modules/m1", json!({})).await.error(), denied, "{policy}");
        assert_eq!(ask(policy, "DELETE", "/devices/d1/modules/m1", json!({})).await.error(), denied, "{policy}");
        assert_eq!(ask(policy, "POST", "/devices", json!([])).await.error(), denied, "{policy}");
        let keys = json!({"policyKey": "both", "devices": []});
        assert_eq!(ask(policy, "POST", "/devices/keys/regenerate", keys).await.error(), denied, "{policy}");
    }
    assert_eq!(ask("registryReadWrite", "PUT", "/devices/d1/modules/m1", json!({})).await.status, 200);
    assert_eq!(ask("registryRead", "GET", "/devices/d1/modules", Value::Null).await.status, 200);
    assert_eq!(ask("service", "GET", "/twins/d1/modules/m1", Value::Null).await.status, 200);
    assert_eq!(ask("registryReadWrite", "GET", "/twins/d1/modules/m1", Value::Null).await.error(), denied);
}
