//! A hub dies, or the database does, in the middle.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    hub::{DESIRED, Hub, RESPONSES, state, until},
    postgres::Postgres,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_with_a_hub() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let mut devices = Vec::new();
    for n in 0..5 {
        let id = format!("d{n}");
        let key = b.make(&id).await;
        let mut device = a.connect(&id, &key).await;
        device.subscribe(RESPONSES).await;
        devices.push((id, key, device, 0_u64));
    }
    let silent = b.make("silent").await;
    let _silent = a.connect("silent", &silent).await;
    assert_eq!(state(&b, "silent").await, json!("Connected"));
    for round in 1..=20 {
        for (_, _, device, acknowledged) in &mut devices {
            let body = json!({"n": round}).to_string();
            device.publish(&format!("$iothub/twin/PATCH/properties/reported/?$rid={round}"), &body).await;
            let answer = device.receive().await;
            assert!(answer.topic.starts_with("$iothub/twin/res/204/"), "{}", answer.topic);
            *acknowledged = round;
        }
    }
    a.kill();
    for (id, key, device, acknowledged) in &mut devices {
        assert_eq!(b.twin(id).await["properties"]["reported"]["n"], json!(acknowledged));
        *device = b.connect(id, key).await;
        // The session survives the hub: the subscription holds.
        device.publish("$iothub/twin/GET/?$rid=1", "").await;
        assert_eq!(device.receive().await.topic, "$iothub/twin/res/200/?$rid=1");
        assert_eq!(state(&b, id).await, json!("Connected"));
    }
    until("a dead hub's links are gone", async || state(&b, "silent").await == json!("Disconnected")).await;
    // A letter to nobody does no harm, and another hub can join.
    assert_eq!(b.desire("silent", json!({"x": 1})).await, StatusCode::OK);
    let c = Hub::start(&database);
    let mut device = c.connect("silent", &silent).await;
    device.subscribe(DESIRED).await;
    assert_eq!(b.desire("silent", json!({"x": 2})).await, StatusCode::OK);
    assert_eq!(device.told().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_closes_takes_its_leave_and_its_links_with_it() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Hub::start(&database), Hub::start(&database));
    let key = a.make("d1").await;
    let _device = a.connect("d1", &key).await;
    assert_eq!(state(&b, "d1").await, json!("Connected"));
    a.close();
    // At once, and not when its silence is noticed.
    assert_eq!(state(&b, "d1").await, json!("Disconnected"));
}

/// Patches a device of its own again and again until the hub is gone; what was acknowledged last.
async fn write_until_the_end(hub: Arc<Hub>, id: String, total: Arc<AtomicU64>) -> (String, u64) {
    for n in 1.. {
        let body = json!({"properties": {"desired": {"n": n}}});
        match hub.try_ask(Method::PATCH, &format!("/twins/{id}"), body).await {
            Some((StatusCode::OK, _)) => _ = total.fetch_add(1, Ordering::Relaxed),
            _ => return (id, n - 1),
        }
    }
    unreachable!("it ends with the hub")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_while_it_writes_has_lost_nothing_that_it_acknowledged() {
    let Some(database) = Postgres::start() else { return };
    let (a, b) = (Arc::new(Hub::start(&database)), Hub::start(&database));
    let (total, mut writers, mut devices) = (Arc::new(AtomicU64::new(0)), JoinSet::new(), Vec::new());
    for n in 0..8 {
        let id = format!("d{n}");
        let key = a.make(&id).await;
        let mut device = a.connect(&id, &key).await;
        device.subscribe(DESIRED).await;
        devices.push((id.clone(), key, device));
        writers.spawn(write_until_the_end(Arc::clone(&a), id, Arc::clone(&total)));
    }
    until("a good deal is written", async || total.load(Ordering::Relaxed) > 200).await;
    a.kill_now();
    while let Some(end) = writers.join_next().await {
        let (id, acknowledged) = end.unwrap();
        let found = b.twin(&id).await["properties"]["desired"]["n"].as_u64().unwrap_or(0);
        // The last one may have been written and not answered.
        assert!(found == acknowledged || found == acknowledged + 1, "{id}: {found}, {acknowledged}");
    }
    // They go on at the other one, where their subscriptions are known.
    for (id, key, device) in &mut devices {
        *device = b.connect(id, key).await;
        let before = b.twin(id).await["properties"]["desired"]["$version"].as_u64().unwrap();
        assert_eq!(b.desire(id, json!({"n": 0})).await, StatusCode::OK);
        assert_eq!(device.told().await, before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_live_through_the_death_of_the_database() {
    let Some(mut database) = Postgres::start() else { return };
    let hubs = [Hub::start(&database), Hub::start(&database)];
    let key = hubs[0].make("d1").await;
    let mut device = hubs[0].connect("d1", &key).await;
    device.subscribe(DESIRED).await;
    let mut acknowledged = [0_u64; 2];
    let write = async |hub: usize, n: u64| {
        let name = ["a", "b"][hub];
        let body = json!({"properties": {"desired": {name: n}}});
        hubs[hub].try_ask(Method::PATCH, "/twins/d1", body).await.map(|(status, _)| status)
    };
    for n in 1..=20 {
        for (hub, last) in acknowledged.iter_mut().enumerate() {
            assert_eq!(write(hub, n).await, Some(StatusCode::OK));
            *last = n;
        }
    }
    database.kill();
    for hub in 0..2 {
        assert_eq!(write(hub, 1000).await, Some(StatusCode::SERVICE_UNAVAILABLE));
    }
    // As long as it is away, and nobody is cut.
    for hub in &hubs {
        let refused = hub.send(Method::GET, "/twins/d1", &Value::Null).await.unwrap();
        let after = refused.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((refused.status(), after.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("2")));
    }
    database.serve();
    for (hub, last) in acknowledged.iter_mut().enumerate() {
        until("the hub writes again", async || write(hub, 2000).await == Some(StatusCode::OK)).await;
        *last = 2000;
    }
    for hub in &hubs {
        let desired = &hub.twin("d1").await["properties"]["desired"];
        assert_eq!((&desired["a"], &desired["b"]), (&json!(acknowledged[0]), &json!(acknowledged[1])));
    }
    // The link was never cut, and hears of what both hubs wrote, in order.
    let (mut last, current) = (0, hubs[0].twin("d1").await["properties"]["desired"]["$version"].as_u64().unwrap());
    while last < current {
        let version = device.told().await;
        assert!(version > last);
        last = version;
    }
    assert_eq!((state(&hubs[1], "d1").await, last), (json!("Connected"), current));
}
