//! The provisioning service, as clients see it.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::{
    super::{
        super::{
            auth::{Authority, Policies},
            core::Core,
            mqtt::LinkTable,
            ports::PeerCertificates,
            store::SqliteStore,
            tls::{self, sample::Signer},
        },
        router,
    },
    *,
};
use crate::iothub::{HostName, Key, sign};

const SCOPE: &str = "0ne0000ABCD";
const FOREVER: u64 = 4_000_000_000;

struct Hub {
    router: Router,
    api: Api<SqliteStore, LinkTable>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and number of an error, in the service's envelope.
    fn error(&self) -> (u16, u64) {
        let has_all = ["trackingId", "message", "timestampUtc"].iter().all(|name| self.body[*name].is_string());
        assert!(has_all && self.header("x-ms-request-id").is_some(), "{}", self.body);
        (self.status, self.body["errorCode"].as_u64().unwrap())
    }
}

impl Hub {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let authority = Authority::new(vec![HostName::parse("localhost").unwrap()], Policies::generate().unwrap());
        let core = Core::new(store, std::sync::Arc::new(LinkTable::new()), authority);
        let core = core.with_provisioning(SCOPE.to_owned(), "localhost".to_owned());
        let api = Api::new(std::sync::Arc::new(core), TaskTracker::new());
        Self { router: router(&api), api, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    fn request(method: &str, path: &str, token: &str, headers: &[(&str, &str)], body: &Value) -> Request<Body> {
        let uri = if path.contains('?') { path.to_owned() } else { format!("{path}?api-version=2021-10-01") };
        let mut request = Request::builder().method(method).uri(uri).header("authorization", token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) }).unwrap()
    }

    async fn ask_as(&self, policy: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let key = &self.api.core.authority().policies().get(policy).unwrap().primary;
        let token = sign("localhost", key, FOREVER, Some(policy));
        self.send(Self::request(method, path, &token, headers, &body)).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.ask_as("provisioningserviceowner", method, path, headers, body).await
    }

    async fn device(&self, method: &str, path: &str, id: &str, key: &Key, body: Value) -> Answer {
        let token = sign(&format!("{SCOPE}/registrations/{id}"), key, FOREVER, Some("registration"));
        self.send(Self::request(method, path, &token, &[], &body)).await
    }
}

fn keys(byte: u8) -> (Key, Value) {
    let key = Key::from_bytes(&[byte; 32]).unwrap();
    let keys = json!({"primaryKey": key.reveal(), "secondaryKey": key.reveal()});
    (key, json!({"type": "symmetricKey", "symmetricKey": keys}))
}

#[tokio::test]
async fn an_enrolment_is_created_read_updated_and_deleted() {
    let hub = Hub::new();
    let (key, attestation) = keys(1);
    let body = json!({"registrationId": "r1", "attestation": attestation, "etag": "", "iotHubs": null});
    let made = hub.ask("PUT", "/enrollments/r1", &[], body.clone()).await;
    assert_eq!(made.status, 200);
    assert_eq!(made.body["attestation"]["symmetricKey"]["primaryKey"], json!(key.reveal()));
    assert_eq!(made.body["provisioningStatus"], json!("enabled"));
    let etag = made.header("etag").unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", made.body["etag"].as_str().unwrap()));
    let read = hub.ask("GET", "/enrollments/R1", &[], Value::Null).await;
    assert_eq!(read.body["attestation"]["symmetricKey"], json!({"primaryKey": null, "secondaryKey": null}));
    let mechanism = hub.ask("POST", "/enrollments/r1/attestationmechanism", &[], Value::Null).await;
    assert_eq!(mechanism.body, attestation);
    assert_eq!(hub.ask("PUT", "/enrollments/r1", &[], body).await.error(), (409, 409_000));
    // What was read is enough to update, and keeps the keys.
    let updated = hub.ask("PUT", "/enrollments/r1", &[("if-match", &etag)], read.body).await;
    assert_eq!((updated.status, &updated.body["attestation"]), (200, &attestation));
    assert_eq!(hub.ask("DELETE", "/enrollments/r1", &[("if-match", &etag)], Value::Null).await.error(), (412, 412_001));
    let gone = hub.ask("DELETE", "/enrollments/r1", &[("if-match", "*")], Value::Null).await;
    assert_eq!((gone.status, gone.body), (204, Value::Null));
    assert_eq!(hub.ask("GET", "/enrollments/r1", &[], Value::Null).await.error(), (404, 404_000));
    assert_eq!(hub.ask("GET", "/enrollments/a%2Fb", &[], Value::Null).await.error(), (400, 400_004));
}

#[tokio::test]
async fn groups_live_beside_individuals_and_either_may_be_called_query() {
    let hub = Hub::new();
    for path in ["/enrollmentGroups/query", "/enrollments/query", "/enrollmentGroups/g1"] {
        let made = hub.ask("PUT", path, &[], json!({"attestation": {"type": "symmetricKey"}})).await;
        assert_eq!(made.status, 200, "{path}");
        let member = if path.contains("Groups") { "enrollmentGroupId" } else { "registrationId" };
        assert_eq!(made.body[member], json!(path.rsplit('/').next().unwrap()));
        assert!(made.body["attestation"]["symmetricKey"]["primaryKey"].is_string(), "minted");
        assert_eq!(hub.ask("GET", path, &[], Value::Null).await.status, 200);
    }
    let mechanism = hub.ask("POST", "/enrollmentGroups/g1/attestationmechanism", &[], Value::Null).await;
    assert!(mechanism.body["symmetricKey"]["secondaryKey"].is_string());
    let query = json!({"query": "SELECT * FROM enrollmentGroups"});
    let all = hub.ask("POST", "/enrollmentGroups/query", &[], query).await;
    assert_eq!((all.body.as_array().unwrap().len(), all.header("x-ms-item-type")), (2, Some("enrollmentGroup")));
}

#[tokio::test]
async fn enrolments_come_in_pages_without_keys() {
    let hub = Hub::new();
    for number in 0..5 {
        let status = if number == 3 { "disabled" } else { "enabled" };
        let body = json!({"attestation": {"type": "symmetricKey"}, "provisioningStatus": status});
        hub.ask("PUT", &format!("/enrollments/r{number}"), &[], body).await;
    }
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut headers = vec![("x-ms-max-item-count", "2")];
        headers.extend(token.as_deref().map(|token| ("x-ms-continuation", token)));
        let query = json!({"query": "SELECT * FROM enrollments WHERE provisioningStatus = 'enabled'"});
        let page = hub.ask("POST", "/enrollments/query", &headers, query).await;
        assert!(!page.body.to_string().contains("Key\":\""));
        found.push(page.body.as_array().unwrap().iter().map(|row| row["registrationId"].clone()).collect::<Vec<_>>());
        token = page.header("x-ms-continuation").map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, [["r0", "r1"], ["r2", "r4"]].map(|page| page.map(Value::from).to_vec()));
    let bad = hub.ask("POST", "/enrollments/query", &[], json!({"query": "SELECT * FROM devices"})).await;
    assert_eq!(bad.error(), (400, 400_004));
    let strange = hub
        .ask("POST", "/enrollments/query", &[("x-ms-continuation", "x")], json!({"query": "SELECT * FROM enrollments"}))
        .await;
    assert_eq!(strange.error(), (400, 400_004));
}

#[tokio::test]
async fn many_are_enrolled_at_once_and_errors_name_theirs() {
    let hub = Hub::new();
    let (_, attestation) = keys(1);
    let bulk = |mode: &str, ids: &[&str]| {
        let all: Vec<_> = ids.iter().map(|id| json!({"registrationId": id, "attestation": attestation})).collect();
        json!({"mode": mode, "enrollments": all})
    };
    let made = hub.ask("POST", "/enrollments", &[], bulk("create", &["a", "b"])).await;
    assert_eq!((made.status, made.body), (200, json!({"isSuccessful": true, "errors": []})));
    let some = hub.ask("POST", "/enrollments/", &[], bulk("create", &["b", "c", "a/b"])).await.body;
    assert_eq!(some["isSuccessful"], json!(false));
    let errors: Vec<_> =
        some["errors"].as_array().unwrap().iter().map(|e| (&e["registrationId"], &e["errorCode"])).collect();
    assert_eq!(errors, [(&json!("b"), &json!(409_000)), (&json!("a/b"), &json!(400_004))]);
    assert_eq!(
        hub.ask("POST", "/enrollments", &[], bulk("updateIfMatchETag", &["a"])).await.body["isSuccessful"],
        json!(false)
    );
    for mode in ["update", "delete"] {
        let done = hub.ask("POST", "/enrollments", &[], bulk(mode, &["a", "b", "c"])).await;
        assert_eq!(done.body["isSuccessful"], json!(true), "{mode}");
    }
    assert_eq!(hub.ask("GET", "/enrollments/c", &[], Value::Null).await.status, 404);
    let too_many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    let too_many = bulk("delete", &too_many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(hub.ask("POST", "/enrollments", &[], too_many).await.error(), (413, 413_002));
}

#[tokio::test]
async fn only_whoever_may_reads_and_writes_enrolments() {
    let hub = Hub::new();
    let get = |policy| hub.ask_as(policy, "GET", "/enrollments/r1", &[], Value::Null);
    assert_eq!(get("service").await.error(), (401, 401_002));
    assert_eq!(get("registryRead").await.error(), (404, 404_000));
    let body = || json!({"attestation": {"type": "symmetricKey"}});
    let put = |policy| hub.ask_as(policy, "PUT", "/enrollments/r1", &[], body());
    assert_eq!(put("registryRead").await.error(), (401, 401_002));
    assert_eq!(put("iothubowner").await.status, 200);
    let keys = |policy| hub.ask_as(policy, "POST", "/enrollments/r1/attestationmechanism", &[], Value::Null);
    assert_eq!((keys("registryRead").await.status, keys("iothubowner").await.status), (401, 200));
    // Whoever may write enrolments may not write identities for that.
    let identity = hub.ask("PUT", "/devices/d1", &[], json!({"deviceId": "d1"})).await;
    assert_eq!(identity.status, 401);
}

#[tokio::test]
async fn a_device_registers_over_https() {
    let hub = Hub::new();
    let (group, attestation) = keys(3);
    hub.ask("PUT", "/enrollmentGroups/g1", &[], json!({"attestation": attestation})).await;
    let key = group.derive("dev-1");
    let base = format!("/{SCOPE}/registrations/dev-1");
    let path = format!("{base}/register?api-version=2019-03-31");
    let begun = hub.device("PUT", &path, "dev-1", &key, json!({"registrationId": "dev-1"})).await;
    assert_eq!(
        (begun.status, begun.header("retry-after"), &begun.body["status"]),
        (202, Some("1"), &json!("assigning"))
    );
    let operation = begun.body["operationId"].as_str().unwrap();
    let location = begun.header("location").unwrap();
    assert_eq!(location, format!("{base}/operations/{operation}?api-version=2019-03-31"));
    let over = hub.device("GET", location, "dev-1", &key, Value::Null).await;
    assert_eq!((over.status, &over.body["status"]), (200, &json!("assigned")));
    let state = &over.body["registrationState"];
    assert_eq!((&state["assignedHub"], &state["deviceId"]), (&json!("localhost"), &json!("dev-1")));
    let status = hub.device("POST", &base, "dev-1", &key, json!({"registrationId": "dev-1"})).await;
    assert_eq!((status.status, &status.body), (200, state));

    // As operators see it.
    assert_eq!(hub.ask("GET", "/registrations/DEV-1", &[], Value::Null).await.body, *state);
    let of_group = hub.ask("POST", "/registrations/g1/query", &[], Value::Null).await;
    assert_eq!(
        (of_group.body, hub.ask("POST", "/registrations/g2/query", &[], Value::Null).await.body),
        (json!([state]), json!([]))
    );
    assert_eq!(
        hub.ask("DELETE", "/registrations/dev-1", &[("if-match", "\"x\"")], Value::Null).await.error(),
        (412, 412_001)
    );
    assert_eq!(hub.ask("DELETE", "/registrations/dev-1", &[], Value::Null).await.status, 204);
    assert_eq!(hub.device("POST", &base, "dev-1", &key, Value::Null).await.error(), (404, 404_000));
}

#[tokio::test]
async fn a_stranger_learns_nothing() {
    let hub = Hub::new();
    let (key, attestation) = keys(3);
    hub.ask("PUT", "/enrollments/r1", &[], json!({"attestation": attestation})).await;
    let (other, _) = keys(4);
    let base = format!("/{SCOPE}/registrations");
    for (path, id, key) in [
        (format!("{base}/r1/register"), "r1", &other),
        (format!("{base}/r2/register"), "r2", &key),
        (format!("{base}/r2/register"), "r1", &key),
        ("/0ne0000FFFF/registrations/r1/register".to_owned(), "r1", &key),
        ("/registrations/registrations/r1/register".to_owned(), "r1", &key),
    ] {
        assert_eq!(hub.device("PUT", &path, id, key, json!({})).await.error(), (401, 401_002), "{path}");
    }
    let owner = &hub.api.core.authority().policies().get("iothubowner").unwrap().primary;
    let token = sign("localhost", owner, FOREVER, Some("iothubowner"));
    let path = format!("{base}/r1/register");
    assert_eq!(hub.send(Hub::request("PUT", &path, &token, &[], &json!({}))).await.error(), (401, 401_002));
    assert_eq!(hub.device("PUT", &format!("{path}?x"), "r1", &key, json!({})).await.error(), (400, 400_001));
    assert_eq!(
        hub.device("PUT", &format!("{base}/a%20b/register"), "r1", &key, json!({})).await.error(),
        (400, 400_004)
    );
}

#[tokio::test]
async fn the_certificate_of_the_connection_is_what_counts() {
    let hub = Hub::new();
    let root = Signer::root("root");
    let certificate = tls::to_text(&root.der());
    let x509 = json!({"signingCertificates": {"primary": {"certificate": certificate}}});
    hub.ask("PUT", "/enrollmentGroups/g1", &[], json!({"attestation": {"type": "x509", "x509": x509}})).await;
    let uri = format!("/{SCOPE}/registrations/dev-1/register?api-version=2021-06-01");
    let request = |chain: Vec<_>| {
        let request = Request::builder().method("PUT").uri(&uri).extension(PeerCertificates(chain.into()));
        request.body(Body::from(r#"{"registrationId":"dev-1"}"#)).unwrap()
    };
    assert_eq!(hub.send(request(vec![])).await.error(), (401, 401_002));
    assert_eq!(hub.send(request(vec![root.device("dev-2").der()])).await.error(), (401, 401_002));
    assert_eq!(hub.send(request(vec![root.device("dev-1").der()])).await.status, 202);
}
