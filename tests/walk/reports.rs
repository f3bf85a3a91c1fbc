//! Reports that are held against earlier ones.

use std::fs;

use serde_json::{Value, json};

use super::{
    guards::{begun, fleet},
    stage::Stage,
};

fn edit(stage: &Stage, device: &str) {
    stage.patch(device, &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
}

/// Keeps the drift of this moment beside the fleet's repository.
fn keep(stage: &Stage, name: &str) -> Value {
    let told = stage.run(&["drift", "--format", "json", "--by", "tags.role"]).exits(0).out;
    fs::write(stage.path(name), &told).unwrap();
    serde_json::from_str(&told).unwrap()
}

#[test]
fn drift_says_what_is_new_since_a_report_and_draws_those_of_a_folder() {
    let stage = begun();
    edit(&stage, "d00");
    fs::create_dir(stage.path("history")).unwrap();
    let first = keep(&stage, "history/1.json");
    assert_eq!(first["devices"]["edited"], json!(1));
    assert_eq!(first["byTag"]["values"]["kiosk"]["edited"], json!(1));
    assert_eq!(first["components"]["notes"]["edited"], json!(1));
    edit(&stage, "d01");

    let since = ["drift", "--since", "../history/1.json"];
    let told = stage.run(&since).exits(0).out;
    assert!(told.contains("Since: 1 verdict new since 20") && told.contains("0 gone"), "{told}");
    let told: Value =
        serde_json::from_str(&stage.run(&[&since[..], &["--format", "json"]].concat()).exits(0).out).unwrap();
    let new = json!([{ "id": "d01", "path": "properties.desired.notes.welcome", "verdict": "edited" }]);
    assert_eq!((&told["since"]["new"], &told["since"]["time"]), (&new, &first["time"]));

    let page = stage.run(&["drift", "--history", "../history", "--by", "tags.role", "--format", "html"]).exits(0).out;
    assert!(page.starts_with("<!doctype html>") && page.contains("over time</figcaption>"), "{page}");
    assert!(page.contains(&format!("{}Z: 1 edited", &first["time"].as_str().unwrap()[..19])), "{page}");
}

#[test]
fn a_plan_warns_of_what_it_prunes_and_names_the_line_where_it_stood() {
    let stage = begun();
    let before = stage.head();
    stage.write("fleet.yaml", fleet("{ maxPruned: 100% }", "hello").replace("{ welcome: hello }", "{ farewell: bye }"));
    stage.commit("Nobody is welcomed any more");
    let plan = stage.run(&["plan", "--format", "markdown"]).exits(0).out;
    let line = format!(
        "> - prunes `properties.desired.notes.welcome` on 12 devices: `d00`, `d01`, `d02`, +9 (was `fleet.yaml:13 at {}`)",
        &before[..12]
    );
    assert!(plan.contains("> [!WARNING]\n> **12 devices would lose values") && plan.contains(&line), "{plan}");
}

#[test]
fn what_is_no_earlier_report_is_refused_with_its_name() {
    let stage = begun();
    let plan = stage.run(&["plan", "--format", "json"]).exits(0).out;
    fs::write(stage.path("plan.json"), plan).unwrap();
    let refused = stage.run(&["drift", "--since", "../plan.json"]).exits(1).err;
    assert!(refused.contains("plan.json") && refused.contains("a report of kind `plan`"), "{refused}");
    let missing = stage.run(&["drift", "--since", "../none.json"]).exits(1).err;
    assert!(missing.contains("none.json") && missing.contains("cannot be read"), "{missing}");
    let no_tag = stage.run(&["status", "--by", "properties.desired.time"]).exits(64).err;
    assert!(no_tag.contains("tags.site"), "{no_tag}");
}
