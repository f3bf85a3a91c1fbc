//! Every route, asked by those who may not.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use twinops::iothub::{DEFAULT_POLICIES, Permissions};

use crate::{
    stage::{GROUP, MINE, MY_ENROLLMENT, MY_MODULE, MY_OTHER_MODULE, Stage, VICTIM, VICTIM_MODULE, key},
    wire,
    world::PATIENCE,
};

/// A route of the hub's own list.
struct Route {
    method: Method,
    template: String,
    caller: Caller,
}

/// Whom a route is for.
#[derive(Debug, PartialEq)]
enum Caller {
    Service,
    Device,
    Anyone,
}

/// All that the hub describes.
fn routes() -> Vec<Route> {
    let document: Value = serde_json::from_str(twinops::hub::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |one| (path, one)));
    let route = |(path, (method, operation)): (&String, (&String, &Value))| Route {
        method: method.to_uppercase().parse().unwrap(),
        template: path.clone(),
        caller: match operation.get("security").and_then(Value::as_array) {
            None => Caller::Service,
            Some(schemes) if schemes.is_empty() => Caller::Anyone,
            Some(_) => Caller::Device,
        },
    };
    all.map(route).collect()
}

/// The permissions of which one is needed (protocol reference 1.3).
fn permissions(method: &Method, path: &str) -> Vec<Permissions> {
    let (read, write) = (Permissions::REGISTRY_READ, Permissions::REGISTRY_WRITE);
    let service = Permissions::SERVICE_CONNECT;
    let is_read = *method == Method::GET || path.ends_with("/query") || path.ends_with("/testQueries");
    let registry = if is_read { read } else { write };
    let enrollment = if is_read { Permissions::ENROLLMENT_READ } else { Permissions::ENROLLMENT_WRITE };
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments[..] {
        ["twins" | "digitaltwins" | "messages" | "metrics", ..]
        | ["jobs", "v2", ..]
        | ["devices", "query"]
        | ["devices", _, "commands"]
        | ["devices", _, "messages", _]
        | ["statistics", "service"] => vec![service],
        ["configurations", ..] | ["devices", _, "applyConfigurationContent"] => vec![registry, service],
        // What is exported are keys, and who asks for an import may see how it goes.
        ["jobs", ..] => vec![write],
        ["enrollments" | "enrollmentGroups" | "registrations", ..] => vec![registry, enrollment],
        ["devices" | "certificates", ..] | ["statistics", "devices"] => vec![registry],
        _ => panic!("say which permission {method} {path} needs"),
    }
}

/// Credentials of others, each with what it is.
fn others(stage: &Stage) -> Vec<(String, String)> {
    let host = stage.host();
    let expired = twinops::iothub::sign(&format!("{host}/devices/victim"), &key(VICTIM), 1_000_000_000, None);
    let all = [
        ("nothing", String::new()),
        ("no token", "Bearer victim".to_owned()),
        ("the victim's token, expired", expired),
        ("another device", stage.of_key(MINE, "/devices/mine")),
        ("another device, for the victim", stage.of_key(MINE, "/devices/victim")),
        ("another device, for all devices", stage.of_key(MINE, "/devices")),
        ("another device, for the hub", stage.of_key(MINE, "")),
        ("a module of another device", stage.of_key(MY_MODULE, "/devices/mine/modules/m1")),
        ("another module of another device", stage.of_key(MY_OTHER_MODULE, "/devices/mine/modules/m2")),
        ("a module of another device, for the victim", stage.of_key(MY_MODULE, "/devices/victim")),
        ("a module of another device, for the victim's", stage.of_key(MY_MODULE, "/devices/victim/modules/m1")),
        ("the victim's module", stage.of_key(VICTIM_MODULE, "/devices/victim/modules/m1")),
        ("the victim's module, for its device", stage.of_key(VICTIM_MODULE, "/devices/victim")),
        ("an enrolment", stage.of_enrollment(&key(MY_ENROLLMENT), "mine")),
        ("an enrolment, for the victim's registration", stage.of_enrollment(&key(MY_ENROLLMENT), "victim")),
        ("an enrolment, for the victim", stage.of_key(MY_ENROLLMENT, "/devices/victim")),
        ("a group of enrolments", stage.of_enrollment(&key(GROUP), "victim")),
        ("a group of enrolments, for the victim", stage.of_key(GROUP, "/devices/victim")),
        ("devices, but not this one", stage.of_policy("device", "/devices/mine")),
        ("devices, but with the victim's name longer", stage.of_policy("device", "/devices/victim2")),
        ("the owner, for another device", stage.of_policy("iothubowner", "/devices/mine")),
        ("the owner, for the victim's module", stage.of_policy("iothubowner", "/devices/victim/modules/m1")),
    ];
    all.map(|(name, token)| (name.to_owned(), token)).into()
}

/// Policies that have none of these permissions.
fn policies(stage: &Stage, needed: &[Permissions]) -> Vec<(String, String)> {
    let lack = DEFAULT_POLICIES.iter().filter(|(_, has)| !needed.iter().any(|one| has.contains(*one)));
    lack.map(|(name, _)| (format!("policy {name}"), stage.of_policy(name, ""))).collect()
}

/// The path with the victim in it.
fn of_victim(stage: &Stage, template: &str) -> String {
    let path = template.replace("{id}", "victim").replace("{module}", "m1").replace("{scope}", &stage.id_scope);
    ["name", "path", "token", "operation"].iter().fold(path, |path, part| path.replace(&format!("{{{part}}}"), "x"))
}

/// Status and name of the error.
async fn ask(stage: &Stage, method: &Method, path: &str, token: &str) -> (StatusCode, Option<String>) {
    let uri = format!("https://{}{path}?api-version=2021-04-12", stage.host());
    let request = stage.world.http.request(method.clone(), uri).timeout(PATIENCE);
    let request = request.header("authorization", token).header("if-match", "*").body("{}");
    let answer = request.send().await.unwrap();
    let error = answer.headers().get("iothub-errorcode").map(|name| name.to_str().unwrap().to_owned());
    (answer.status(), error)
}

#[tokio::test]
async fn no_route_is_open_to_others() {
    let mut stage = Stage::new().await;
    let (others, mut open) = (others(&stage), BTreeSet::new());
    for Route { method, template, caller } in routes() {
        let path = of_victim(&stage, &template);
        assert!(!path.contains('{'), "say what to put into {template}");
        let mut tried = others.clone();
        match caller {
            Caller::Anyone => {
                open.insert(template);
                continue;
            }
            // What a device does, only those do who may connect devices.
            Caller::Device => tried.extend(policies(&stage, &[Permissions::DEVICE_CONNECT])),
            Caller::Service => {
                tried.extend(policies(&stage, &permissions(&method, &template)));
                tried.push(("the victim".to_owned(), stage.of_key(VICTIM, "/devices/victim")));
                tried.push(("all devices".to_owned(), stage.of_policy("device", "/devices")));
                tried.push(("the owner, for all devices".to_owned(), stage.of_policy("iothubowner", "/devices")));
            }
        }
        for (name, token) in tried {
            // Whoever a policy vouches for is told that this is not theirs to ask. Provisioning has no other word.
            let is_known = caller == Caller::Service && token.contains("&skn=") && !token.contains("skn=registration");
            let is_provisioning = template.starts_with("/{scope}");
            let error = if is_known || is_provisioning { "IotHubUnauthorizedAccess" } else { "IotHubUnauthorized" };
            let refusal = (StatusCode::UNAUTHORIZED, Some(error.to_owned()));
            assert_eq!(ask(&stage, &method, &path, &token).await, refusal, "{method} {path} by {name}");
        }
        stage.is_untouched(&format!("{method} {path}")).await;
    }
    assert_eq!(open.into_iter().collect::<Vec<_>>(), ["/$iothub/websocket", "/healthz", "/openapi.json", "/readyz"]);
    stage.end().await;
}

#[tokio::test]
async fn the_owner_may_ask_what_others_may_not() {
    let stage = Stage::new().await;
    let owner = stage.of_policy("iothubowner", "");
    for Route { method, template, .. } in routes().into_iter().filter(|route| route.method == Method::GET) {
        let (status, _) = ask(&stage, &method, &of_victim(&stage, &template), &owner).await;
        // A registration is for whoever has its enrolment, and for nobody else.
        let is_registration = template.starts_with("/{scope}");
        assert_eq!(status == StatusCode::UNAUTHORIZED, is_registration, "{method} {template}");
    }
    stage.end().await;
}

#[tokio::test]
async fn no_spelling_of_a_path_leads_to_another_device() {
    let mut stage = Stage::new().await;
    let token = stage.of_key(MINE, "/devices/mine");
    for path in [
        "/devices/victim/messages/deviceBound",
        "/devices/victim/messages/devicebound",
        "/devices/%76ictim/messages/deviceBound",
        "/devices/mine/../victim/messages/deviceBound",
        "/devices/mine/%2e%2e/victim/messages/deviceBound",
        "/devices/mine%2F..%2Fvictim/messages/deviceBound",
        "/devices/mine/messages/deviceBound/../../../victim/messages/deviceBound",
        "/devices/mine%00victim/messages/deviceBound",
        "/devices/mine%3Fvictim/messages/deviceBound",
        "/devices/mine%2fmodules%2fm1/messages/deviceBound",
        "/devices/mine/modules/m1/messages/deviceBound",
        "/devices/mine/modules/../../victim/messages/deviceBound",
        "/devices//victim/messages/deviceBound",
        "//devices/victim/messages/deviceBound",
        "/devices/*/messages/deviceBound",
        "/devices/+/messages/deviceBound",
        "https://localhost/devices/victim/messages/deviceBound",
        "/twins/mine",
        "/twins/mine/modules/m1",
        "/devices/mine",
        "/digitaltwins/mine",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let stream = wire::dial(&stage.world.tls, stage.http).await;
            let answer = wire::ask(stream, method, path, &token, "if-match: *\r\n", "{}").await;
            let is_refused = (400..500).contains(&answer.status);
            assert!(
                is_refused && !answer.body.contains("secret"),
                "{method} {path}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    stage.is_untouched("an odd path").await;
    stage.end().await;
}

#[tokio::test]
async fn a_lock_of_a_message_is_for_its_device_alone() {
    let stage = Stage::new().await;
    let ask = async |method: &str, path: &str, token: &str| {
        wire::ask(wire::dial(&stage.world.tls, stage.http).await, method, path, token, "", "").await
    };
    let victims = stage.of_key(VICTIM, "/devices/victim");
    let message = ask("GET", "/devices/victim/messages/deviceBound", &victims).await;
    assert_eq!(message.status, 200);
    let lock = message.header("etag").unwrap().trim_matches('"').to_owned();
    let mine = stage.of_key(MINE, "/devices/mine");
    for (method, path) in
        [("DELETE", lock.clone()), ("DELETE", format!("{lock}?reject=")), ("POST", format!("{lock}/abandon"))]
    {
        let refused = ask(method, &format!("/devices/mine/messages/deviceBound/{path}"), &mine).await;
        let error = refused.header("iothub-errorcode");
        assert_eq!((refused.status, error), (412, Some("DeviceMessageLockLost")), "{method} {path}");
    }
    assert_eq!(ask("DELETE", &format!("/devices/victim/messages/deviceBound/{lock}"), &victims).await.status, 204);
    stage.end().await;
}
