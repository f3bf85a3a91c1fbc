//! What stops a run before its first write, and what lets it pass.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::stage::Stage;

/// Twelve devices, one of them a kiosk, with a guard and a welcome.
pub(crate) fn fleet(guard: &str, welcome: &str) -> String {
    let mut text = format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
spec:
  guard: {guard}
---
apiVersion: twinops/v1
kind: Profile
metadata: {{ name: base }}
spec:
  where: tags.role = 'kiosk'
  desired:
    notes: {{ welcome: {welcome} }}
"
    );
    for number in 0..12 {
        let _ = write!(
            text,
            "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: d{number:02} }}\n\
             spec: {{ identity: {{ type: sas }}, tags: {{ role: kiosk }} }}\n"
        );
    }
    text
}

pub(crate) fn begun() -> Stage {
    let stage = Stage::new();
    stage.write("fleet.yaml", fleet("{ maxChanged: 20%, maxAdopted: 12 }", "hello"));
    stage.commit("Twelve kiosks");
    stage.run(&["reconcile"]).exits(0);
    stage
}

pub(crate) fn welcome(stage: &Stage, device: &str) -> Value {
    stage.twin(device).unwrap()["properties"]["desired"]["notes"]["welcome"].clone()
}

const FORMATS: [&str; 8] = ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"];

#[test]
fn a_guard_stops_a_run_before_its_first_write_in_every_format() {
    let stage = begun();
    stage.write("fleet.yaml", fleet("{ maxChanged: 20% }", "welcome"));
    stage.commit("A warmer welcome");
    for format in FORMATS {
        let ran = stage.run(&["reconcile", "--format", format]).exits(4);
        assert!(ran.out.contains("maxChanged"), "{format}:\n{}", ran.out);
        assert!(ran.out.contains("12 of 12 managed devices"), "{format}:\n{}", ran.out);
        stage.run(&["plan", "--format", format]).exits(0);
    }
    assert_eq!(welcome(&stage, "d00"), json!("hello"));
}

#[test]
fn a_guard_is_let_pass_by_an_argument_that_the_report_records_or_by_a_commit() {
    let stage = begun();
    stage.write("fleet.yaml", fleet("{ maxChanged: 20% }", "welcome"));
    stage.commit("A warmer welcome");
    stage.run(&["reconcile", "--allow", "maxPruned"]).exits(4);
    let alice = [("GITHUB_ACTOR", "alice")];
    let allowed = stage.run_with(&["reconcile", "--allow", "maxChanged", "--format", "json"], &alice).exits(0);
    let told: Value = serde_json::from_str(&allowed.out).unwrap();
    assert_eq!((&told["kind"], &told["guards"][0]["by"]), (&json!("outcome"), &json!("alice")));
    assert_eq!(welcome(&stage, "d11"), json!("welcome"));

    let exempt = "{ maxChanged: 20%, exemptions: [{ guard: maxChanged, owner: front desk, reason: a new greeting, \
                  until: \"9999-12-31\" }] }";
    stage.write("fleet.yaml", fleet(exempt, "ahoy"));
    stage.commit("All say ahoy");
    let passed = stage.run(&["reconcile"]).exits(0).out;
    for word in ["exempt[maxChanged]", "front desk", "a new greeting", "9999-12-31"] {
        assert!(passed.contains(word), "`{word}` is missing from:\n{passed}");
    }
    assert_eq!(welcome(&stage, "d11"), json!("ahoy"));
    let idle = stage.run(&["plan"]).exits(0).out;
    assert!(!idle.contains("unused-exemption"), "nothing is judged where nothing is written:\n{idle}");
}

#[test]
fn a_misspelt_where_and_an_empty_repository_take_nothing_away() {
    let stage = begun();
    let misspelt =
        fleet("{ maxChanged: 100% }", "hello").replace("where: tags.role = 'kiosk'", "where: tags.role = 'kisok'");
    stage.write("fleet.yaml", misspelt);
    stage.commit("A slip");
    let told = stage.run(&["reconcile"]).exits(4);
    assert!(told.out.contains("refused[selectsNothing]") && told.err.contains("selectsNothing"), "{}", told.out);
    stage.write("fleet.yaml", "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: walk }\n".to_owned());
    stage.commit("Everything is gone");
    let told = stage.run(&["reconcile"]).exits(4).out;
    assert!(told.contains("refused[emptyFleet]"), "{told}");
    assert_eq!(welcome(&stage, "d00"), json!("hello"));
}

#[test]
fn a_value_of_another_fleet_is_not_replaced() {
    let stage = begun();
    let theirs = json!({
        "tags": { "twinops": { "walk": null, "bridges": { "revision": "1", "sources": ["Profile/bridge"] } } },
        "properties": { "desired": { "notes": { "welcome": "from the bridge" } } },
    });
    stage.patch("d03", &theirs);
    let told = stage.run(&["reconcile"]).exits(4).out;
    assert!(told.contains("refused[otherFleet]") && told.contains("`bridges`"), "{told}");
    assert_eq!(welcome(&stage, "d03"), json!("from the bridge"));
    stage.run(&["reconcile", "--allow", "otherFleet"]).exits(0);
    assert_eq!(welcome(&stage, "d03"), json!("hello"));
}

#[test]
fn a_plan_says_what_it_costs_of_the_hub_and_a_run_keeps_to_it() {
    let stage = begun();
    let small = |welcome: &str| fleet("{ maxChanged: 100% }\n  hub: { sku: F1 }", welcome);
    stage.write("fleet.yaml", small("welcome"));
    stage.commit("A warmer welcome, on a small hub");
    let told = stage.run(&["plan"]).exits(0).out;
    assert!(told.contains("Quota: 12 twin writes on F1: under 1 s"), "{told}");
    let json: Value =
        serde_json::from_str(&stage.run(&["plan", "--format", "json", "--share", "50%"]).exits(0).out).unwrap();
    assert_eq!((&json["quota"]["sku"], &json["quota"]["phases"][1]["calls"]), (&json!("F1"), &json!(12)));
    assert_eq!(json["quota"]["phases"][1]["atShareSeconds"], json!(0.48));
    // A hundredth of 50 writes a second: the first at once, the twelfth after 22 s.
    let start = std::time::Instant::now();
    stage.run(&["reconcile", "--device", "d00", "--device", "d01", "--share", "1%"]).exits(0);
    assert!(start.elapsed() >= std::time::Duration::from_secs(2), "{:?}", start.elapsed());
    stage.run(&["reconcile", "--share", "0%"]).exits(64);
    stage.write("fleet.yaml", fleet("{ maxChanged: 100% }", "welcome"));
    stage.commit("A hub of our own");
    stage.run(&["plan", "--share", "50%"]).exits(64);
}
