//! Somebody edits twins in the hub, and git follows: a branch, its commit, and a plan that has nothing left to do.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::stage::Stage;

const FLEET: &str = "\
apiVersion: twinops/v1
kind: Fleet
metadata: { name: walk }
";
const KIOSK: &str = "\
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk' # all of them
  desired:
    display:
      brightness: 80   # percent
      sleep: \"22:00\"
    lobby: { network: guests, key: \"${secret.WIFI}\" }
";

fn device(name: &str) -> String {
    format!(
        "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {name} }}\nspec: {{ identity: {{ type: sas }}, tags: {{ role: kiosk }} }}\n"
    )
}

/// Two kiosks that are as git says.
fn begun() -> Stage {
    let stage = Stage::new();
    stage.write("fleet.yaml", FLEET.to_owned());
    stage.write("kiosk.yaml", KIOSK.to_owned());
    stage.write("devices.yaml", device("kiosk-1") + &device("kiosk-2"));
    stage.commit("The fleet");
    run(&stage, &["reconcile"], 0);
    stage
}

fn run(stage: &Stage, args: &[&str], code: i32) -> String {
    stage.run_with(args, &[("TWINOPS_SECRET_WIFI", "hunter22")]).exits(code).out
}

fn edit(stage: &Stage, device: &str, desired: &Value) {
    stage.patch(device, &json!({ "properties": { "desired": desired } }));
}

fn git(stage: &Stage, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(stage.path("fleet")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn changes(stage: &Stage, revision: &str) -> u64 {
    let plan = run(stage, &["plan", "--revision", revision, "--format", "json"], 0);
    let plan: Value = serde_json::from_str(&plan).unwrap();
    plan["summary"]["change"].as_u64().unwrap_or_else(|| panic!("{plan}"))
}

#[test]
fn what_was_edited_in_the_hub_goes_onto_a_branch_and_the_plan_of_it_is_empty() {
    let stage = begun();
    for kiosk in ["kiosk-1", "kiosk-2"] {
        edit(&stage, kiosk, &json!({ "display": { "brightness": 40 } }));
    }
    edit(&stage, "kiosk-2", &json!({ "display": { "sleep": "23:00" } }));
    stage.write("notes.yaml", "# not committed, and not touched\n".to_owned());
    assert_eq!(changes(&stage, "HEAD"), 2);

    let told = run(&stage, &["drift", "--adopt"], 0);
    assert!(told.contains("2 values of 2 devices adopted"), "{told}");
    assert!(told.contains("kiosk.yaml:8") && told.contains("in the profile `kiosk`: all of its 2 devices"), "{told}");
    let branch = "twinops/adopt-walk";
    let diff = git(&stage, &["diff", "--unified=0", "--no-color", "HEAD", branch]);
    let lines: Vec<&str> = diff.lines().filter(|line| line.starts_with(['+', '-']) && line.len() > 4).collect();
    let expected = [
        "--- a/devices.yaml",
        "+++ b/devices.yaml",
        "-spec: { identity: { type: sas }, tags: { role: kiosk } }",
        "+spec: { identity: { type: sas }, tags: { role: kiosk }, desired: { display: { sleep: \"23:00\" } } }",
        "--- a/kiosk.yaml",
        "+++ b/kiosk.yaml",
        "-      brightness: 80   # percent",
        "+      brightness: 40   # percent",
    ];
    assert_eq!(lines, expected);
    let message = git(&stage, &["log", "-1", "--format=%B", branch]);
    assert!(message.starts_with("Adopt 2 values of 2 devices from the hub\n"), "{message}");
    assert!(message.contains("properties.desired.display.brightness: 80 -> 40"), "{message}");
    assert!(message.contains("from kiosk-2, version 4, changed at 2"), "{message}");
    assert_eq!(changes(&stage, branch), 0);

    // Nothing else has moved, and the same again is the same commit.
    assert_eq!(git(&stage, &["status", "--porcelain"]), "?? notes.yaml\n");
    let tip = git(&stage, &["rev-parse", branch]);
    let again = run(&stage, &["drift", "--adopt", "--detailed-exitcode", "--format", "json"], 2);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["written"]["commit"], tip.trim());
}

#[test]
fn an_adoption_can_be_narrowed_and_a_secret_is_left() {
    let stage = begun();
    edit(&stage, "kiosk-1", &json!({ "display": { "brightness": 40, "sleep": null }, "lobby": { "key": "letmein1" } }));
    let told = run(&stage, &["drift", "--adopt=worktree", "--path", "properties.desired.lobby"], 6);
    assert!(told.contains("nothing adopted; 1 value left") && told.contains("never written into a file"), "{told}");
    assert_eq!(git(&stage, &["status", "--porcelain"]), "");

    let args = ["drift", "--adopt=worktree", "--device", "kiosk-1", "--path", "properties.desired.display"];
    run(&stage, &args, 0);
    let devices = fs::read_to_string(stage.path("fleet/devices.yaml")).unwrap();
    assert!(devices.contains("desired: { display: { brightness: 40, sleep: null } }"), "{devices}");
    assert!(!devices.contains("letmein1"));
    assert_eq!(git(&stage, &["diff", "--name-only"]), "devices.yaml\n");
    run(&stage, &["drift", "--adopt=worktree", "--push"], 64);
}

#[test]
fn a_value_that_breaks_a_rule_of_the_fleet_is_not_written() {
    let stage = begun();
    stage.write("kiosk.yaml", KIOSK.to_owned() + "    time: { timeZone: Europe/Oslo }\n");
    stage.commit("A time zone");
    run(&stage, &["reconcile"], 0);
    edit(&stage, "kiosk-1", &json!({ "time": { "timeZone": 17 } }));
    let told = run(&stage, &["drift", "--adopt"], 3);
    assert!(told.contains("timeZone"), "{told}");
    assert!(git(&stage, &["branch", "--list", "twinops/*"]).is_empty());
}

#[test]
fn a_branch_is_pushed_with_the_users_own_git() {
    let stage = begun();
    let remote = stage.path("remote.git");
    git(&stage, &["init", "--quiet", "--bare", &remote.to_string_lossy()]);
    git(&stage, &["remote", "add", "origin", &remote.to_string_lossy()]);
    edit(&stage, "kiosk-1", &json!({ "display": { "brightness": 40 } }));
    let told = run(&stage, &["drift", "--adopt", "--branch", "adopted", "--push"], 0);
    assert!(told.contains("pushed to `origin`"), "{told}");
    let there = git(&stage, &["ls-remote", "origin", "adopted"]);
    assert!(there.starts_with(git(&stage, &["rev-parse", "adopted"]).trim()), "{there}");
}
