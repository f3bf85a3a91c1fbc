//! Gateways, their own modules, and scopes (protocol reference 3.4).

use super::*;

fn edge(more: &Value) -> Value {
    let mut body = json!({"capabilities": {"iotEdge": true}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

impl Hub {
    /// A gateway's scope.
    async fn gateway(&self, id: &str, more: &Value) -> String {
        let made = self.put(&format!("/devices/{id}"), edge(more)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.body["deviceScope"].as_str().unwrap().to_owned()
    }

    async fn scopes(&self, id: &str) -> (Value, Value) {
        let body = self.get(&format!("/devices/{id}")).await.body;
        (body["deviceScope"].clone(), body["parentScopes"].clone())
    }

    async fn modules(&self, id: &str) -> Vec<String> {
        let list = self.get(&format!("/devices/{id}/modules")).await;
        list.body.as_array().unwrap().iter().map(|one| one["moduleId"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_gateway_gets_a_scope_and_two_modules_of_its_own() {
    let hub = Hub::new();
    let made = hub.put("/devices/gw", edge(&json!({"deviceScope": "mine", "parentScopes": []}))).await;
    assert_eq!(made.body["capabilities"], json!({"iotEdge": true}));
    assert!(made.body["deviceScope"].as_str().unwrap().starts_with("ms-azure-iot-edge://gw-"));
    let list = hub.get("/devices/gw/modules").await.body;
    let (agent, edge_hub) = (&list[0], &list[1]);
    assert_eq!((&agent["moduleId"], &edge_hub["moduleId"]), (&json!("$edgeAgent"), &json!("$edgeHub")));
    for module in [agent, edge_hub] {
        assert_eq!(module["managedBy"], json!("iotEdge"));
        assert_eq!(module["authentication"]["type"], json!("none"));
    }
    assert_eq!(hub.get("/twins/gw/modules/$edgeAgent").await.body["moduleId"], json!("$edgeAgent"));
    let twin = hub.get("/twins/gw").await.body;
    assert_eq!((&twin["deviceScope"], &twin["capabilities"]), (&made.body["deviceScope"], &json!({"iotEdge": true})));
}

#[tokio::test]
async fn the_modules_of_a_gateway_can_neither_be_written_nor_deleted() {
    let hub = Hub::new();
    hub.gateway("gw", &json!({})).await;
    let path = "/devices/gw/modules/$edgeAgent";
    assert_eq!(hub.update(path, json!({})).await.error(), (400, "ArgumentInvalid"));
    assert_eq!(hub.delete(path).await.error(), (400, "InvalidOperation"));
    let body = json!({"properties": {"desired": {"schemaVersion": "1.1"}}});
    assert_eq!(hub.ask("PATCH", "/twins/gw/modules/$edgeAgent", &[], body).await.status, 200, "but their twins can");
    assert_eq!(hub.delete("/devices/gw").await.status, 204);
}

#[tokio::test]
async fn a_leaf_with_the_scope_of_a_gateway_is_its_child() {
    let hub = Hub::new();
    let scope = hub.gateway("gw", &json!({})).await;
    let made = hub.put("/devices/leaf", json!({"deviceScope": scope})).await;
    assert_eq!((&made.body["deviceScope"], &made.body["parentScopes"]), (&json!(scope), &json!([scope])));
    hub.put("/devices/other", json!({"parentScopes": [scope]})).await;
    assert_eq!(hub.scopes("other").await, (Value::Null, Value::Null), "parentScopes alone say nothing of a leaf");
    let body = hub.get("/devices/leaf").await.body;
    assert_eq!(hub.update("/devices/leaf", body).await.body["parentScopes"], json!([scope]));
    hub.update("/devices/leaf", json!({"deviceScope": ""})).await;
    assert_eq!(hub.scopes("leaf").await, (Value::Null, Value::Null));
}

#[tokio::test]
async fn an_unknown_scope_is_an_invalid_device_scope() {
    let hub = Hub::new();
    let scope = hub.gateway("gw", &json!({})).await;
    hub.make("leaf").await;
    hub.make("plain").await;
    for unknown in ["random", "ms-azure-iot-edge://none-1", "ms-azure-iot-edge://plain-1", &format!("{scope}1")] {
        for answer in [
            hub.put("/devices/new", json!({"deviceScope": unknown})).await,
            hub.update("/devices/leaf", json!({"deviceScope": unknown})).await,
            hub.put("/devices/new", edge(&json!({"parentScopes": [unknown]}))).await,
            hub.update("/devices/gw", edge(&json!({"deviceScope": scope, "parentScopes": [unknown]}))).await,
        ] {
            assert_eq!(answer.error(), (400, "InvalidDeviceScope"), "{unknown}");
        }
    }
    assert_eq!(hub.get("/devices/new").await.status, 404);
}

#[tokio::test]
async fn a_child_whose_gateway_is_gone_can_still_be_written() {
    let hub = Hub::new();
    let scope = hub.gateway("gw", &json!({})).await;
    hub.put("/devices/leaf", json!({"deviceScope": scope})).await;
    hub.delete("/devices/gw").await;
    let body = hub.get("/devices/leaf").await.body;
    assert_eq!(hub.update("/devices/leaf", body).await.status, 200);
    assert_eq!(hub.put("/devices/late", json!({"deviceScope": scope})).await.error(), (400, "InvalidDeviceScope"));
}

#[tokio::test]
async fn a_child_gateway_keeps_its_parent_until_it_is_detached() {
    let hub = Hub::new();
    let parent = hub.gateway("up", &json!({})).await;
    let own = hub.gateway("gw", &json!({"parentScopes": [parent]})).await;
    assert_eq!(hub.scopes("gw").await, (json!(own), json!([parent])));
    let kept = hub.update("/devices/gw", edge(&json!({"deviceScope": own, "parentScopes": [parent]}))).await;
    assert_eq!(kept.body["parentScopes"], json!([parent]));
    hub.update("/devices/gw", edge(&json!({"deviceScope": own, "parentScopes": []}))).await;
    assert_eq!(hub.scopes("gw").await, (json!(own), Value::Null));
    let itself = hub.update("/devices/gw", edge(&json!({"deviceScope": own, "parentScopes": [own]}))).await;
    assert_eq!(itself.error(), (400, "InvalidDeviceScope"));
}

#[tokio::test]
async fn the_scope_of_a_gateway_is_immutable() {
    let hub = Hub::new();
    let scope = hub.gateway("gw", &json!({})).await;
    for other in [json!({}), json!({"deviceScope": ""}), json!({"deviceScope": format!("{scope}0")})] {
        let refused = hub.update("/devices/gw", edge(&other)).await;
        assert_eq!(refused.error(), (400, "InvalidDeviceScope"), "{other}");
        assert!(refused.body["Message"].as_str().unwrap().contains("Device scope is immutable"));
    }
    assert_eq!(hub.update("/devices/gw", edge(&json!({"deviceScope": scope}))).await.body["deviceScope"], json!(scope));
}

#[tokio::test]
async fn a_leaf_becomes_a_gateway_and_a_gateway_a_leaf() {
    let hub = Hub::new();
    let parent = hub.gateway("up", &json!({})).await;
    hub.put("/devices/d1", json!({"deviceScope": parent})).await;
    hub.make_module("d1", "mine").await;
    let refused = hub.update("/devices/d1", edge(&json!({"deviceScope": parent}))).await;
    assert_eq!(refused.error(), (400, "InvalidDeviceScope"));
    let gateway = hub.update("/devices/d1", edge(&json!({"deviceScope": ""}))).await.body;
    let own = gateway["deviceScope"].as_str().unwrap().to_owned();
    assert!(own.starts_with("ms-azure-iot-edge://d1-") && gateway.get("parentScopes").is_none());
    assert_eq!(hub.modules("d1").await, ["$edgeAgent", "$edgeHub", "mine"]);
    hub.update("/devices/d1", edge(&json!({"deviceScope": own, "parentScopes": [parent]}))).await;
    let leaf = json!({"capabilities": {"iotEdge": false}, "deviceScope": own, "parentScopes": [parent]});
    assert_eq!(hub.update("/devices/d1", leaf).await.status, 200);
    assert_eq!(hub.scopes("d1").await, (Value::Null, Value::Null), "a second write attaches it again");
    assert_eq!(hub.modules("d1").await, ["mine"]);
    hub.update("/devices/d1", json!({"deviceScope": parent})).await;
    assert_eq!(hub.scopes("d1").await, (json!(parent), json!([parent])));
}

#[tokio::test]
async fn children_of_a_gateway_are_found_by_their_scopes() {
    let hub = Hub::new();
    let scope = hub.gateway("gw", &json!({})).await;
    hub.put("/devices/leaf", json!({"deviceScope": scope})).await;
    hub.gateway("child", &json!({"parentScopes": [scope]})).await;
    hub.make("other").await;
    let found = hub.query(&format!("SELECT deviceId FROM devices WHERE ARRAY_CONTAINS(parentScopes, '{scope}')")).await;
    assert_eq!(found, [json!({"deviceId": "child"}), json!({"deviceId": "leaf"})]);
    let found = hub.query(&format!("SELECT deviceId FROM devices WHERE deviceScope = '{scope}'")).await;
    assert_eq!(found, [json!({"deviceId": "gw"}), json!({"deviceId": "leaf"})]);
    let found = hub.query("select * from devices where capabilities.iotEdge = true").await;
    assert_eq!(found.len(), 2);
}
