//! Requests and answers, as clients see them, without sockets; one file for each subject.

mod bulk;
mod clients;
mod edge;
mod errors;
mod identities;
mod keys;
mod modules;
mod queries;
mod twins;

mod configurations;

mod digital;
mod jobs;

use axum::{
    body::{Body, to_bytes},
    http::Request,
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
use crate::iothub::{HostName, HubFault, sign};

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

    /// Status and name of an error. Whatever its envelope is, a client finds the same in it as in the header; only the
    /// answer to a bulk request has none.
    fn error(&self) -> (u16, &str) {
        assert!(self.header("x-ms-request-id").is_some());
        let name = self.header("iothub-errorcode").unwrap();
        if self.body.get("isSuccessful").is_none() {
            let fault = HubFault::parse(self.status, None, self.body.to_string().as_bytes());
            let code = fault.code.unwrap();
            assert_eq!((code.name(), code.status()), (name, self.status), "{}", self.body);
            assert!(fault.tracking_id.is_some() && !fault.message.is_empty(), "{}", self.body);
        }
        (self.status, name)
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

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], Value::Null).await
    }

    /// Without `If-Match`: create.
    async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, &[], body).await
    }

    /// With `If-Match: "*"`: update.
    async fn update(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, &[("if-match", "\"*\"")], body).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, &[("if-match", "\"*\"")], Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, &[], body).await
    }

    /// The rows of a query.
    async fn query(&self, text: &str) -> Vec<Value> {
        let answer = self.post("/devices/query", json!({ "query": text })).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.body);
        answer.body.as_array().unwrap().clone()
    }

    async fn make(&self, id: &str) {
        assert_eq!(self.put(&format!("/devices/{id}"), json!({"deviceId": id})).await.status, 200);
    }

    async fn make_module(&self, device: &str, module: &str) -> Value {
        let body = json!({"moduleId": module, "deviceId": device});
        let made = self.put(&format!("/devices/{device}/modules/{module}"), body).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.body
    }
}

#[tokio::test]
async fn a_certificate_is_registered_proven_and_removed() {
    let hub = Hub::new();
    let root = crate::hub::tls::sample::Signer::root("root");
    let text = crate::hub::tls::to_text(&root.der());
    let made = hub.ask("PUT", "/certificates/plant", &[], json!({"properties": {"certificate": text}})).await;
    assert_eq!((made.status, &made.body["properties"]["isVerified"]), (200, &json!(false)));
    let etag = made.header("etag").unwrap();
    assert_eq!(etag, format!("\"{}\"", made.body["etag"].as_str().unwrap()));
    let coded = hub.ask("POST", "/certificates/plant/generateVerificationCode", &[], Value::Null).await;
    let proof = root.device(coded.body["properties"]["verificationCode"].as_str().unwrap());
    let proof = json!({"certificate": crate::hub::tls::to_text(&proof.der())});
    let proven = hub.ask("POST", "/certificates/plant/verify", &[], proof).await;
    assert_eq!(proven.body["properties"]["isVerified"], json!(true));
    assert_eq!(hub.ask("GET", "/certificates", &[], Value::Null).await.body["value"], json!([proven.body]));
    let stale = hub.ask("DELETE", "/certificates/plant", &[("if-match", etag)], Value::Null).await;
    assert_eq!(stale.error(), (412, "PreconditionFailed"));
    assert_eq!(hub.ask("DELETE", "/certificates/plant", &[], Value::Null).await.status, 204);
    assert_eq!(hub.ask("GET", "/certificates/plant", &[], Value::Null).await.error(), (404, "GenericNotFound"));
    assert_eq!(hub.ask("PUT", "/certificates/plant", &[], json!({})).await.error(), (400, "ArgumentInvalid"));
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
