//! Requests and answers, as clients see them, without sockets.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    super::{
        auth::{Authority, Policies},
        mqtt::LinkTable,
        store::SqliteStore,
    },
    *,
};
use crate::iothub::{HostName, sign};

pub(super) struct Hub {
    pub(super) router: Router,
    api: Api<SqliteStore, LinkTable>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and name of an error.
    fn error(&self) -> (u16, &str) {
        assert!(self.header("x-ms-request-id").is_some());
        (self.status, self.header("iothub-errorcode").unwrap())
    }
}

impl Hub {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let authority = Authority::new(vec![HostName::parse("localhost").unwrap()], Policies::generate().unwrap());
        let core = Arc::new(Core::new(store, Arc::new(LinkTable::new()), authority));
        let api = Api::new(core, TaskTracker::new());
        Self { router: router(&api), api, _folder: folder }
    }

    fn token(&self, policy: &str) -> String {
        let key = &self.api.core.authority().policies().get(policy).unwrap().primary;
        sign("localhost", key, 4_000_000_000, Some(policy))
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let json = head.headers.get("content-type").is_some_and(|kind| kind == "application/json; charset=utf-8");
        let body = if json { serde_json::from_slice(&body).unwrap() } else { Value::Null };
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let between = if path.contains('?') { '&' } else { '?' };
        let uri = format!("https://localhost{path}{between}api-version=2021-04-12");
        let mut request = Request::builder().method(method).uri(uri).header("authorization", self.token("iothubowner"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    async fn make(&self, id: &str) {
        assert_eq!(self.ask("PUT", &format!("/devices/{id}"), &[], json!({"deviceId": id})).await.status, 200);
    }
}

#[tokio::test]
async fn an_identity_lives_and_dies_as_the_sdks_expect() {
    let hub = Hub::new();
    let body = json!({"deviceId": "d1", "authentication": {"symmetricKey": {"primaryKey": "", "secondaryKey": ""}, "type": "sas"}});
    let made = hub.ask("PUT", "/devices/d1", &[], body).await;
    assert_eq!(
        (made.status, made.body["deviceId"].as_str(), made.body["status"].as_str()),
        (200, Some("d1"), Some("enabled"))
    );
    assert_eq!(hub.ask("GET", "/devices/d1", &[], Value::Null).await.body, made.body);
    assert_eq!(hub.ask("PUT", "/devices/d1", &[], json!({})).await.error(), (409, "DeviceAlreadyExists"));
    assert_eq!(hub.ask("DELETE", "/devices/d1", &[], Value::Null).await.error(), (412, "PreconditionFailed"));
    let gone = hub.ask("DELETE", "/devices/d1", &[("if-match", "\"*\"")], Value::Null).await;
    assert_eq!((gone.status, gone.body), (204, Value::Null));
    let none = hub.ask("GET", "/devices/d1", &[], Value::Null).await;
    assert_eq!(none.error(), (404, "DeviceNotFound"));
    assert!(none.body["Message"].as_str().unwrap().starts_with("ErrorCode:DeviceNotFound;"));
}

#[tokio::test]
async fn ids_may_be_escaped_and_even_be_called_query() {
    let hub = Hub::new();
    for (path, id) in [("/devices/d%3A1%23x", "d:1#x"), ("/devices/query", "query")] {
        let made = hub.ask("PUT", path, &[], json!({"deviceId": id})).await;
        assert_eq!((made.status, made.body["deviceId"].as_str()), (200, Some(id)));
    }
    assert_eq!(hub.ask("PUT", "/devices/invalid%2Fname", &[], json!({})).await.error(), (400, "ArgumentInvalid"));
    for path in ["/devices", "/devices/", "/devices?top=1"] {
        let list = hub.ask("GET", path, &[], Value::Null).await;
        assert_eq!(list.body[0]["deviceId"], json!("d:1#x"), "{path}");
    }
    assert_eq!(hub.ask("GET", "/devices?top=0", &[], Value::Null).await.error(), (400, "DeviceInvalidResultCount"));
}

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
async fn a_query_pages_with_headers() {
    let hub = Hub::new();
    for id in ["a", "b", "c"] {
        hub.make(id).await;
    }
    let query = json!({"query": "SELECT * FROM devices"});
    let first = hub.ask("POST", "/devices/query", &[("x-ms-max-item-count", "2")], query.clone()).await;
    assert_eq!((first.body.as_array().unwrap().len(), first.header("x-ms-item-type")), (2, Some("Twin")));
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    let headers = [("x-ms-max-item-count", "2"), ("x-ms-continuation", token.as_str())];
    let last = hub.ask("POST", "/devices/query", &headers, query).await;
    assert_eq!((last.body[0]["deviceId"].as_str(), last.header("x-ms-continuation")), (Some("c"), None));
    let other = hub.ask("POST", "/devices/query", &headers, json!({"query": "SELECT deviceId FROM devices"})).await;
    assert_eq!(other.error(), (400, "ArgumentInvalid"));
    let wrong = hub.ask("POST", "/devices/query", &[], json!({"query": "SELECT"})).await;
    assert_eq!(wrong.error(), (400, "ArgumentInvalid"));
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
async fn devices_are_counted() {
    let hub = Hub::new();
    hub.make("d1").await;
    let counts = hub.ask("GET", "/statistics/devices", &[], Value::Null).await;
    assert_eq!(counts.body, json!({"totalDeviceCount": 1, "enabledDeviceCount": 1, "disabledDeviceCount": 0}));
    let connected = hub.ask("GET", "/statistics/service", &[], Value::Null).await;
    assert_eq!(connected.body, json!({"connectedDeviceCount": 0}));
}

#[tokio::test]
async fn an_error_names_the_id_that_its_answer_carries() {
    let hub = Hub::new();
    let none = hub.ask("GET", "/devices/d1", &[], Value::Null).await;
    let tracking = none.body["ExceptionMessage"].as_str().unwrap();
    assert!(tracking.contains(none.header("x-ms-request-id").unwrap()), "{tracking}");
    let other = hub.ask("GET", "/devices/d1", &[], Value::Null).await;
    assert_ne!(none.header("x-ms-request-id"), other.header("x-ms-request-id"));
}

#[tokio::test]
async fn metrics_tell_routes_and_never_devices_and_are_for_those_who_may() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.ask("PATCH", "/twins/d1", &[], json!({"tags": {"a": 1}})).await;
    let text = async |router: &Router, token: Option<String>| {
        let mut request = Request::builder().uri("https://localhost/metrics");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(text(&hub.router, None).await.0, 401);
    assert_eq!(text(&hub.router, Some(hub.token("registryRead"))).await.0, 401);
    let (status, metrics) = text(&hub.router, Some(hub.token("service"))).await;
    assert_eq!(status, 200);
    for line in [
        r#"twinops_hub_requests_total{method="PUT",route="/devices/{id}",status="200"} 1"#,
        r#"twinops_hub_requests_total{method="GET",route="/metrics",status="401"} 2"#,
        r#"twinops_hub_refused_total{side="rest",reason="permission"} 1"#,
        r#"twinops_hub_twin_writes_total{part="service"} 1"#,
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("d1"), "{metrics}");
    assert_eq!(text(&open_router(&hub.api), None).await.0, 200);
}
