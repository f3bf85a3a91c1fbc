//! A component of the fleet's own: what its schema marks as secret is in no output, wherever the value comes from.

use serde_json::json;

use super::stage::{Ran, Stage};

/// Values of the marked member: declared, declared later, and what somebody makes of it.
const SECRETS: [&str; 3] = ["hush-declared", "hush-declared-later", "hush-edited"];

/// Answers by IoT Plug and Play; `token` and everything below `login` are secret.
const SCHEMA: &str = r#"{
  "title": "pump",
  "description": "The pump of the line.",
  "type": "object",
  "x-twinops-status": "pnp",
  "additionalProperties": false,
  "properties": {
    "speed": { "type": "integer", "minimum": 1, "maximum": 9, "description": "Turns a second." },
    "token": { "type": "string", "maxLength": 30, "description": "Opens the pump.", "x-twinops-sensitive": true },
    "login": { "type": "object", "x-twinops-sensitive": true }
  }
}"#;

fn fleet(speed: &str, token: &str) -> String {
    format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
---
apiVersion: twinops/v1
kind: Device
metadata: {{ name: line-1 }}
spec:
  identity: {{ type: sas }}
  desired:
    acme:
      pump:
        speed: {speed}
        token: {token}
        login: {{ key: {token} }}
"
    )
}

/// Runs a command in every format that it may have, and looks for secrets in all that it says.
fn told(stage: &Stage, args: &[&str], formats: &[&str], code: i32) -> Vec<Ran> {
    let run = |format: &&str| {
        let ran = stage.run(&[args, &["--format", format]].concat()).exits(code);
        for secret in SECRETS {
            assert!(
                !ran.out.contains(secret) && !ran.err.contains(secret),
                "{args:?} {format}\n{}\n{}",
                ran.out,
                ran.err
            );
        }
        ran
    };
    formats.iter().map(run).collect()
}

const REPORTS: [&str; 5] = ["text", "json", "markdown", "junit", "github"];

fn begun() -> Stage {
    let stage = Stage::new();
    stage.make_folder("fleet/components");
    stage.write("components/acme.pump.schema.json", SCHEMA.to_owned());
    stage.write("fleet.yaml", fleet("3", SECRETS[0]));
    stage.commit("A pump");
    stage
}

#[test]
fn no_output_shows_what_a_schema_marks() {
    let stage = begun();
    for ran in told(&stage, &["plan", "--detailed-exitcode"], &REPORTS[..3], 2) {
        assert!(ran.out.contains("acme.pump.token") && ran.out.contains("(secret)"), "{}", ran.out);
    }
    stage.run(&["reconcile"]).exits(0);
    let desired = stage.twin("line-1").unwrap()["properties"]["desired"]["acme"]["pump"].clone();
    assert_eq!((&desired["__t"], &desired["token"]), (&json!("c"), &json!(SECRETS[0])), "the device gets the value");

    // Somebody edits it, and git changes it.
    let edit =
        json!({ "acme": { "pump": { "token": SECRETS[2], "login": { "key": SECRETS[2], "more": SECRETS[2] } } } });
    stage.patch("line-1", &json!({ "properties": { "desired": edit } }));
    told(&stage, &["drift", "--detailed-exitcode"], &REPORTS, 2);
    told(&stage, &["status"], &REPORTS, 0);
    stage.write("fleet.yaml", fleet("3", SECRETS[1]));
    stage.commit("Another token");
    told(&stage, &["plan", "--detailed-exitcode"], &REPORTS, 2);
    let explained = told(&stage, &["explain", "line-1"], &["text", "json"], 0);
    assert!(explained[0].out.contains("acme.pump.speed"), "{}", explained[0].out);
    told(&stage, &["reconcile"], &["text"], 0);

    // No longer declared.
    let without = fleet("3", SECRETS[1]).lines().filter(|line| !line.contains("hush")).collect::<Vec<_>>().join("\n");
    stage.write("fleet.yaml", without);
    stage.commit("No token");
    told(&stage, &["plan", "--detailed-exitcode"], &REPORTS, 2);
    told(&stage, &["reconcile"], &["json"], 0);
    assert_eq!(stage.twin("line-1").unwrap()["properties"]["desired"]["acme"]["pump"].get("token"), None);
}

#[test]
fn findings_beside_a_secret_do_not_show_its_line() {
    let stage = begun();
    for (speed, token, word) in [
        ("12", SECRETS[0].to_owned(), "at most 9"),
        ("fast", SECRETS[0].to_owned(), "integer"),
        ("3", format!("{}-{}", SECRETS[0], "x".repeat(30)), "at most 30"),
        ("3", format!("[{}]", SECRETS[0]), "not a text"),
    ] {
        stage.write("fleet.yaml", fleet(speed, &token));
        for ran in told(&stage, &["validate"], &["text", "json", "markdown", "sarif", "junit", "github"], 3) {
            assert!(ran.out.contains(word), "`{word}` is missing from:\n{}", ran.out);
        }
    }
}

#[test]
fn the_schema_of_a_fleets_own_component_is_printed_like_any_other() {
    let stage = begun();
    let printed = stage.run(&["schema", "acme.pump"]).exits(0).out;
    assert!(printed.contains("Opens the pump."), "{printed}");
    let editor = stage.run(&["schema", "profile"]).exits(0).out;
    assert!(editor.contains("The pump of the line."), "an editor knows it");
}
