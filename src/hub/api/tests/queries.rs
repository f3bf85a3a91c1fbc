//! Queries (protocol reference 6).

use super::*;

#[tokio::test]
async fn a_query_pages_with_headers() {
    let hub = Hub::new();
    for id in ["a", "b", "c"] {
        hub.make(id).await;
    }
    let query = json!({"query": "SELECT * FROM devices"});
    let first = hub.ask("POST", "/devices/query", &[("x-ms-max-item-count", "2")], query.clone()).await;
    assert_eq!((first.body.as_array().unwrap().len(), first.header("x-ms-item-type")), (2, Some("Twin")));
    let token = first.header("x-ms-continuation").unwrap().to_owned();
    let headers = [("x-ms-max-item-count", "2"), ("x-ms-continuation", token.as_str())];
    let last = hub.ask("POST", "/devices/query", &headers, query).await;
    assert_eq!((last.body[0]["deviceId"].as_str(), last.header("x-ms-continuation")), (Some("c"), None));
    let other = hub.ask("POST", "/devices/query", &headers, json!({"query": "SELECT deviceId FROM devices"})).await;
    assert_eq!(other.error(), (400, "ArgumentInvalid"));
    let wrong = hub.ask("POST", "/devices/query", &[], json!({"query": "SELECT"})).await;
    assert_eq!(wrong.error(), (400, "ArgumentInvalid"));
}

#[tokio::test]
async fn modules_are_queried_by_any_of_their_columns() {
    let hub = Hub::new();
    for device in ["a", "b"] {
        hub.make(device).await;
        for module in ["m1", "m2"] {
            hub.make_module(device, module).await;
        }
    }
    let patch = json!({"tags": {"site": "oslo"}, "properties": {"desired": {"fw": 2}}});
    hub.ask("PATCH", "/twins/b/modules/m1", &[], patch).await;
    hub.update("/devices/b", json!({"status": "disabled", "statusReason": "stolen"})).await;
    let found = async |condition: &str| -> Vec<String> {
        let rows = hub.query(&format!("SELECT deviceId, moduleId FROM devices.modules WHERE {condition}")).await;
        rows.iter()
            .map(|row| format!("{}/{}", row["deviceId"].as_str().unwrap(), row["moduleId"].as_str().unwrap()))
            .collect()
    };
    for (condition, expected) in [
        ("deviceId in ['b', 'x']", "b/m1 b/m2"),
        ("deviceId = 'a' AND moduleId = 'm2'", "a/m2"),
        ("devices.modules.moduleid = 'm1'", "a/m1 b/m1"),
        ("moduleId IN ['m2', 'm3'] AND deviceId != 'a'", "b/m2"),
        ("tags.site = 'oslo'", "b/m1"),
        ("properties.desired.fw > 1", "b/m1"),
        ("properties.desired.$version = 1", "a/m1 a/m2 b/m2"),
        ("IS_DEFINED(properties.desired.$metadata.fw.$lastUpdated)", "b/m1"),
        ("status = 'disabled'", "b/m1 b/m2"),
        ("statusReason = 'stolen'", "b/m1 b/m2"),
        ("statusUpdateTime > '2000-01-01'", "b/m1 b/m2"),
        ("version = 2 AND etag = 'AAAAAAAAAAE='", "a/m1 a/m2 b/m2"),
        (
            "IS_DEFINED(deviceEtag) AND connectionState = 'Disconnected' AND authenticationType = 'sas'",
            "a/m1 a/m2 b/m1 b/m2",
        ),
        ("lastActivityTime < '2000-01-01' AND cloudToDeviceMessageCount = 0", "a/m1 a/m2 b/m1 b/m2"),
        ("modelId = '' AND capabilities.iotEdge = false", "a/m1 a/m2 b/m1 b/m2"),
        ("IS_DEFINED(deviceScope) OR IS_DEFINED(parentScopes) OR IS_DEFINED(configurations)", ""),
    ] {
        assert_eq!(found(condition).await.join(" "), expected, "{condition}");
    }
    let whole = hub.query("SELECT * FROM devices.modules WHERE deviceId in ['b']").await;
    assert_eq!(whole[0], hub.get("/twins/b/modules/m1").await.body);
    assert_eq!(hub.query("SELECT COUNT() AS n FROM devices.modules").await, [json!({"n": 4})]);
    let grouped = hub.query("SELECT moduleId, COUNT() AS n FROM devices.modules GROUP BY moduleId").await;
    assert_eq!(grouped, [json!({"moduleId": "m1", "n": 2}), json!({"moduleId": "m2", "n": 2})]);
    assert_eq!(hub.query("SELECT * FROM devices WHERE moduleId = 'm1'").await, [] as [Value; 0]);
    assert_eq!(hub.query("SELECT * FROM devices").await.len(), 2, "modules are no devices");
}

#[tokio::test]
async fn pages_of_modules_hold_every_module_once() {
    let hub = Hub::new();
    for device in ["a", "a-b", "b"] {
        hub.make(device).await;
        for module in ["m1", "m2", "m3"] {
            hub.make_module(device, module).await;
        }
    }
    let query = json!({"query": "SELECT deviceId, moduleId FROM devices.modules"});
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = hub
            .ask(
                "POST",
                "/devices/query",
                &[("x-ms-max-item-count", "2"), ("x-ms-continuation", &token)],
                query.clone(),
            )
            .await;
        seen.extend(page.body.as_array().unwrap().clone());
        let Some(next) = page.header("x-ms-continuation") else { break };
        token = next.to_owned();
    }
    let expected: Vec<_> = ["a", "a-b", "b"]
        .into_iter()
        .flat_map(|device| ["m1", "m2", "m3"].map(|module| json!({"deviceId": device, "moduleId": module})))
        .collect();
    assert_eq!(seen, expected);
}
