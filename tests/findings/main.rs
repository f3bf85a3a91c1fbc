//! `validate` and `explain --rule` as they are met on the command line, and SARIF held against its own schema.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod sarif;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: contoso }\n";
const PUMP: &str = r#"{ "type": "object", "x-twinops-status": "pnp", "properties": {
    "mode": { "type": "string" }, "boost": { "type": "boolean", "x-twinops-since": "1.2.0" } } }"#;
const PROFILE: &str = "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: pumps }\nspec:\n  \
                       where: tags.role = 'pump'\n  desired: { pump: { mode: slow, boost: true } }\n";

/// A fleet with one error, one warning and one waiver.
fn faulty() -> tempfile::TempDir {
    let device = "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: d-1 }\nspec:\n  tags:\n    power: on\n    \
                  opens: 08:30 # twinops: allow yaml-trap because the till reads YAML 1.2\n    \
                  uplink: HostName=h;SharedAccessKey=never-shown\n";
    folder(&[("fleet.yaml", FLEET), ("devices/d 1.yaml", device)])
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn twinops(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.current_dir(folder).args(arguments).env_remove("IOTHUB_CONNECTION_STRING").output().unwrap()
}

/// What was said on stdout; the command has to end with `code`.
#[track_caller]
fn told(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = twinops(folder, arguments);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    out
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn people_are_told_the_line_the_waivers_and_where_there_is_more() {
    let text = told(faulty().path(), &["validate"], 3);
    assert!(text.contains("warning[yaml-trap]") && text.contains("6 |     power: on"), "{text}");
    assert!(text.contains("error[clear-text-secret]") && !text.contains("never-shown"), "{text}");
    assert!(text.ends_with("1 error, 1 warning in 2 documents; 1 waived\n"), "{text}");
    assert!(text.contains("twinops explain --rule clear-text-secret | yaml-trap"), "{text}");
}

#[test]
fn sarif_names_places_rules_and_what_is_waived() {
    let text = told(faulty().path(), &["validate", "--format", "sarif"], 3);
    let log = json(&text);
    sarif::satisfies(&log, "validate --format sarif");
    let run = &log["runs"][0];
    let result = |id: &str| run["results"].as_array().unwrap().iter().filter(|r| r["ruleId"] == id).collect::<Vec<_>>();
    let secret = result("clear-text-secret")[0];
    let place = &secret["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "devices/d%201.yaml");
    assert_eq!(place["region"], json!({"startLine": 8, "startColumn": 5, "endLine": 8, "endColumn": 11}));
    assert_eq!(secret["suppressions"], json!([]));
    let rule = &run["tool"]["driver"]["rules"][usize::try_from(secret["ruleIndex"].as_u64().unwrap()).unwrap()];
    assert_eq!(rule["id"], "clear-text-secret");
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# clear-text-secret"), "{rule}");
    let waived = result("yaml-trap").into_iter().find(|r| r["suppressions"] != json!([])).unwrap();
    assert_eq!(waived["suppressions"][0]["justification"], "the till reads YAML 1.2");
    assert!(!text.contains("never-shown"));
}

#[test]
fn gitlab_gets_its_report_of_code_quality() {
    let entries = json(&told(faulty().path(), &["validate", "--format", "gitlab"], 3));
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), 2, "what is waived is left out");
    for entry in entries {
        assert!(entry["description"].is_string() && entry["check_name"].is_string(), "{entry}");
        assert!(entry["fingerprint"].as_str().unwrap().len() >= 32, "{entry}");
        assert!(["minor", "critical"].contains(&entry["severity"].as_str().unwrap()), "{entry}");
        assert_eq!(entry["location"]["path"], "devices/d 1.yaml");
        assert!(entry["location"]["lines"]["begin"].as_u64().unwrap() > 1, "{entry}");
    }
    assert_ne!(entries[0]["fingerprint"], entries[1]["fingerprint"]);
}

#[test]
fn a_snapshot_tells_what_devices_cannot_understand_and_what_selects_nothing() {
    let twin = |id: &str, version: &str| {
        let capabilities = json!({"pump": {"version": version}});
        let reported = json!({"twinops": {"agentVersion": "0.1.0", "capabilities": capabilities}});
        json!({"deviceId": id, "tags": {"role": "pump"}, "properties": {"desired": {}, "reported": reported}})
    };
    let twins = format!("{}\n{}\n", twin("p-1", "1.1.0"), twin("p-2", "1.2.0"));
    let lost = PROFILE.replace("pumps", "lost").replace("'pump'", "'pmup'").replace("slow", "fast");
    let files = [
        ("fleet.yaml", FLEET),
        ("components/pump.schema.json", PUMP),
        ("profile.yaml", PROFILE),
        ("lost.yaml", &lost),
        ("twins.ndjson", &twins),
    ];
    let root = folder(&files);
    assert_eq!(told(root.path(), &["validate"], 0), "No findings in 3 documents\n");
    for option in ["--snapshot", "--twins"] {
        let text = told(root.path(), &["validate", option, "twins.ndjson"], 0);
        let miss = "1 of 2 devices cannot understand `pump.boost`: their agent is older than version 1.2.0 of `pump`";
        assert!(text.contains(miss) && text.contains("p-1"), "{text}");
        assert!(text.contains("the profile `lost` selects none of the 2 devices"), "{text}");
        assert!(text.contains("lost.yaml:5:10") && text.contains("profile.yaml:6:34"), "{text}");
    }
    let output = twinops(root.path(), &["validate", "--live"]);
    assert_eq!(output.status.code(), Some(1), "no hub is known");
}

#[test]
fn a_rule_is_explained_and_a_wrong_id_finds_the_right_one() {
    let root = folder(&[]);
    let page = told(root.path(), &["explain", "--rule", "yaml-trap"], 0);
    assert!(page.starts_with("# yaml-trap\n") && page.contains("## What to do"), "{page}");
    let all = told(root.path(), &["explain", "--rule"], 0);
    assert!(all.lines().count() > 50 && all.contains("capability-mismatch  "), "{all}");
    let rule = json(&told(root.path(), &["explain", "--rule", "yaml-trap", "--format", "json"], 0));
    assert_eq!((&rule["rules"][0]["severity"], &rule["rules"][0]["waivable"]), (&json!("warning"), &json!(true)));
    let output = twinops(root.path(), &["explain", "--rule", "yaml-trp"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(64) && said.contains("did you mean `yaml-trap`?"), "{said}");
    assert_eq!(twinops(root.path(), &["explain"]).status.code(), Some(64));
}
