//! Several hubs over one database: real processes, real sockets, a real PostgreSQL.

#![cfg(all(unix, feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "cluster/database.rs"]
mod database;
#[path = "cluster/deaths.rs"]
mod deaths;
#[path = "cluster/hub.rs"]
mod hub;
mod postgres;

use hub::{DESIRED, Hub, state, until};
use postgres::Postgres;
use reqwest::{Method, StatusCode};
use rumqttc::Incoming;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_at_one_hub_is_reached_through_the_other() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let mut device = a.connect("d1", &key).await;
    device.subscribe(DESIRED).await;
    assert_eq!((state(&a, "d1").await, state(&b, "d1").await), (json!("Connected"), json!("Connected")));

    // In order, whoever writes.
    let writes = async {
        for n in 0..60 {
            let hub = if n % 3 == 0 { &a } else { &b };
            assert_eq!(hub.desire("d1", json!({"n": n})).await, StatusCode::OK);
        }
    };
    let hears = async {
        for version in 2..62 {
            assert_eq!(device.told().await, version);
        }
    };
    tokio::join!(writes, hears);

    device.subscribe("$iothub/methods/POST/#").await;
    let body = json!({"methodName": "echo", "payload": {"k": 1.0}, "responseTimeoutInSeconds": 20});
    let call = b.ask(Method::POST, "/twins/d1/methods", body);
    let answer = async {
        let asked = device.receive().await;
        let rid = asked.topic.strip_prefix("$iothub/methods/POST/echo/?$rid=").unwrap().to_owned();
        let text = String::from_utf8(asked.payload.to_vec()).unwrap();
        device.publish(&format!("$iothub/methods/res/299/?$rid={rid}"), &text).await;
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
    };
    let ((status, body), ()) = tokio::join!(call, answer);
    assert_eq!((status, body), (StatusCode::OK, json!({"status": 299, "payload": {"k": 1.0}})));

    let (_, rows) = b
        .ask(
            Method::POST,
            "/devices/query",
            json!({"query": "SELECT deviceId FROM devices WHERE connectionState = 'Connected'"}),
        )
        .await;
    assert_eq!(rows, json!([{"deviceId": "d1"}]));
    device.client.disconnect().await.unwrap();
    device.is_closed().await;
    until("the other hub sees it go", async || state(&b, "d1").await == json!("Disconnected")).await;
    let (status, _) = b.ask(Method::POST, "/twins/d1/methods", json!({"methodName": "echo"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_waits_for_a_device_to_connect_to_any_hub() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let body = json!({"methodName": "late", "connectTimeoutInSeconds": 20, "responseTimeoutInSeconds": 20});
    let call = a.ask(Method::POST, "/twins/d1/methods", body);
    let answer = async {
        let mut device = b.connect("d1", &key).await;
        device.subscribe("$iothub/methods/POST/#").await;
        let asked = device.receive().await;
        let rid = asked.topic.rsplit_once('=').unwrap().1.to_owned();
        device.publish(&format!("$iothub/methods/res/200/?$rid={rid}"), "null").await;
        device.next(|packet| matches!(packet, Incoming::PubAck(_)).then_some(())).await;
        device
    };
    let ((status, body), _device) = tokio::join!(call, answer);
    assert_eq!((status, body), (StatusCode::OK, json!({"status": 200, "payload": null})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_one_link_among_all_hubs() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let mut first = a.connect("d1", &key).await;
    let mut second = b.connect("d1", &key).await;
    first.is_closed().await;
    second.subscribe(DESIRED).await;
    assert_eq!(a.desire("d1", json!({"x": 1})).await, StatusCode::OK);
    assert_eq!(second.told().await, 2);
    assert_eq!((state(&a, "d1").await, state(&b, "d1").await), (json!("Connected"), json!("Connected")));

    let disable = json!({"deviceId": "d1", "status": "disabled", "etag": "*",
        "authentication": {"symmetricKey": {"primaryKey": key.reveal(), "secondaryKey": key.reveal()}}});
    assert_eq!(a.ask(Method::PUT, "/devices/d1", disable).await.0, StatusCode::OK);
    second.is_closed().await;
    until("it is gone", async || state(&a, "d1").await == json!("Disconnected")).await;
    assert!(b.dial("d1", &key).poll().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_over_one_store_have_one_authority_and_one_set_of_keys() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let read = |hub: &Hub| std::fs::read_to_string(hub.folder.path().join("ca.pem")).unwrap();
    assert_eq!(read(&a), read(&b));
    assert_eq!(a.service.credential, b.service.credential);
    assert_ne!(a.service.host, b.service.host);
    let remembered = std::fs::metadata(a.folder.path().join("hub.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&remembered.permissions()) & 0o077, 0);
    assert!(!a.folder.path().join("hub.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_sent_to_one_hub_reaches_the_device_at_the_other() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let mut device = a.connect("d1", &key).await;
    device.subscribe("devices/d1/messages/devicebound/#").await;
    for n in 0..20 {
        let hub = if n % 2 == 0 { &b } else { &a };
        let (status, _) = hub.ask(Method::POST, "/devices/d1/messages/devicebound", json!(n)).await;
        assert!(status.is_success(), "{status}");
        let message = device.receive().await;
        assert_eq!(*message.payload, *n.to_string().as_bytes());
    }
}
