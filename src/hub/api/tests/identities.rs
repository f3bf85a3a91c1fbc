//! Devices, lists and counts (protocol reference 3.1, 3.2, 3.5, 3.7).

use super::*;

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
async fn devices_are_counted() {
    let hub = Hub::new();
    hub.make("d1").await;
    let counts = hub.ask("GET", "/statistics/devices", &[], Value::Null).await;
    assert_eq!(counts.body, json!({"totalDeviceCount": 1, "enabledDeviceCount": 1, "disabledDeviceCount": 0}));
    let connected = hub.ask("GET", "/statistics/service", &[], Value::Null).await;
    assert_eq!(connected.body, json!({"connectedDeviceCount": 0}));
}

const KEYS: [&str; 3] = ["MDEyMzQ1Njc4OWFiY2RlZg==", "MTEyMzQ1Njc4OWFiY2RlZg==", "MjEyMzQ1Njc4OWFiY2RlZg=="];

fn with_keys(primary: &str, secondary: &str) -> Value {
    json!({"type": "sas", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
}

#[tokio::test]
async fn a_device_made_with_its_id_alone_has_keys_and_is_read_back() {
    let hub = Hub::new();
    let made = hub.put("/devices/d1", json!({"deviceId": "d1"})).await;
    let keys = &made.body["authentication"]["symmetricKey"];
    assert!(
        keys["primaryKey"].is_string()
            && keys["secondaryKey"].is_string()
            && keys["primaryKey"] != keys["secondaryKey"]
    );
    assert_eq!(hub.get("/devices/d1").await.body, made.body);
    assert_eq!(made.body["capabilities"], json!({"iotEdge": false}));
    assert_eq!((made.body.get("deviceScope"), made.body.get("parentScopes")), (None, None), "absent when unset");
    assert_eq!(hub.get("/twins/d1").await.body["deviceEtag"], made.body["etag"], "the twin is there at once");
}

#[tokio::test]
async fn supplied_keys_thumbprints_and_status_come_back_unchanged() {
    let hub = Hub::new();
    let keys = with_keys(KEYS[0], KEYS[1]);
    let made = hub.put("/devices/k", json!({"status": "disabled", "statusReason": "r", "authentication": keys})).await;
    assert_eq!(made.body["authentication"]["symmetricKey"], keys["symmetricKey"]);
    assert_eq!((&made.body["status"], &made.body["statusReason"]), (&json!("disabled"), &json!("r")));
    let prints = json!({"primaryThumbprint": "A".repeat(40), "secondaryThumbprint": "b".repeat(64)});
    let body = json!({"authentication": {"type": "selfSigned", "x509Thumbprint": prints}});
    let made = hub.put("/devices/x", body).await;
    assert_eq!(made.body["authentication"]["x509Thumbprint"], prints);
    let made = hub.put("/devices/ca", json!({"authentication": {"type": "certificateAuthority"}})).await;
    assert_eq!(made.body["authentication"]["type"], json!("certificateAuthority"));
}

#[tokio::test]
async fn an_update_with_a_star_returns_and_keeps_the_new_secondary_key() {
    let hub = Hub::new();
    let made = hub.put("/devices/d1", json!({"authentication": with_keys(KEYS[0], KEYS[1])})).await;
    let body = json!({"deviceId": "d1", "etag": "*", "authentication": with_keys(KEYS[0], KEYS[2])});
    let updated = hub.update("/devices/d1", body).await;
    assert_eq!(updated.body["authentication"]["symmetricKey"]["secondaryKey"], json!(KEYS[2]));
    assert_eq!(hub.get("/devices/d1").await.body, updated.body);
    assert_eq!(updated.body["generationId"], made.body["generationId"]);
    assert_ne!(updated.body["etag"], made.body["etag"]);
    assert_eq!(hub.get("/twins/d1").await.body["deviceEtag"], updated.body["etag"]);
}

#[tokio::test]
async fn every_cell_of_the_if_match_table_holds_for_devices() {
    let hub = Hub::new();
    assert_eq!(hub.update("/devices/d1", json!({})).await.error(), (404, "DeviceNotFound"));
    assert_eq!(hub.delete("/devices/d1").await.error(), (404, "DeviceNotFound"));
    hub.make("d1").await;
    let etag = hub.get("/devices/d1").await.body["etag"].as_str().unwrap().to_owned();
    let exists = hub.put("/devices/d1", json!({"etag": etag})).await;
    assert_eq!(exists.error(), (409, "DeviceAlreadyExists"), "even if the body's etag is right");
    for stale in ["\"abc\"", "abc", "\"MA==\""] {
        let put = hub.ask("PUT", "/devices/d1", &[("if-match", stale)], json!({})).await;
        assert_eq!(put.error(), (412, "PreconditionFailed"), "{stale}");
        let delete = hub.ask("DELETE", "/devices/d1", &[("if-match", stale)], Value::Null).await;
        assert_eq!(delete.error(), (412, "PreconditionFailed"), "{stale}");
    }
    let missing = hub.ask("DELETE", "/devices/d1", &[], Value::Null).await;
    assert_eq!(missing.error(), (412, "PreconditionFailed"));
    assert!(missing.body["Message"].as_str().unwrap().contains("Etag missing"));
    let put = hub.ask("PUT", "/devices/d1", &[("if-match", &etag)], json!({})).await;
    assert_eq!(put.status, 200, "an etag need not be quoted");
    let etag = format!("\"{}\"", put.body["etag"].as_str().unwrap());
    assert_eq!(hub.ask("DELETE", "/devices/d1", &[("if-match", &etag)], Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_breaks_a_rule_for_identities_is_an_invalid_argument() {
    let hub = Hub::new();
    for body in [
        json!({"deviceId": "d2"}),
        json!({"authentication": {"type": "none"}}),
        json!({"authentication": with_keys(KEYS[0], "")}),
        json!({"authentication": with_keys("AAAA", "AAAA")}),
        json!({"authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AA:BB"}}}),
        json!({"statusReason": "x".repeat(129)}),
        json!({"status": "asleep"}),
        json!([]),
    ] {
        assert_eq!(hub.put("/devices/d1", body.clone()).await.error(), (400, "ArgumentInvalid"), "{body}");
    }
    let long = format!("/devices/{}", "x".repeat(129));
    assert_eq!(hub.put(&long, json!({})).await.error(), (400, "ArgumentInvalid"));
    assert_eq!(hub.get("/devices/d1").await.error(), (404, "DeviceNotFound"));
}

#[tokio::test]
async fn a_list_has_the_devices_that_are_there_and_none_that_is_gone() {
    let hub = Hub::new();
    for id in ["a", "b", "c"] {
        hub.make(id).await;
    }
    hub.make_module("a", "m").await;
    hub.delete("/devices/b").await;
    let ids =
        |list: Answer| list.body.as_array().unwrap().iter().map(|one| one["deviceId"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(hub.get("/devices").await), ["a", "c"]);
    assert_eq!(ids(hub.get("/devices/?top=1").await), ["a"]);
    for top in ["0", "1001", "-1", "x"] {
        let list = hub.get(&format!("/devices?top={top}")).await;
        assert_eq!(list.error(), (400, "DeviceInvalidResultCount"), "{top}");
    }
}

#[tokio::test]
async fn a_device_that_is_made_again_has_another_generation_and_a_fresh_twin() {
    let hub = Hub::new();
    hub.make("d1").await;
    let before = hub.get("/devices/d1").await.body;
    hub.ask("PATCH", "/twins/d1", &[], json!({"properties": {"desired": {"a": 1}}})).await;
    hub.delete("/devices/d1").await;
    assert_eq!(hub.get("/twins/d1").await.error(), (404, "DeviceNotFound"));
    hub.make("d1").await;
    assert_ne!(hub.get("/devices/d1").await.body["generationId"], before["generationId"]);
    assert_eq!(hub.get("/twins/d1").await.body["properties"]["desired"]["$version"], json!(1));
}

#[tokio::test]
async fn disabled_devices_are_counted_apart_and_modules_not_at_all() {
    let hub = Hub::new();
    hub.put("/devices/a", json!({"status": "disabled"})).await;
    hub.make("b").await;
    hub.make_module("a", "m").await;
    hub.make_module("b", "m").await;
    let counts = hub.get("/statistics/devices").await;
    assert_eq!(counts.body, json!({"totalDeviceCount": 2, "enabledDeviceCount": 1, "disabledDeviceCount": 1}));
}

#[tokio::test]
async fn twin_writes_do_not_move_the_etag_of_the_identity_nor_the_other_way_round() {
    let hub = Hub::new();
    hub.make("d1").await;
    let (device, twin) = (hub.get("/devices/d1").await.body, hub.get("/twins/d1").await.body);
    hub.ask("PATCH", "/twins/d1", &[], json!({"tags": {"a": 1}})).await;
    assert_eq!(hub.get("/devices/d1").await.body["etag"], device["etag"]);
    hub.update("/devices/d1", device).await;
    let after = hub.get("/twins/d1").await.body;
    assert_eq!(after["etag"], json!("AAAAAAAAAAI="), "one twin write after {}", twin["etag"]);
}
