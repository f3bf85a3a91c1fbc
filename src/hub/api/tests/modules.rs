//! Modules: identities, twins, methods (protocol reference 3.3, 4, 7).

use super::*;

#[tokio::test]
async fn a_module_lives_and_dies_as_the_sdks_expect() {
    let hub = Hub::new();
    hub.make("d1").await;
    // What the Python SDK sends.
    let body = json!({"moduleId": "m1", "managedBy": "me", "deviceId": "d1",
        "authentication": {"symmetricKey": {"primaryKey": "", "secondaryKey": ""}, "type": "sas"}});
    let made = hub.put("/devices/d1/modules/m1", body).await;
    assert_eq!((made.status, &made.body["managedBy"], &made.body["moduleId"]), (200, &json!("me"), &json!("m1")));
    assert!(made.body["authentication"]["symmetricKey"]["primaryKey"].is_string());
    for member in ["status", "statusReason", "statusUpdatedTime", "capabilities", "deviceScope", "parentScopes"] {
        assert_eq!(made.body.get(member), None, "a module has no {member}");
    }
    assert_eq!(hub.get("/devices/d1/modules/m1").await.body, made.body);
    assert_eq!(hub.get("/devices/d1/modules").await.body, json!([made.body]));
    // What Node sends back with one key swapped for the other.
    let mut body = made.body.clone();
    let keys = &made.body["authentication"]["symmetricKey"];
    body["authentication"]["symmetricKey"] =
        json!({"primaryKey": keys["secondaryKey"], "secondaryKey": keys["primaryKey"]});
    let etag = format!("\"{}\"", made.body["etag"].as_str().unwrap());
    let swapped = hub.ask("PUT", "/devices/d1/modules/m1", &[("if-match", &etag)], body.clone()).await;
    assert_eq!(swapped.body["authentication"]["symmetricKey"]["primaryKey"], keys["secondaryKey"]);
    assert_eq!(hub.get("/devices/d1/modules/m1").await.body, swapped.body);
    let stale = hub.ask("PUT", "/devices/d1/modules/m1", &[("if-match", &etag)], body).await;
    assert_eq!(stale.error(), (412, "PreconditionFailed"));
    assert_eq!(hub.delete("/devices/d1/modules/m1").await.status, 204);
    assert_eq!(hub.get("/devices/d1/modules").await.body, json!([]));
}

#[tokio::test]
async fn a_module_that_exists_is_a_conflict_in_the_flat_envelope() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.make_module("d1", "m1").await;
    let conflict = hub.put("/devices/d1/modules/m1", json!({})).await;
    assert_eq!(conflict.error(), (409, "ModuleAlreadyExistsOnDevice"));
    assert_eq!((&conflict.body["errorCode"], conflict.body.get("Message")), (&json!(409_301), None));
    assert!(conflict.body["trackingId"].is_string() && conflict.body["timestampUtc"].is_string());
}

#[tokio::test]
async fn a_missing_module_and_a_missing_device_are_different_errors_of_identities() {
    let hub = Hub::new();
    hub.make("d1").await;
    for (path, error) in [("/devices/d1/modules/m", "ModuleNotFound"), ("/devices/none/modules/m", "DeviceNotFound")] {
        assert_eq!(hub.get(path).await.error(), (404, error), "{path}");
        assert_eq!(hub.update(path, json!({})).await.error(), (404, error), "{path}");
        let deleted = hub.delete(path).await;
        assert_eq!(deleted.error(), (404, error), "{path}");
        assert!(deleted.body["Message"].as_str().unwrap().starts_with(&format!("ErrorCode:{error};")));
    }
    assert_eq!(hub.put("/devices/none/modules/m", json!({})).await.error(), (404, "DeviceNotFound"));
    assert_eq!(hub.get("/devices/none/modules").await.error(), (404, "DeviceNotFound"));
}

#[tokio::test]
async fn a_missing_module_twin_is_a_missing_device() {
    let hub = Hub::new();
    hub.make("d1").await;
    for path in ["/twins/d1/modules/m", "/twins/none/modules/m"] {
        assert_eq!(hub.get(path).await.error(), (404, "DeviceNotFound"), "{path}");
        for method in ["PATCH", "PUT"] {
            assert_eq!(hub.ask(method, path, &[], json!({})).await.error(), (404, "DeviceNotFound"), "{path}");
        }
        let call = hub.post(&format!("{path}/methods"), json!({"methodName": "m"})).await;
        assert_eq!(call.error(), (404, "DeviceNotFound"), "{path}");
    }
}

#[tokio::test]
async fn a_module_is_deleted_only_with_an_etag() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.make_module("d1", "m1").await;
    let missing = hub.ask("DELETE", "/devices/d1/modules/m1", &[], Value::Null).await;
    assert_eq!(missing.error(), (412, "PreconditionFailed"));
    assert!(missing.body["Message"].as_str().unwrap().contains("Etag missing"));
    let stale = hub.ask("DELETE", "/devices/d1/modules/m1", &[("if-match", "\"abc\"")], Value::Null).await;
    assert_eq!(stale.error(), (412, "PreconditionFailed"));
}

#[tokio::test]
async fn a_module_without_an_authentication_type_gets_keys() {
    let hub = Hub::new();
    hub.make("d1").await;
    let made = hub.put("/devices/d1/modules/m1", json!({"authentication": {"type": "none"}})).await;
    assert_eq!((made.status, &made.body["authentication"]["type"]), (200, &json!("sas")));
    assert!(made.body["authentication"]["symmetricKey"]["primaryKey"].is_string());
}

#[tokio::test]
async fn leaving_out_managed_by_clears_it() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.put("/devices/d1/modules/m1", json!({"managedBy": "me"})).await;
    assert_eq!(hub.update("/devices/d1/modules/m1", json!({})).await.body["managedBy"], Value::Null);
}

#[tokio::test]
async fn ids_of_modules_that_begin_with_a_dollar_are_not_for_clients() {
    let hub = Hub::new();
    hub.make("d1").await;
    for path in ["/devices/d1/modules/$mine", "/devices/d1/modules/%24edgeAgent", "/devices/d1/modules/a%2Fb"] {
        assert_eq!(hub.put(path, json!({})).await.error(), (400, "ArgumentInvalid"), "{path}");
    }
    for body in [json!({"moduleId": "other"}), json!({"deviceId": "other"})] {
        assert_eq!(hub.put("/devices/d1/modules/m1", body.clone()).await.error(), (400, "ArgumentInvalid"), "{body}");
    }
}

#[tokio::test]
async fn a_device_has_fifty_modules_and_not_one_more() {
    let hub = Hub::new();
    hub.make("d1").await;
    for number in 0..50 {
        hub.make_module("d1", &format!("m{number}")).await;
    }
    let many = hub.put("/devices/d1/modules/m50", json!({})).await;
    assert_eq!(many.error(), (413, "TooManyModulesOnDevice"));
    let again = hub.put("/devices/d1/modules/m7", json!({})).await;
    assert_eq!(again.error(), (409, "ModuleAlreadyExistsOnDevice"), "which is the nearer reason");
    hub.delete("/devices/d1/modules/m7").await;
    hub.make_module("d1", "m50").await;
    assert_eq!(hub.get("/devices/d1/modules").await.body.as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn a_module_has_a_twin_with_the_status_of_its_device() {
    let hub = Hub::new();
    hub.put("/devices/d1", json!({"status": "disabled", "statusReason": "stolen"})).await;
    let module = hub.make_module("d1", "m1").await;
    let twin = hub.get("/twins/d1/modules/m1").await;
    assert_eq!(twin.header("etag"), Some("\"AAAAAAAAAAE=\""));
    let twin = twin.body;
    assert_eq!((&twin["deviceId"], &twin["moduleId"]), (&json!("d1"), &json!("m1")));
    assert_eq!((&twin["deviceEtag"], &twin["version"]), (&module["etag"], &json!(2)));
    assert_eq!((&twin["status"], &twin["statusReason"]), (&json!("disabled"), &json!("stolen")));
    assert_eq!((&twin["authenticationType"], twin.get("authentication")), (&json!("sas"), None));
    let device = json!({"status": "enabled"});
    hub.update("/devices/d1", device).await;
    let after = hub.get("/twins/d1/modules/m1").await.body;
    assert_eq!((&after["status"], after.get("statusReason")), (&json!("enabled"), None));
    assert_eq!(after["statusUpdateTime"], hub.get("/twins/d1").await.body["statusUpdateTime"]);
    assert_eq!((&after["deviceEtag"], &after["etag"]), (&module["etag"], &twin["etag"]), "it was not written itself");
}

#[tokio::test]
async fn a_module_twin_is_patched_and_replaced_under_its_etag() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.make_module("d1", "m1").await;
    let path = "/twins/d1/modules/m1";
    let body = json!({"tags": {"t": 1}, "properties": {"desired": {"a": 1}}});
    let written = hub.ask("PATCH", path, &[("if-match", "\"AAAAAAAAAAE=\"")], body).await;
    assert_eq!((written.status, &written.body["properties"]["desired"]["$version"]), (200, &json!(2)));
    assert_eq!(
        hub.ask("PATCH", path, &[("if-match", "\"abc\"")], json!({})).await.error(),
        (412, "PreconditionFailed")
    );
    let bad = hub.ask("PATCH", path, &[], json!({"properties": {"desired": {"a.b": 1}}})).await;
    assert_eq!(bad.error(), (400, "ArgumentInvalid"));
    let put = hub.ask("PUT", path, &[("if-match", "\"*\"")], json!({"properties": {"desired": {"n": 2}}})).await;
    assert_eq!((&put.body["tags"], &put.body["properties"]["desired"]["n"]), (&json!({}), &json!(2)));
    assert_eq!(
        hub.get("/twins/d1").await.body["properties"]["desired"]["$version"],
        json!(1),
        "the device's own stays"
    );
}

#[tokio::test]
async fn methods_reach_for_modules_and_even_for_the_edge_agent() {
    let hub = Hub::new();
    hub.put("/devices/gw", json!({"capabilities": {"iotEdge": true}})).await;
    hub.make_module("gw", "m1").await;
    for module in ["m1", "$edgeAgent", "%24edgeHub"] {
        // The CLI sends numbers as text.
        let body = json!({"methodName": "ping", "payload": "", "responseTimeoutInSeconds": "5", "connectTimeoutInSeconds": "0"});
        let offline = hub.post(&format!("/twins/gw/modules/{module}/methods"), body).await;
        assert_eq!(offline.error(), (404, "DeviceNotOnline"), "{module}");
    }
}

#[tokio::test]
async fn a_deleted_device_takes_its_modules_along() {
    let hub = Hub::new();
    for device in ["d1", "d10"] {
        hub.make(device).await;
        hub.make_module(device, "m1").await;
    }
    assert_eq!(hub.delete("/devices/d1").await.status, 204);
    assert_eq!(hub.get("/twins/d1/modules/m1").await.error(), (404, "DeviceNotFound"));
    hub.make("d1").await;
    assert_eq!(hub.get("/devices/d1/modules").await.body, json!([]));
    assert_eq!(hub.get("/devices/d10/modules/m1").await.status, 200);
}

#[tokio::test]
async fn a_device_may_be_called_like_a_route() {
    let hub = Hub::new();
    for device in ["query", "keys", "modules"] {
        hub.make(device).await;
        hub.make_module(device, "modules").await;
        assert_eq!(hub.get(&format!("/devices/{device}/modules")).await.body[0]["moduleId"], json!("modules"));
        assert_eq!(hub.get(&format!("/twins/{device}/modules/modules")).await.body["deviceId"], json!(device));
    }
}
