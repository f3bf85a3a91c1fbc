//! Twins, seen from both sides, and queries over them.

use serde_json::{Value, json};

use super::{link::Link, support::World};

const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const ANSWERS: &str = "$iothub/twin/res/#";

impl World {
    /// Patches desired properties; their new version.
    async fn desire(&self, id: &str, patch: Value) -> i64 {
        let twin = self.patch(&format!("/twins/{id}"), "*", json!({"properties": {"desired": patch}})).await.ok();
        twin["properties"]["desired"]["$version"].as_i64().unwrap()
    }

    /// A connected device that hears of its twin.
    async fn listener(&self, id: &str) -> Link {
        let key = self.device(id).await;
        let mut link = self.connect(id, &key).await;
        link.subscribe(ANSWERS).await;
        link.subscribe(DESIRED).await;
        link
    }
}

/// Protocol reference 17.10.
#[tokio::test]
async fn a_twin_is_patched_under_its_etag_and_refused_under_another() {
    let world = World::start().await;
    world.device("d1").await;
    let read = world.get("/twins/d1").await;
    let etag = read.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(read.ok()["etag"], json!(etag));
    let written = world.patch("/twins/d1", &etag, json!({"tags": {"a": 1}})).await.ok();
    assert_eq!(written["tags"], json!({"a": 1}));
    for stale in [etag.as_str(), "abc"] {
        let refused = world.patch("/twins/d1", stale, json!({"tags": {"a": 2}})).await;
        refused.refused(412, "PreconditionFailed");
    }
    assert_eq!(world.get("/twins/d1").await.ok(), written);
    world.end().await;
}

/// Protocol reference 17.11.
#[tokio::test]
async fn each_desired_patch_raises_the_version_by_one_and_is_told_with_it() {
    let world = World::start().await;
    let mut device = world.listener("d1").await;
    assert_eq!(device.twin().await["desired"], json!({"$version": 1}));
    for (version, patch) in [(2, json!({"a": 1, "b": {"c": 2}})), (3, json!({"b": {"d": 3}})), (4, json!({"a": null}))]
    {
        assert_eq!(world.desire("d1", patch.clone()).await, version);
        let mut told = patch;
        told["$version"] = json!(version);
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        assert_eq!(device.receive().await, (topic, told));
    }
    world.patch("/twins/d1", "*", json!({"tags": {"quiet": true}})).await.ok();
    assert_eq!(device.twin().await["desired"], json!({"b": {"c": 2, "d": 3}, "$version": 4}));
    world.end().await;
}

/// Protocol reference 17.12.
#[tokio::test]
async fn null_clears_desired_and_a_device_that_merges_what_it_hears_ends_empty() {
    let world = World::start().await;
    let mut device = world.listener("d1").await;
    let mut cache = serde_json::Map::new();
    for patch in [json!({"a": 1, "b": {"c": [1, 2]}}), Value::Null] {
        world.desire("d1", patch).await;
        let (_, told) = device.receive().await;
        for (key, value) in told.as_object().unwrap() {
            if value.is_null() {
                cache.remove(key)
            } else {
                cache.insert(key.clone(), value.clone())
            };
        }
    }
    assert_eq!(Value::Object(cache), json!({"$version": 3}));
    assert_eq!(device.twin().await["desired"], json!({"$version": 3}));
    world.end().await;
}

/// Protocol reference 17.13.
#[tokio::test]
async fn desired_set_while_the_device_is_away_is_in_its_next_twin_merged() {
    let world = World::start().await;
    let key = world.device("d1").await;
    world.desire("d1", json!({"kept": 1, "fan": {"speed": 1, "on": true}})).await;
    let mut device = world.connect("d1", &key).await;
    device.subscribe(ANSWERS).await;
    drop(device);
    world.desire("d1", json!({"fan": {"speed": 2}})).await;
    world.desire("d1", json!({"late": true})).await;
    let mut device = world.connect("d1", &key).await;
    let expected = json!({"kept": 1, "fan": {"speed": 2, "on": true}, "late": true, "$version": 4});
    assert_eq!(device.twin().await["desired"], expected);
    world.end().await;
}

/// Protocol reference 17.14. The service sees a report at once, not only within the 3 s of the list.
#[tokio::test]
async fn a_report_is_seen_by_the_service_and_nulls_leave_no_key() {
    let world = World::start().await;
    let mut device = world.listener("d1").await;
    let reported = async || {
        let mut reported = world.get("/twins/d1").await.ok()["properties"]["reported"].take();
        reported.as_object_mut().unwrap().remove("$metadata");
        reported
    };
    let steps = [
        (json!({"a": 1, "list": [1, 2]}), json!({"a": 1, "list": [1, 2], "$version": 2})),
        (json!({"a": null, "list": [3]}), json!({"list": [3], "$version": 3})),
        (json!({"a": {"b": null}}), json!({"a": {}, "list": [3], "$version": 4})),
    ];
    for (patch, expected) in steps {
        let answer = device.report(patch).await;
        assert_eq!(answer, (format!("204/?$rid=report&$version={}", expected["$version"]), Value::Null));
        assert_eq!(reported().await, expected);
    }
    world.end().await;
}

/// Protocol reference 17.15.
#[tokio::test]
async fn a_report_with_a_key_of_the_hub_fails_and_changes_nothing() {
    let world = World::start().await;
    let mut device = world.listener("d1").await;
    device.report(json!({"good": 1})).await;
    let state = async || {
        let twin = world.get("/twins/d1").await.ok();
        (twin["version"].clone(), twin["properties"].clone())
    };
    let before = state().await;
    for patch in [json!({"better": 2, "$x": 1}), json!({"good": {"$x": 1}}), json!({"better": 2, "$version": 9})] {
        let (status, body) = device.report(patch).await;
        assert_eq!((status.as_str(), &body["errorCode"]), ("400/?$rid=report", &json!(400_004)), "{body}");
    }
    assert_eq!(state().await, before);
    world.end().await;
}

/// Protocol reference 17.23.
#[tokio::test]
async fn the_last_page_of_a_query_has_no_continuation() {
    let world = World::start().await;
    for id in ["a", "b", "c", "d"] {
        world.device(id).await;
    }
    let query = json!({"query": "SELECT * FROM devices"});
    // Four devices: the last page of two is full, that of three is not, that of nine is the first.
    for (size, pages) in [("2", 2), ("3", 2), ("9", 1)] {
        let (mut found, mut token, mut count) = (Vec::new(), Some(String::new()), 0);
        while let Some(continuation) = token {
            let header = match continuation.as_str() {
                "" => String::new(),
                token => format!("x-ms-continuation: {token}\r\n"),
            };
            let headers = format!("x-ms-max-item-count: {size}\r\n{header}");
            let page = world.ask("POST", "/devices/query", &headers, query.clone()).await;
            assert_eq!(page.header("x-ms-item-type"), Some("Twin"));
            token = page.header("x-ms-continuation").map(str::to_owned);
            let rows = page.ok();
            found.extend(rows.as_array().unwrap().iter().map(|twin| twin["deviceId"].as_str().unwrap().to_owned()));
            count += 1;
        }
        found.sort_unstable();
        assert_eq!((found.concat().as_str(), count), ("abcd", pages));
    }
    world.end().await;
}
