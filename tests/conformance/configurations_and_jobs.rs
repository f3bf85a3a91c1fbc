//! Configurations and scheduled jobs.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::support::{PATIENCE, World};

impl World {
    /// Asks until the job is over.
    async fn finished(&self, job: &str) -> Value {
        let path = format!("/jobs/v2/{job}");
        let over = async {
            loop {
                let read = self.get(&path).await.ok();
                if read["status"] == json!("completed") {
                    return read["deviceJobStatistics"].clone();
                }
            }
        };
        timeout(PATIENCE, over).await.expect("the job ends in time")
    }
}

/// Protocol reference 17.18.
#[tokio::test]
async fn a_configuration_is_made_read_updated_by_etag_and_star_and_deleted() {
    let world = World::start().await;
    let path = "/configurations/node_e2e_device_1";
    let content = json!({"deviceContent": {"properties.desired.chiller": {"temperature": 66, "list": [1, {"a": 2}]}}});
    let body = |priority: u8| {
        json!({"id": "node_e2e_device_1", "schemaVersion": "1.0", "content": content, "targetCondition": "",
            "priority": priority})
    };
    let made = world.put(path, body(1)).await.ok();
    world.put(path, body(1)).await.refused(409, "ConfigurationAlreadyExists");
    let list = world.get("/configurations").await.ok();
    for found in [&made, &world.get(path).await.ok(), &list[0]] {
        assert_eq!((&found["content"], &found["targetCondition"]), (&content, &json!("")));
    }
    let etag = made["etag"].as_str().unwrap();
    assert_eq!(world.update(path, etag, body(2)).await.ok()["priority"], json!(2));
    world.update(path, etag, body(3)).await.refused(412, "PreconditionFailed");
    assert_eq!(world.update(path, "*", body(4)).await.ok()["priority"], json!(4));
    assert_eq!(world.get(path).await.ok()["priority"], json!(4));
    assert_eq!(world.ask("DELETE", path, "", Value::Null).await.status, 204);
    world.get(path).await.refused(404, "ConfigurationNotFound");
    world.end().await;
}

/// Protocol reference 17.19.
#[tokio::test]
async fn jobs_update_twins_call_devices_wait_for_their_time_and_are_cancelled() {
    let world = World::start().await;
    let key = world.device("d1").await;
    let mut device = world.connect("d1", &key).await;
    device.subscribe("$iothub/methods/POST/#").await;
    let condition = "deviceId IN ['d1']";
    let update = |id: &str, start: Value| {
        json!({"jobId": id, "type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"job": id}},
            "queryCondition": condition, "startTime": start, "maxExecutionTimeInSeconds": 60})
    };

    let made = world.put("/jobs/v2/now", update("now", Value::Null)).await.ok();
    assert_eq!(made["status"], json!("queued"));
    assert_eq!(world.finished("now").await["succeededCount"], json!(1));
    assert_eq!(world.get("/twins/d1").await.ok()["tags"], json!({"job": "now"}));

    let hour = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let made = world.put("/jobs/v2/later", update("later", json!(hour.to_string()))).await.ok();
    assert_eq!(made["status"], json!("queued"));
    assert_eq!(world.post("/jobs/v2/later/cancel", Value::Null).await.ok()["status"], json!("cancelled"));
    assert_eq!(world.get("/jobs/v2/later").await.ok()["status"], json!("cancelled"));

    let call = json!({"jobId": "call", "type": "scheduleDeviceMethod", "queryCondition": condition,
        "cloudToDeviceMethod": {"methodName": "work", "payload": {"a": 1}, "responseTimeoutInSeconds": 30},
        "maxExecutionTimeInSeconds": 60});
    assert_eq!(world.put("/jobs/v2/call", call).await.ok()["status"], json!("queued"));
    assert_eq!(device.answer("work", 200, Value::to_string).await, json!({"a": 1}));
    assert_eq!(world.finished("call").await["succeededCount"], json!(1));
    assert_eq!(world.get("/twins/d1").await.ok()["tags"], json!({"job": "now"}), "a cancelled job does nothing");
    world.end().await;
}

/// Protocol reference 17.24.
#[tokio::test]
async fn a_wrong_condition_is_told_in_a_successful_answer() {
    let world = World::start().await;
    let tried = async |condition: &str, query: &str| {
        let body = json!({"targetCondition": condition, "customMetricQueries": {"m": query}});
        let answer = world.post("/configurations/testQueries", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let (good, query) = ("tags.site = 'oslo'", "SELECT deviceId FROM devices");
    assert_eq!(tried(good, query).await.get("targetConditionError"), None);
    for wrong in ["tags.site =", "properties.desired.a = 1", "*"] {
        let told = tried(wrong, query).await;
        assert!(told["targetConditionError"].as_str().is_some_and(|text| !text.is_empty()), "{wrong}: {told}");
    }
    let told = tried(good, "SELECT FROM").await;
    assert_eq!(told.get("targetConditionError"), None);
    assert!(told["customMetricQueryErrors"]["m"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    world.end().await;
}
