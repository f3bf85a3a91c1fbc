//! Many identities in one request (protocol reference 3.6).

use super::*;

impl Hub {
    async fn bulk(&self, entries: Value) -> Answer {
        self.post("/devices", entries).await
    }

    /// Carries out entries that all succeed.
    async fn bulk_ok(&self, entries: Value) {
        let answer = self.bulk(entries).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"isSuccessful": true, "errors": [], "warnings": []})));
    }

    /// The code of the one entry that fails.
    async fn bulk_error(&self, entry: &Value) -> String {
        let answer = self.bulk(json!([entry])).await;
        assert_eq!(answer.error(), (400, "BulkRegistryOperationFailure"), "{entry}: {}", answer.body);
        assert_eq!((&answer.body["isSuccessful"], &answer.body["warnings"]), (&json!(false), &json!([])));
        answer.body["errors"][0]["errorCode"].as_str().unwrap().to_owned()
    }

    async fn etag(&self, path: &str) -> String {
        self.get(path).await.body["etag"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn devices_are_added_updated_and_removed_in_bulk() {
    let hub = Hub::new();
    // What the Python SDK sends.
    let python = |id: &str| {
        json!({"id": id, "importMode": "create", "status": "disabled",
            "authentication": {"symmetricKey": {"primaryKey": "", "secondaryKey": ""}, "type": "sas"}})
    };
    hub.bulk_ok(json!([python("b1"), python("b2")])).await;
    let made = hub.get("/devices/b1").await.body;
    assert_eq!(made["status"], json!("disabled"));
    assert!(made["authentication"]["symmetricKey"]["primaryKey"].is_string());
    let update = json!([{"id": "b1", "importMode": "update", "status": "enabled", "authentication": made["authentication"]},
        {"id": "b2", "importMode": "updateIfMatchETag", "etag": hub.etag("/devices/b2").await}]);
    hub.bulk_ok(update).await;
    let after = hub.get("/devices/b1").await.body;
    assert_eq!((&after["status"], &after["authentication"]), (&json!("enabled"), &made["authentication"]));
    assert_eq!(hub.get("/devices/b2").await.body["status"], json!("enabled"));
    let etag = hub.etag("/devices/b2").await;
    let delete =
        json!([{"id": "b1", "importMode": "delete"}, {"id": "b2", "importMode": "deleteIfMatchETag", "eTag": etag}]);
    hub.bulk_ok(delete).await;
    for path in ["/devices/b1", "/devices/b2"] {
        assert_eq!(hub.get(path).await.error(), (404, "DeviceNotFound"));
    }
}

#[tokio::test]
async fn no_entries_are_a_success_with_empty_lists() {
    Hub::new().bulk_ok(json!([])).await;
}

#[tokio::test]
async fn entries_that_fail_are_named_and_the_others_are_carried_out() {
    let hub = Hub::new();
    hub.make("old").await;
    let entries = json!([{"id": "new", "importMode": "create"}, {"id": "old", "importMode": "create"},
        {"id": "a/b", "importMode": "create"}, {"id": "none", "importMode": "delete"},
        {"id": "new2", "importMode": "create", "authentication": {"type": "none"}},
        {"id": "old", "moduleId": "m", "importMode": "update"}]);
    let answer = hub.bulk(entries).await;
    assert_eq!(answer.error(), (400, "BulkRegistryOperationFailure"));
    let told: Vec<_> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["deviceId"].as_str().unwrap(), one["errorCode"].as_str().unwrap(), one["operation"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("old", "DeviceAlreadyExists", "create"),
            ("a/b", "ArgumentInvalid", "create"),
            ("none", "DeviceNotFound", "delete"),
            ("new2", "ArgumentInvalid", "create"),
            ("old", "ModuleNotFound", "update"),
        ]
    );
    assert_eq!((&answer.body["errors"][4]["moduleId"], &answer.body["warnings"]), (&json!("m"), &json!([])));
    assert_eq!(hub.get("/devices/new").await.status, 200);
}

#[tokio::test]
async fn every_import_mode_minds_what_is_there_and_which_etag_it_has() {
    let hub = Hub::new();
    hub.make("d").await;
    let entry =
        |mode: &str, id: &str, etag: Value| json!({"id": id, "importMode": mode, "eTag": etag, "twinETag": etag});
    for (mode, missing) in [
        ("update", "DeviceNotFound"),
        ("updateIfMatchETag", "DeviceNotFound"),
        ("delete", "DeviceNotFound"),
        ("deleteIfMatchETag", "DeviceNotFound"),
        ("updateTwin", "DeviceNotFound"),
        ("updateTwinIfMatchETag", "DeviceNotFound"),
    ] {
        assert_eq!(hub.bulk_error(&entry(mode, "none", json!("*"))).await, missing, "{mode}");
    }
    for mode in ["updateIfMatchETag", "createOrUpdateIfMatchETag", "deleteIfMatchETag", "updateTwinIfMatchETag"] {
        for etag in [json!("abc"), Value::Null] {
            assert_eq!(hub.bulk_error(&entry(mode, "d", etag.clone())).await, "PreconditionFailed", "{mode} {etag}");
        }
    }
    assert_eq!(hub.bulk_error(&entry("create", "d", json!("*"))).await, "DeviceAlreadyExists");
    for mode in ["update", "createOrUpdate"] {
        hub.bulk_ok(json!([entry(mode, "d", json!("abc"))])).await;
    }
    for mode in ["updateIfMatchETag", "createOrUpdateIfMatchETag"] {
        let etag = hub.etag("/devices/d").await;
        hub.bulk_ok(json!([entry(mode, "d", json!(etag))])).await;
        assert_ne!(hub.etag("/devices/d").await, etag, "{mode}");
    }
    hub.bulk_ok(json!([
        entry("createOrUpdate", "e", json!("abc")),
        entry("createOrUpdateIfMatchETag", "f", json!("abc"))
    ]))
    .await;
    hub.bulk_ok(json!([{"id": "g"}])).await;
    assert_eq!(hub.get("/devices/g").await.status, 200, "without a mode it is made or updated");
}

#[tokio::test]
async fn a_device_may_be_made_with_tags_and_desired_properties() {
    let hub = Hub::new();
    let twin = json!({"id": "d", "importMode": "create", "twinETag": "*", "tags": {"site": "oslo"},
        "properties": {"desired": {"a": {"b": 1}}, "reported": {"no": 1}}});
    hub.bulk_ok(json!([twin])).await;
    let made = hub.get("/twins/d").await.body;
    assert_eq!((&made["tags"], &made["properties"]["desired"]["a"]), (&json!({"site": "oslo"}), &json!({"b": 1})));
    assert_eq!(made["properties"]["reported"].get("no"), None, "the service never writes what is reported");
}

#[tokio::test]
async fn a_twin_that_no_hub_keeps_leaves_the_device_without_one_and_a_warning() {
    let hub = Hub::new();
    let half = |letter: &str| letter.repeat(4000);
    for (at, bad) in [
        json!({"tags": {"a.b": 1}}),
        json!({"tags": {"a": half("x"), "b": half("y"), "c": half("z")}}),
        json!({"properties": {"desired": {"a": [null]}}}),
        json!({"tags": {"good": 1}, "properties": {"desired": 7}}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut entry = json!({"id": format!("d{at}"), "importMode": "create"});
        entry.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let answer = hub.bulk(json!([entry])).await;
        assert_eq!(
            (answer.status, &answer.body["isSuccessful"], &answer.body["errors"]),
            (200, &json!(true), &json!([]))
        );
        let warning = &answer.body["warnings"][0];
        assert_eq!(
            (&warning["deviceId"], &warning["warningCode"]),
            (&entry["id"], &json!("DeviceRegisteredWithoutTwin"))
        );
        assert!(warning["warningStatus"].is_string());
        let twin = hub.get(&format!("/twins/d{at}")).await.body;
        assert_eq!((twin.get("tags"), &twin["version"]), (None, &json!(2)), "whole or not at all");
    }
}

#[tokio::test]
async fn update_twin_merges_and_limits_hold_for_the_result() {
    let hub = Hub::new();
    hub.make("d").await;
    let update = |tags: Value| {
        json!({"id": "d", "importMode": "updateTwin", "twinETag": "abc", "tags": tags,
        "properties": {"desired": {"a": {"x": 1}}}})
    };
    hub.bulk_ok(json!([update(json!({"t": 1}))])).await;
    hub.bulk_ok(json!([update(json!({"u": 2, "t": null}))])).await;
    let twin = hub.get("/twins/d").await.body;
    assert_eq!((&twin["tags"], &twin["properties"]["desired"]["$version"]), (&json!({"u": 2}), &json!(3)));
    let identity = hub.get("/devices/d").await.body;
    let part = json!({"a": "x".repeat(4000), "b": "x".repeat(4000)});
    hub.bulk_ok(json!([update(part)])).await;
    assert_eq!(hub.bulk_error(&update(json!({"c": "x".repeat(400)}))).await, "ArgumentInvalid");
    let etag = hub.etag("/twins/d").await;
    let careful = json!({"id": "d", "importMode": "updateTwinIfMatchETag", "twinETag": etag, "tags": {"a": null}});
    hub.bulk_ok(json!([careful])).await;
    assert_eq!(hub.bulk_error(&careful).await, "PreconditionFailed");
    assert_eq!(hub.get("/devices/d").await.body, identity, "the identity stays as it was");
}

#[tokio::test]
async fn modules_are_made_changed_and_deleted_in_bulk() {
    let hub = Hub::new();
    hub.make("d").await;
    let create = |module: &str| json!({"id": "d", "moduleId": module, "importMode": "create", "managedBy": "me", "tags": {"t": 1}});
    hub.bulk_ok(json!([create("m1"), create("m2"), {"id": "d", "importMode": "update"}])).await;
    assert_eq!(hub.get("/devices/d/modules/m1").await.body["managedBy"], json!("me"));
    assert_eq!(hub.get("/twins/d/modules/m2").await.body["tags"], json!({"t": 1}));
    assert_eq!(hub.bulk_error(&create("m1")).await, "ModuleAlreadyExistsOnDevice");
    assert_eq!(hub.bulk_error(&create("$edgeAgent")).await, "ArgumentInvalid");
    assert_eq!(hub.bulk_error(&json!({"id": "none", "moduleId": "m", "importMode": "create"})).await, "DeviceNotFound");
    let etag = hub.etag("/devices/d/modules/m1").await;
    let update = json!({"id": "d", "moduleId": "m1", "importMode": "updateIfMatchETag", "eTag": etag});
    hub.bulk_ok(json!([update, {"id": "d", "moduleId": "m2", "importMode": "updateTwin", "tags": {"t": 2}}])).await;
    assert_eq!(hub.bulk_error(&update).await, "PreconditionFailed");
    assert_eq!(hub.get("/twins/d/modules/m2").await.body["tags"], json!({"t": 2}));
    hub.bulk_ok(json!([{"id": "d", "moduleId": "m1", "importMode": "delete"}, {"id": "d", "moduleId": "m3"}])).await;
    let left = hub.get("/devices/d/modules").await.body;
    assert_eq!((&left[0]["moduleId"], &left[1]["moduleId"], left.get(2)), (&json!("m2"), &json!("m3"), None));
}

#[tokio::test]
async fn gateways_and_their_children_are_made_in_bulk() {
    let hub = Hub::new();
    hub.bulk_ok(json!([{"id": "gw", "importMode": "create", "capabilities": {"iotEdge": true}}])).await;
    let scope = hub.get("/devices/gw").await.body["deviceScope"].clone();
    hub.bulk_ok(json!([{"id": "leaf", "importMode": "create", "deviceScope": scope},
        {"id": "gw", "moduleId": "$edgeHub", "properties": {"desired": {"schemaVersion": "1.1"}}}]))
        .await;
    assert_eq!(hub.get("/devices/leaf").await.body["parentScopes"], json!([scope]));
    assert_eq!(
        hub.get("/twins/gw/modules/$edgeHub").await.body["properties"]["desired"]["schemaVersion"],
        json!("1.1")
    );
    let lost = json!({"id": "lost", "importMode": "create", "deviceScope": "ms-azure-iot-edge://none-1"});
    assert_eq!(hub.bulk_error(&lost).await, "InvalidDeviceScope");
}

#[tokio::test]
async fn a_hundred_entries_are_taken_and_one_more_is_too_many() {
    let hub = Hub::new();
    let entries = |count: usize| -> Value {
        (0..count).map(|at| json!({"id": format!("d{at}"), "importMode": "create"})).collect()
    };
    let many = hub.bulk(entries(101)).await;
    assert_eq!(many.error(), (413, "TooManyDevices"));
    hub.bulk_ok(entries(100)).await;
    assert_eq!(hub.get("/statistics/devices").await.body["totalDeviceCount"], json!(100));
}

#[tokio::test]
async fn an_id_that_is_there_twice_refuses_the_whole_request() {
    let hub = Hub::new();
    let twice = hub.bulk(json!([{"id": "a"}, {"id": "b"}, {"id": "a", "importMode": "delete"}])).await;
    assert_eq!(twice.error(), (400, "DeviceDefinedMultipleTimes"));
    assert_eq!(hub.get("/devices/b").await.status, 404);
    hub.bulk_ok(json!([{"id": "a"}, {"id": "b"}])).await;
    hub.bulk_ok(json!([{"id": "a", "moduleId": "m"}, {"id": "a", "moduleId": "n"}, {"id": "a"}])).await;
}

#[tokio::test]
async fn a_bulk_request_that_is_no_list_of_entries_is_refused_whole() {
    let hub = Hub::new();
    for body in
        [json!({"id": "a"}), json!([{"id": "a"}, 7]), json!([{"id": "a", "importMode": "replace"}]), json!([{"id": 1}])]
    {
        assert_eq!(hub.bulk(body.clone()).await.error(), (400, "ArgumentInvalid"), "{body}");
    }
    assert_eq!(hub.get("/devices/a").await.status, 404);
}
