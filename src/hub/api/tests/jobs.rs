//! Jobs, as the tools send them; no engine runs, so that they stay as they were made.

use super::*;

fn job(kind: &str) -> Value {
    json!({"jobId": "x", "type": kind, "updateTwin": {"etag": "*", "tags": {"x": 1}},
        "cloudToDeviceMethod": {"methodName": "m", "payload": {}, "responseTimeoutInSeconds": 5},
        "queryCondition": "deviceId IN ['d1']", "maxExecutionTimeInSeconds": 60})
}

async fn create(hub: &Hub, id: &str, kind: &str) -> Answer {
    let mut body = job(kind);
    body["jobId"] = json!(id);
    hub.ask("PUT", &format!("/jobs/v2/{id}"), &[], body).await
}

#[tokio::test]
async fn a_job_is_made_once_read_and_cancelled() {
    let hub = Hub::new();
    let made = create(&hub, "j1", "scheduleDeviceMethod").await;
    assert_eq!(
        (made.status, &made.body["status"], &made.body["type"]),
        (200, &json!("queued"), &json!("scheduleDeviceMethod"))
    );
    assert_eq!((&made.body["endTime"], made.body.get("updateTwin")), (&Value::Null, None));
    assert_eq!(hub.ask("GET", "/jobs/v2/j1", &[], Value::Null).await.body, made.body);
    assert_eq!(create(&hub, "j1", "scheduleUpdateTwin").await.error(), (409, "JobAlreadyExists"));
    assert_eq!(create(&hub, "J1", "scheduleUpdateTwin").await.error(), (400, "ArgumentInvalid"));
    assert_eq!(create(&hub, "j2", "export").await.error(), (400, "ArgumentInvalid"));
    let cancelled = hub.ask("POST", "/jobs/v2/j1/cancel", &[], Value::Null).await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")));
    let again = hub.ask("POST", "/jobs/v2/j1/cancel", &[], Value::Null).await;
    assert_eq!(again.error(), (405, "OperationNotAllowedInCurrentState"));
    assert_eq!(hub.ask("POST", "/jobs/v2/j9/cancel", &[], Value::Null).await.error(), (404, "JobNotFound"));
    for unknown in ["/jobs/v2/j9", "/jobs/v2/%2Factive"] {
        let unknown = hub.ask("GET", unknown, &[], Value::Null).await;
        assert_eq!((unknown.status, unknown.body), (200, json!({"type": "unknown", "status": "unknown"})));
    }
}

#[tokio::test]
async fn jobs_are_listed_by_type_and_status_in_pages() {
    let hub = Hub::new();
    for (id, kind) in [("a", "scheduleUpdateTwin"), ("b", "scheduleDeviceMethod"), ("c", "scheduleUpdateTwin")] {
        assert_eq!(create(&hub, id, kind).await.status, 200);
    }
    hub.ask("POST", "/jobs/v2/c/cancel", &[], Value::Null).await;
    let list = async |filter: &str, headers: &[(&str, &str)]| {
        let list = hub.ask("GET", &format!("/jobs/v2/query{filter}"), headers, Value::Null).await;
        assert_eq!((list.status, list.header("x-ms-item-type")), (200, Some("JobResponse")));
        let ids: String = list.body.as_array().unwrap().iter().map(|job| job["jobId"].as_str().unwrap()).collect();
        (ids, list.header("x-ms-continuation").map(str::to_owned))
    };
    for (filter, expected) in [
        ("", "abc"),
        ("?jobType=scheduleUpdateTwin", "ac"),
        ("?jobStatus=cancelled", "c"),
        ("?jobType=scheduleDeviceMethod&jobStatus=Queued", "b"),
        ("?jobStatus=enqueued", ""),
        ("?jobType=&jobStatus=completed", ""),
    ] {
        assert_eq!(list(filter, &[]).await, (expected.to_owned(), None), "{filter}");
    }
    let (ids, token) = list("", &[("x-ms-max-item-count", "2")]).await;
    let token = token.unwrap();
    let headers = [("x-ms-max-item-count", "2"), ("x-ms-continuation", token.as_str())];
    assert_eq!((ids.as_str(), list("", &headers).await), ("ab", ("c".to_owned(), None)));
    for bad in ["?jobType=export", "?jobStatus=lost"] {
        let refused = hub.ask("GET", &format!("/jobs/v2/query{bad}"), &[], Value::Null).await;
        assert_eq!(refused.error(), (400, "ArgumentInvalid"), "{bad}");
    }
    let other = hub.ask("GET", "/jobs/v2/query?jobStatus=queued", &headers, Value::Null).await;
    assert_eq!(other.error(), (400, "ArgumentInvalid"));
}

#[tokio::test]
async fn there_are_no_imports_and_exports() {
    let hub = Hub::new();
    let refused = hub.ask("POST", "/jobs/create", &[], json!({"type": "export"})).await;
    assert_eq!(refused.error(), (403, "OperationNotAvailableInCurrentTier"));
    let list = hub.ask("GET", "/jobs", &[], Value::Null).await;
    assert_eq!((list.status, list.body), (200, json!([])));
    for method in ["GET", "DELETE"] {
        assert_eq!(hub.ask(method, "/jobs/j1", &[], Value::Null).await.error(), (404, "JobNotFound"));
    }
}
