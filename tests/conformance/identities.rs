//! Identities of devices and modules.

use serde_json::{Value, json};

use super::support::World;

const PRIMARY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
const SECONDARY: &str = "MTEyMzQ1Njc4OWFiY2RlZg==";

/// Symmetric keys, as identities hold them.
fn keys(primary: &str, secondary: &str) -> Value {
    json!({"type": "sas", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|device| device["deviceId"].as_str().unwrap()).collect()
}

/// Protocol reference 17.1.
#[tokio::test]
async fn a_device_made_of_its_id_alone_has_keys_and_is_read_back() {
    let world = World::start().await;
    let made = world.put("/devices/d1", json!({"deviceId": "d1"})).await.ok();
    let keys = &made["authentication"]["symmetricKey"];
    assert_eq!((&made["status"], &made["authentication"]["type"]), (&json!("enabled"), &json!("sas")));
    assert_eq!(keys["primaryKey"].as_str().unwrap().len(), 44);
    assert_ne!(keys["primaryKey"], keys["secondaryKey"]);
    let read = world.get("/devices/d1").await.ok();
    assert_eq!((&read["deviceId"], &read["authentication"]), (&json!("d1"), &made["authentication"]));
    world.end().await;
}

/// Protocol reference 17.2.
#[tokio::test]
async fn supplied_keys_thumbprints_and_a_disabled_status_come_back_unchanged() {
    let world = World::start().await;
    let body = json!({"deviceId": "d1", "status": "disabled", "authentication": keys(PRIMARY, SECONDARY)});
    world.put("/devices/d1", body).await.ok();
    let read = world.get("/devices/d1").await.ok();
    assert_eq!(read["status"], json!("disabled"));
    assert_eq!(read["authentication"]["symmetricKey"], keys(PRIMARY, SECONDARY)["symmetricKey"]);
    let prints = json!({"primaryThumbprint": "Ab".repeat(20), "secondaryThumbprint": "cD".repeat(20)});
    let authentication = json!({"type": "selfSigned", "x509Thumbprint": prints});
    world.put("/devices/x1", json!({"deviceId": "x1", "authentication": authentication})).await.ok();
    assert_eq!(world.get("/devices/x1").await.ok()["authentication"]["x509Thumbprint"], prints);
    world.end().await;
}

/// Protocol reference 17.3.
#[tokio::test]
async fn an_id_with_a_slash_is_refused() {
    let world = World::start().await;
    let refused = world.put("/devices/invalid%2Fname", json!({"deviceId": "invalid/name"})).await;
    refused.refused(400, "ArgumentInvalid");
    assert_eq!(world.get("/devices").await.ok(), json!([]));
    world.end().await;
}

/// Protocol reference 17.4. The Node SDK makes its `DeviceNotFoundError` of this envelope alone.
#[tokio::test]
async fn an_unknown_device_is_told_as_the_node_sdk_needs_it() {
    let world = World::start().await;
    for unknown in [world.get("/devices/nobody").await, world.delete("/devices/nobody", "*").await] {
        unknown.refused(404, "DeviceNotFound");
        let message = unknown.body["Message"].as_str().unwrap();
        assert!(message.starts_with("ErrorCode:DeviceNotFound;"), "{message}");
        assert!(unknown.body["ExceptionMessage"].is_string(), "{unknown:?}");
    }
    world.end().await;
}

/// Protocol reference 17.5. The Node SDK asks with a slash at the end.
#[tokio::test]
async fn a_list_has_the_devices_that_are_there_and_not_the_deleted_one() {
    let world = World::start().await;
    for id in ["a", "b", "c"] {
        world.device(id).await;
    }
    world.delete("/devices/b", "*").await.ok();
    for path in ["/devices", "/devices/", "/devices?top=1000"] {
        let list = world.get(path).await.ok();
        let mut found = ids(&list);
        found.sort_unstable();
        assert_eq!(found, ["a", "c"], "{path}");
    }
    world.end().await;
}

/// Protocol reference 17.6.
#[tokio::test]
async fn an_update_with_a_star_returns_and_stores_the_new_secondary_key() {
    let world = World::start().await;
    world.device("d1").await;
    let body = json!({"deviceId": "d1", "authentication": keys(PRIMARY, SECONDARY)});
    let updated = world.update("/devices/d1", "*", body).await.ok();
    let read = world.get("/devices/d1").await.ok();
    for identity in [updated, read] {
        assert_eq!(identity["authentication"]["symmetricKey"]["secondaryKey"], json!(SECONDARY));
    }
    world.end().await;
}

/// Protocol reference 17.7.
#[tokio::test]
async fn a_gateway_has_a_scope_that_its_children_take_and_nobody_takes_one_that_is_not_there() {
    let world = World::start().await;
    let edge = json!({"iotEdge": true});
    let gateway = world.put("/devices/edge", json!({"deviceId": "edge", "capabilities": edge})).await.ok();
    let scope = gateway["deviceScope"].clone();
    assert_eq!(gateway["capabilities"], edge);
    assert!(scope.as_str().unwrap().starts_with("ms-azure-iot-edge://edge-"), "{scope}");
    let leaf = world.put("/devices/leaf", json!({"deviceId": "leaf", "deviceScope": scope})).await.ok();
    assert_eq!(leaf["deviceScope"], scope);
    let mut wrong = leaf.clone();
    wrong["deviceScope"] = json!("ms-azure-iot-edge://nobody-1");
    world.update("/devices/leaf", "*", wrong).await.refused(400, "InvalidDeviceScope");
    assert_eq!(world.get("/devices/leaf").await.ok()["deviceScope"], scope);
    let child = json!({"deviceId": "child", "capabilities": edge, "parentScopes": [scope]});
    world.put("/devices/child", child).await.ok();
    assert_eq!(world.get("/devices/child").await.ok()["parentScopes"][0], scope);
    world.end().await;
}

/// Protocol reference 17.8.
#[tokio::test]
async fn devices_are_added_updated_and_removed_in_bulk() {
    let world = World::start().await;
    let entries = |mode: &str, status: &str| {
        let entry = |id| json!({"id": id, "importMode": mode, "status": status, "authentication": keys("", "")});
        Value::Array(["b1", "b2", "b3"].map(entry).into())
    };
    let all = async |status: u16| {
        for id in ["b1", "b2", "b3"] {
            assert_eq!(world.get(&format!("/devices/{id}")).await.status, status, "{id}");
        }
    };
    for (mode, status, found) in [("create", "disabled", 200), ("update", "enabled", 200), ("delete", "enabled", 404)] {
        let answer = world.post("/devices", entries(mode, status)).await.ok();
        assert_eq!((&answer["isSuccessful"], &answer["errors"]), (&json!(true), &json!([])), "{mode}");
        all(found).await;
        if found == 200 {
            assert_eq!(world.get("/devices/b2").await.ok()["status"], json!(status));
        }
    }
    world.end().await;
}

/// Protocol reference 17.9.
#[tokio::test]
async fn a_module_is_made_updated_by_etag_and_star_listed_and_deleted() {
    let world = World::start().await;
    world.device("d1").await;
    let path = "/devices/d1/modules/m1";
    let module = |authentication: Value| json!({"deviceId": "d1", "moduleId": "m1", "authentication": authentication});
    let made = world.put(path, module(keys(PRIMARY, SECONDARY))).await.ok();
    world.put(path, module(keys(PRIMARY, SECONDARY))).await.refused(409, "ModuleAlreadyExistsOnDevice");
    let etag = made["etag"].as_str().unwrap();
    world.update(path, etag, module(keys(SECONDARY, PRIMARY))).await.ok();
    let swapped = world.get(path).await.ok();
    assert_eq!(swapped["authentication"]["symmetricKey"], keys(SECONDARY, PRIMARY)["symmetricKey"]);
    world.update(path, etag, module(keys(PRIMARY, SECONDARY))).await.refused(412, "PreconditionFailed");
    world.update(path, "*", module(keys(PRIMARY, SECONDARY))).await.ok();
    let list = world.get("/devices/d1/modules").await.ok();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["moduleId"]), (1, &json!("m1")));
    assert_eq!(list[0]["authentication"]["symmetricKey"], keys(PRIMARY, SECONDARY)["symmetricKey"]);
    world.delete(path, etag).await.refused(412, "PreconditionFailed");
    assert_eq!(world.delete(path, "*").await.status, 204);
    assert_eq!(world.get(path).await.status, 404);
    world.end().await;
}
