//! Plans that are kept in a file, approved, and carried out as they are.

use std::fs;

use serde_json::{Value, json};

use super::{
    guards::{begun, fleet, welcome},
    stage::Stage,
};

/// Twelve kiosks that are to be welcomed otherwise, and the plan for it in `plan.json`.
fn planned() -> Stage {
    let stage = begun();
    stage.write("fleet.yaml", fleet("{ maxChanged: 100% }", "welcome"));
    stage.commit("A warmer welcome");
    stage.run(&["plan", "--out", "../plan.json"]).exits(0);
    stage
}

fn edit(stage: &Stage, device: &str) {
    stage.patch(device, &json!({ "properties": { "desired": { "notes": { "welcome": "by hand" } } } }));
}

fn hash(stage: &Stage) -> Value {
    let told = stage.run(&["plan", "--format", "json"]).exits(0).out;
    serde_json::from_str::<Value>(&told).unwrap()["hash"].clone()
}

#[test]
fn a_saved_plan_is_carried_out_as_it_is_whatever_has_been_committed_since() {
    let stage = planned();
    let (revision, path) = (stage.head(), stage.path("plan.json"));
    let saved: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        (&saved["kind"], &saved["version"], &saved["revision"]),
        (&json!("saved-plan"), &json!(1), &json!(revision))
    );
    assert_eq!(saved["hash"], hash(&stage), "people approve what is in the file");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);

    stage.write("fleet.yaml", fleet("{ maxChanged: 100% }", "ahoy"));
    stage.commit("All say ahoy");
    let told = stage.run(&["reconcile", "--plan", "../plan.json"]).exits(0).out;
    assert!(told.contains("12 applied") && told.contains(saved["hash"].as_str().unwrap()), "{told}");
    let twin = stage.twin("d00").unwrap();
    assert_eq!(welcome(&stage, "d00"), json!("welcome"));
    assert_eq!(twin["tags"]["twinops"]["walk"]["revision"], json!(revision));
    // Twins have moved on: it can be carried out once.
    let again = stage.run(&["reconcile", "--plan", "../plan.json"]).exits(5).out;
    assert!(again.contains("12 stale"), "{again}");
}

#[test]
fn stale_devices_are_refused_one_by_one() {
    let stage = planned();
    edit(&stage, "d03");
    let told = stage.run(&["reconcile", "--plan", "../plan.json"]).exits(6).out;
    assert!(told.contains("11 applied") && told.contains("1 stale") && told.contains("d03"), "{told}");
    assert_eq!((welcome(&stage, "d03"), welcome(&stage, "d04")), (json!("by hand"), json!("welcome")));
}

#[test]
fn the_hash_is_another_one_when_other_values_would_be_replaced_and_the_same_for_another_commit() {
    let stage = planned();
    let approved = hash(&stage);
    stage.write("notes.md", "Nothing that a device sees.\n".to_owned());
    stage.commit("Notes");
    assert_eq!(hash(&stage), approved);
    edit(&stage, "d03");
    assert_ne!(hash(&stage), approved);
}

#[test]
fn a_plan_for_another_hub_or_one_that_was_changed_writes_nothing() {
    let stage = planned();
    let path = stage.path("plan.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"welcome\":\"welcome\"", "\"welcome\":\"hacked\"")).unwrap();
    let told = stage.run(&["reconcile", "--plan", "../plan.json"]).exits(1).err;
    assert!(told.contains("cut short or changed"), "{told}");
    fs::write(&path, text).unwrap();
    let (elsewhere, here) = (Stage::new(), stage.path("fleet"));
    let args = ["reconcile", "--fleet", here.to_str().unwrap(), "--plan", path.to_str().unwrap()];
    let told = elsewhere.run(&args).exits(1).err;
    assert!(told.contains("the plan is for the hub `"), "{told}");
    stage.run(&["reconcile", "--plan", "../plan.json", "--revision", "HEAD"]).exits(64);
    stage.run(&["reconcile", "--plan", "../missing.json"]).exits(1);
    assert_eq!(welcome(&stage, "d00"), json!("hello"));
}

#[test]
fn a_guard_has_its_say_on_a_saved_plan_too() {
    let stage = begun();
    stage.write("fleet.yaml", fleet("{ maxChanged: 20% }", "welcome"));
    stage.commit("A warmer welcome");
    stage.run(&["plan", "--out", "../plan.json"]).exits(0);
    stage.run(&["reconcile", "--plan", "../plan.json"]).exits(4);
    assert_eq!(welcome(&stage, "d00"), json!("hello"));
    stage.run(&["reconcile", "--plan", "../plan.json", "--allow", "maxChanged"]).exits(0);
    assert_eq!(welcome(&stage, "d00"), json!("welcome"));
}

#[test]
fn a_secret_is_not_in_the_file_and_reaches_the_twin_all_the_same() {
    let stage = begun();
    let secret = [("TWINOPS_SECRET_PSK", "hush-hush")];
    stage.write("fleet.yaml", fleet("{ maxChanged: 100% }", "\"${secret.PSK}\""));
    stage.write("new.yaml", "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: new }\nspec: { identity: { type: sas }, tags: { role: kiosk } }\n".to_owned());
    stage.commit("A secret welcome, and one more kiosk");
    stage.run_with(&["plan", "--out", "../plan.json"], &secret).exits(0);
    let file = fs::read_to_string(stage.path("plan.json")).unwrap();
    assert!(!file.contains("hush") && file.contains("(secret)"), "{file}");
    edit(&stage, "d03");
    let ran = stage.run_with(&["reconcile", "--plan", "../plan.json"], &secret).exits(6);
    assert!(ran.out.contains("12 applied") && ran.out.contains("1 stale"), "{}", ran.out);
    assert!(!ran.out.contains("hush") && !ran.err.contains("hush"), "{}", ran.out);
    assert_eq!((welcome(&stage, "d00"), welcome(&stage, "new")), (json!("hush-hush"), json!("hush-hush")));
    assert_eq!(welcome(&stage, "d03"), json!("by hand"));
}
