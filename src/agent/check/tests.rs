//! What is said of the steps; the steps themselves are tried against real hubs in `tests/agent`.

use super::*;

#[tokio::test]
async fn a_device_that_nobody_named_is_asked_for() {
    let report = check(Given::default(), |_| None).await;
    assert!(!report.is_well());
    assert!(report.to_string().contains("FAILED   configuration  no connection string"), "{report}");
}

#[test]
fn people_get_lines_and_programs_json() {
    let mut report = Report::default();
    report.ok("dns", "`hub` is 10.0.0.1");
    report.warn("ports", "`hub:8883` cannot be reached", "open it");
    assert!(report.is_well());
    assert_eq!(
        report.to_string(),
        "ok       dns            `hub` is 10.0.0.1\n\
         warning  ports          `hub:8883` cannot be reached\n                        open it\n\n\
         the agent can work\n"
    );
    report.fail("tls", "no", "yes");
    let read: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(read["steps"][0], serde_json::json!({"name": "dns", "outcome": "ok", "found": "`hub` is 10.0.0.1"}));
    assert_eq!(read["steps"][2]["remedy"], "yes");
    assert!(report.to_string().ends_with("the agent cannot work yet\n"));
}
