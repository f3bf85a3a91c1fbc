//! New keys (protocol reference 3.8).

use super::*;

const PATH: &str = "/devices/keys/regenerate";

impl Hub {
    async fn keys(&self, path: &str) -> (Value, Value) {
        let keys = self.get(path).await.body["authentication"]["symmetricKey"].clone();
        (keys["primaryKey"].clone(), keys["secondaryKey"].clone())
    }
}

#[tokio::test]
async fn the_keys_that_are_asked_for_are_new_and_the_others_stay() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.make_module("d1", "m1").await;
    for (which, first, second) in [("primaryKey", true, false), ("secondaryKey", false, true), ("both", true, true)] {
        let before = (hub.keys("/devices/d1").await, hub.keys("/devices/d1/modules/m1").await);
        let etag = hub.get("/devices/d1").await.body["etag"].clone();
        let body = json!({"policyKey": which, "devices": [{"id": "d1"}, {"id": "d1", "moduleId": "m1"}]});
        let answer = hub.post(PATH, body).await;
        assert_eq!(
            (answer.status, &answer.body["policyKey"], &answer.body["errors"]),
            (200, &json!(which), &json!([]))
        );
        let after = (hub.keys("/devices/d1").await, hub.keys("/devices/d1/modules/m1").await);
        for (old, new) in [(&before.0, &after.0), (&before.1, &after.1)] {
            assert_eq!((old.0 != new.0, old.1 != new.1), (first, second), "{which}");
        }
        let device = json!({"id": "d1", "moduleId": null, "primaryKey": after.0.0, "secondaryKey": after.0.1});
        let module = json!({"id": "d1", "moduleId": "m1", "primaryKey": after.1.0, "secondaryKey": after.1.1});
        assert_eq!(answer.body["rotatedKeys"], json!([device, module]));
        assert_ne!(hub.get("/devices/d1").await.body["etag"], etag, "the identity was written");
    }
}

#[tokio::test]
async fn who_has_no_keys_or_is_not_there_is_told_apart_and_keeps_nobody_else_from_new_ones() {
    let hub = Hub::new();
    hub.make("d1").await;
    hub.put("/devices/x", json!({"authentication": {"type": "certificateAuthority"}})).await;
    let devices = json!([{"id": "none"}, {"id": "x"}, {"id": "d1"}, {"id": "d1", "moduleId": "m"}, {"id": "a/b"}]);
    let answer = hub.post(PATH, json!({"policyKey": "both", "devices": devices})).await;
    assert_eq!((answer.status, &answer.body["rotatedKeys"][0]["id"]), (200, &json!("d1")));
    let errors: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|one| one["errorCode"].clone()).collect();
    assert_eq!(errors, ["DeviceNotFound", "ArgumentInvalid", "ModuleNotFound", "ArgumentInvalid"]);
    assert_eq!(answer.body["errors"][2]["moduleId"], json!("m"));
}

#[tokio::test]
async fn a_request_for_new_keys_has_at_most_a_hundred_entries_and_nobody_twice() {
    let hub = Hub::new();
    let ask = async |ids: Vec<String>| {
        let devices: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        hub.post(PATH, json!({"policyKey": "both", "devices": devices})).await
    };
    let many = ask((0..101).map(|number| format!("d{number}")).collect()).await;
    assert_eq!(many.error(), (413, "TooManyDevices"));
    let twice = ask(vec!["d".to_owned(), "d".to_owned()]).await;
    assert_eq!(twice.error(), (400, "DeviceDefinedMultipleTimes"));
    let which = hub.post(PATH, json!({"policyKey": "third", "devices": []})).await;
    assert_eq!(which.error(), (400, "ArgumentInvalid"));
}
