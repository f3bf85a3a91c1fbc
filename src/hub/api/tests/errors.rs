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

/// What the description of the API says of one operation.
struct Described {
    method: String,
    path: String,
    about: Value,
}

impl Described {
    fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(crate::hub::openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let of = |(path, methods): (String, Value)| {
            let methods = methods.as_object().unwrap().clone();
            methods.into_iter().map(move |(method, about)| Self {
                method: method.to_uppercase(),
                path: path.clone(),
                about,
            })
        };
        // A handshake needs a connection, which there is none of here.
        paths.into_iter().flat_map(of).filter(|one| one.about["responses"].get("101").is_none()).collect()
    }

    /// The path with something in the place of every parameter.
    fn path(&self, parameter: &str) -> String {
        let segments = self.path.split('/').map(|one| if one.starts_with('{') { parameter } else { one });
        segments.collect::<Vec<_>>().join("/")
    }

    fn is_versioned(&self) -> bool {
        self.about["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "api-version")
    }

    fn needs_credentials(&self) -> bool {
        self.about["security"] != json!([])
    }

    fn is_for_devices(&self) -> bool {
        self.about["security"].as_array().is_some_and(|ways| !ways.is_empty())
    }

    fn never_succeeds(&self) -> bool {
        self.about["responses"].as_object().unwrap().len() == 1
    }

    /// Whether its template, or this very path, stands for another one.
    fn covers(&self, other: &str) -> bool {
        let (ours, theirs): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), other.split('/').collect());
        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(own, one)| own.starts_with('{') || own == one)
    }
}

impl Hub {
    /// As its owner, whatever the body.
    async fn raw(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(format!("https://localhost{path}"));
        let request = request.header("authorization", self.token("iothubowner"));
        self.send(request.header("if-match", "*").body(body.into()).unwrap()).await
    }
}

const VERSION: &str = "?api-version=2021-04-12";

#[tokio::test]
async fn every_operation_refuses_other_versions_and_strangers() {
    let hub = Hub::new();
    for one in Described::all() {
        let (method, path) = (one.method.as_str(), one.path("x1"));
        for version in ["", "?api-version=", "?api-version=2015-01-01", "?api-version=soon", "?version=2021-04-12"] {
            let answer = hub.raw(method, &format!("{path}{version}"), "{}").await;
            let expected = if one.is_versioned() { Some((400, "InvalidProtocolVersion")) } else { None };
            assert!(expected.is_none_or(|expected| answer.error() == expected), "{method} {path}{version}");
        }
        if one.needs_credentials() {
            let request = Request::builder().method(method).uri(format!("{path}{VERSION}"));
            let answer = hub.send(request.body(Body::empty()).unwrap()).await;
            let (status, name) = answer.error();
            assert!(status == 401 && name.starts_with("IotHubUnauthorized"), "{method} {path}: {status} {name}");
        }
    }
}

#[tokio::test]
async fn every_operation_refuses_names_and_bodies_that_cannot_be_read() {
    let hub = Hub::new();
    for one in Described::all() {
        let method = one.method.as_str();
        let odd = one.path("%FF");
        if odd != one.path {
            let answer = hub.raw(method, &format!("{odd}{VERSION}"), "{}").await;
            assert!((400..405).contains(&answer.error().0), "{method} {odd}");
        }
        let takes = &one.about["requestBody"]["content"];
        if takes.is_null() || one.is_for_devices() || one.never_succeeds() {
            continue;
        }
        let path = format!("{}{VERSION}", one.path("x1"));
        if takes.get("application/json").is_some() {
            for broken in ["{", "[]]", "7", "\"x\"", "\u{0}", "null"] {
                let answer = hub.raw(method, &path, broken).await;
                assert!((400..405).contains(&answer.error().0), "{method} {path} {broken}");
            }
        }
        let answer = hub.raw(method, &path, vec![b' '; 1024 * 1024 + 1]).await;
        assert_eq!(answer.error(), (413, "MessageTooLarge"), "{method} {path}");
    }
}

#[tokio::test]
async fn every_path_names_the_methods_it_has() {
    let (hub, all) = (Hub::new(), Described::all());
    for one in &all {
        let path = one.path("x1");
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            if all.iter().any(|other| other.method == method && other.covers(&path)) {
                continue;
            }
            let answer = hub.raw(method, &format!("{path}{VERSION}"), "{}").await;
            assert_eq!(answer.error(), (405, "GenericMethodNotAllowed"), "{method} {path}");
            assert!(answer.header("allow").unwrap().contains(&one.method), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_hub_that_closes_is_not_ready() {
    let hub = Hub::new();
    assert_eq!(hub.raw("GET", "/readyz", "").await.status, 200);
    hub.api.core.close_doors();
    assert_eq!(hub.raw("GET", "/readyz", "").await.error(), (503, "ServiceUnavailable"));
    assert_eq!(hub.raw("GET", "/healthz", "").await.status, 200);
}
