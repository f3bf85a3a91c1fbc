//! What unmodified clients send to the registry, word for word, and which status they need to hear.

use super::*;

/// Method, path, `If-Match`, body, status.
type Step = (&'static str, &'static str, Option<&'static str>, Value, u16);

const ANY: Option<&str> = Some("\"*\"");
const NO: Value = Value::Null;

/// Sends one request after the other.
async fn walk(version: &str, steps: Vec<Step>) {
    let hub = Hub::new();
    for (method, path, if_match, body, status) in steps {
        let between = if path.contains('?') { '&' } else { '?' };
        let uri = format!("https://localhost{path}{between}api-version={version}");
        let mut request = Request::builder().method(method).uri(uri).header("authorization", hub.token("iothubowner"));
        request = request.header("content-type", "application/json; charset=utf-8");
        if let Some(if_match) = if_match {
            request = request.header("if-match", if_match);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = hub.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
}

fn sas(symmetric_key: Value) -> Value {
    json!({"symmetricKey": symmetric_key, "type": "sas"})
}

fn keys() -> Value {
    sas(json!({"primaryKey": "MDEyMzQ1Njc4OWFiY2RlZg==", "secondaryKey": "MTEyMzQ1Njc4OWFiY2RlZg=="}))
}

fn no_keys() -> Value {
    sas(json!({"primaryKey": "", "secondaryKey": ""}))
}

#[tokio::test]
async fn what_the_az_cli_sends_is_served() {
    let leaf = json!({"iotEdge": false});
    let prints = json!({"primaryThumbprint": "A".repeat(40), "secondaryThumbprint": "B".repeat(40)});
    let method = json!({"methodName": "reboot", "payload": {"a": 1}, "responseTimeoutInSeconds": "5",
        "connectTimeoutInSeconds": "0"});
    let module = |authentication: Value| json!({"moduleId": "m1", "deviceId": "d", "authentication": authentication});
    walk("2024-03-31", vec![
        ("PUT", "/devices/d", None, json!({"deviceId": "d", "status": "enabled", "authentication": sas(json!({})), "capabilities": leaf}), 200),
        ("PUT", "/devices/x", None, json!({"deviceId": "x", "status": "enabled", "authentication": {"x509Thumbprint": prints, "type": "selfSigned"}, "capabilities": leaf}), 200),
        ("PUT", "/devices/ca", None, json!({"deviceId": "ca", "status": "enabled", "authentication": {"type": "certificateAuthority"}, "capabilities": leaf}), 200),
        ("PUT", "/devices/edge", None, json!({"deviceId": "edge", "status": "enabled", "authentication": sas(json!({})), "capabilities": {"iotEdge": true}, "parentScopes": []}), 200),
        ("GET", "/devices/d", None, NO, 200),
        ("POST", "/devices/query", None, json!({"query": "select * from devices"}), 200),
        ("PUT", "/devices/d", ANY, json!({"deviceId": "d", "etag": "*", "status": "disabled", "authentication": keys(), "capabilities": leaf}), 200),
        ("GET", "/twins/d", None, NO, 200),
        ("PATCH", "/twins/d", ANY, json!({"tags": {"a": {"b": 1}}, "properties": {"desired": {"x": 5}}}), 200),
        ("PUT", "/twins/d", ANY, json!({"tags": {"r": 1}, "properties": {"desired": {"n": 2}}}), 200),
        ("POST", "/twins/d/methods", None, method.clone(), 404),
        ("PUT", "/devices/d/modules/m1", None, module(sas(json!({}))), 200),
        ("GET", "/devices/d/modules", None, NO, 200),
        ("GET", "/devices/d/modules/m1", None, NO, 200),
        ("PUT", "/devices/d/modules/m1", ANY, module(keys()), 200),
        ("GET", "/twins/d/modules/m1", None, NO, 200),
        ("PATCH", "/twins/d/modules/m1", ANY, json!({"properties": {"desired": {"a": 1}}}), 200),
        ("PUT", "/twins/d/modules/m1", ANY, json!({"properties": {"desired": {"n": 2}}}), 200),
        ("POST", "/twins/d/modules/m1/methods", None, method, 404),
        ("POST", "/devices/keys/regenerate", None, json!({"policyKey": "primaryKey", "devices": [{"id": "d"}, {"id": "d", "moduleId": "m1"}]}), 200),
        ("DELETE", "/devices/d/modules/m1", ANY, NO, 204),
        ("GET", "/devices/edge/modules", None, NO, 200),
        ("DELETE", "/devices/d", ANY, NO, 204),
    ])
    .await;
}

#[tokio::test]
async fn what_the_python_service_sdk_sends_is_served() {
    let leaf = json!({"iotEdge": false});
    let module = json!({"moduleId": "m1", "managedBy": "me", "deviceId": "d", "authentication": no_keys()});
    walk("2021-04-12", vec![
        ("PUT", "/devices/d", None, json!({"deviceId": "d", "status": "enabled", "authentication": no_keys(), "capabilities": leaf}), 200),
        ("PUT", "/devices/d", ANY, json!({"deviceId": "d", "status": "enabled", "statusReason": "r", "authentication": keys(), "capabilities": leaf}), 200),
        ("GET", "/devices?top=5", None, NO, 200),
        ("GET", "/devices", None, NO, 200),
        ("POST", "/devices", None, json!([{"id": "b1", "importMode": "create", "status": "enabled", "authentication": no_keys()}]), 200),
        ("PATCH", "/twins/d", ANY, json!({"properties": {"desired": {"a": {"b": 1}, "gone": null}}}), 200),
        ("PATCH", "/twins/d", Some("\"AAAAAAAAAAI=\""), json!({"tags": {"t": 1}}), 200),
        ("PUT", "/devices/d/modules/m1", None, module, 200),
        ("GET", "/devices/d/modules/m1", None, NO, 200),
        ("GET", "/devices/d/modules", None, NO, 200),
        ("GET", "/twins/d/modules/m1", None, NO, 200),
        ("PATCH", "/twins/d/modules/m1", ANY, json!({"properties": {"desired": {"a": 1}}}), 200),
        ("GET", "/statistics/service", None, NO, 200),
        ("GET", "/statistics/devices", None, NO, 200),
        ("POST", "/twins/d/modules/m1/methods", None, json!({"methodName": "r", "payload": "", "responseTimeoutInSeconds": 10, "connectTimeoutInSeconds": 0}), 404),
        ("DELETE", "/devices/d/modules/m1", ANY, NO, 204),
        ("DELETE", "/devices/d", ANY, NO, 204),
    ])
    .await;
}

#[tokio::test]
async fn what_the_node_service_sdk_sends_is_served() {
    let create = json!({"deviceId": "n", "status": "enabled", "authentication": no_keys()});
    // It sends back whatever it was given, with one change.
    let read = json!({"deviceId": "n", "generationId": "1", "etag": "YTIz", "connectionState": "Disconnected",
        "status": "enabled", "statusReason": null, "connectionStateUpdatedTime": "0001-01-01T00:00:00Z",
        "statusUpdatedTime": "0001-01-01T00:00:00Z", "lastActivityTime": "0001-01-01T00:00:00Z",
        "cloudToDeviceMessageCount": 0, "capabilities": {"iotEdge": false}, "authentication": keys()});
    let module = json!({"deviceId": "n", "moduleId": "m", "managedBy": null, "generationId": "1", "etag": "Mjk3",
        "connectionState": "Disconnected", "connectionStateUpdatedTime": "0001-01-01T00:00:00Z",
        "lastActivityTime": "0001-01-01T00:00:00Z", "cloudToDeviceMessageCount": 0, "authentication": keys()});
    walk("2021-04-12", vec![
        ("PUT", "/devices/n", None, create.clone(), 200),
        ("PUT", "/devices/n", None, create, 409),
        ("PUT", "/devices/n", ANY, read, 200),
        ("GET", "/devices/", None, NO, 200),
        ("POST", "/devices", None, json!([{"id": "n2", "importMode": "create", "authentication": no_keys()}]), 200),
        ("POST", "/devices", None, json!([{"id": "n2", "importMode": "delete"}]), 200),
        ("GET", "/devices/n2", None, NO, 404),
        ("PUT", "/devices/n/modules/m", None, json!({"deviceId": "n", "moduleId": "m", "authentication": no_keys()}), 200),
        ("GET", "/devices/n/modules", None, NO, 200),
        ("PUT", "/devices/n/modules/m", Some("\"Mjk3\""), module.clone(), 412),
        ("PUT", "/devices/n/modules/m", ANY, module, 200),
        ("POST", "/twins/n/modules/m/methods", None, json!({"methodName": "x", "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 0, "payload": null}), 404),
        ("DELETE", "/devices/n", ANY, NO, 204),
    ])
    .await;
}
