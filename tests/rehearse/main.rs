//! Rehearsals as a CI job runs them: a repository and the command, no hub and no credential.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

/// A fleet of twenty devices, two of them canaries; what else its documents say.
fn fleet(guard: &str, zone: &str, rollout: &str) -> String {
    let mut text = format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: shops }}
spec: {{ hub: {{ sku: S1, units: 1 }}, guard: {{ {guard} }} }}
---
apiVersion: twinops/v1
kind: Profile
metadata: {{ name: till }}
spec:
  where: tags.role = 'till'
  desired:
    time: {{ timeZone: {zone} }}
    display: {{ brightness: 80 }}
"
    );
    text.push_str(rollout);
    for at in 0..20 {
        let ring = if at < 2 { "canary" } else { "wide" };
        let _ = write!(
            text,
            "---\napiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: till-{at:02} }}\n\
             spec: {{ identity: {{ type: sas }}, tags: {{ role: till, ring: {ring} }} }}\n"
        );
    }
    text
}

fn rollout(gate: &str, more: &str) -> String {
    format!(
        "\
---
apiVersion: twinops/v1
kind: Rollout
metadata: {{ name: tills }}
spec:
  waves:
    - {{ name: canary, where: \"tags.ring = 'canary'\" }}
    - {{ name: half, percent: 50 }}
    - {{ name: rest }}
  gate: {{ {gate} }}
{more}"
    )
}

/// A repository in a folder of its own.
struct Repo(TempDir);

impl Repo {
    fn new(text: &str) -> Self {
        let repo = Self(TempDir::new().unwrap());
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit(text);
        repo
    }

    fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(identity).args(args).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self, text: &str) {
        fs::write(self.0.path().join("fleet.yaml"), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "A change"]);
    }

    fn run(&self, args: &[&str], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command.args(["plan", "--rehearse"]).args(args).current_dir(self.0.path());
        command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("TWINOPS_CA").env("NO_COLOR", "1");
        // What a rehearsal leaves behind would lie here.
        let temp = self.0.path().join(".tmp");
        fs::create_dir_all(&temp).unwrap();
        let output = command.env("TMPDIR", &temp).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(code), "{args:?}\nstdout:\n{out}\nstderr:\n{err}");
        assert_eq!(fs::read_dir(&temp).unwrap().count(), 0, "nothing is left behind");
        out
    }

    fn json(&self, args: &[&str], code: i32) -> Value {
        serde_json::from_str(&self.run(&[args, &["--format", "json"]].concat(), code)).unwrap()
    }
}

/// Compares with a golden file, commits and times of day left out; writes it when `TWINOPS_BLESS` is set.
fn golden(name: &str, text: &str) {
    let until = |line: &str, word: &str| line.split(word).next().unwrap().to_owned();
    let line = |line: &str| if line.starts_with("Fleet ") { until(line, " at ") } else { until(line, " (since ") };
    let text = text.lines().map(|words| line(words) + "\n").collect::<String>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rehearse").join(name);
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} differs\n--- golden\n{golden}\n--- now\n{text}", path.display());
}

/// The words of the steps.
fn steps(told: &Value) -> Vec<&str> {
    told["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

const GATE: &str = "compliant: 100%, failed: 0%, soak: 30m, timeout: 24h";

#[test]
fn three_waves_pass_their_gates_in_the_time_that_they_ask_for() {
    let repo = Repo::new(&fleet("", "Europe/Oslo", &rollout(GATE, "")));
    let told = repo.run(&[], 0);
    golden("three-waves.txt", &told);
    let told = repo.json(&["--detailed-exitcode"], 2);
    assert_eq!(told["end"], "done");
    let waits = steps(&told).into_iter().filter(|step| *step == "wait").count();
    assert_eq!((waits, told["seconds"].as_f64().unwrap().round()), (3, 3.0 * 1800.0), "{told}");
    assert_eq!(told["cast"], serde_json::json!({ "devices": 20, "offline": 0, "from": "documents" }));
}

#[test]
fn what_a_device_refuses_pauses_the_rollout_and_is_told_with_its_line() {
    let repo = Repo::new(&fleet("", "Europe/Oslo", &rollout(GATE, "")));
    repo.commit(&fleet("", "Mars/Olympus", &rollout(GATE, "")));
    let args = ["--rehearse-from", "HEAD~1"];
    golden("refused-by-devices.txt", &repo.run(&args, 7));
    let told = repo.json(&args, 7);
    assert_eq!((&told["end"], steps(&told)), (&"paused".into(), vec!["begin", "write", "answer"]));
    let [refusal] = told["refusals"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(refusal["devices"], serde_json::json!(["till-00", "till-01"]));
    assert_eq!((&refusal["verdict"], &refusal["origin"]["line"]), (&"rejected".into(), &12.into()));
    // With a way back it is taken.
    let back = rollout(GATE, "  onFailure: rollback\n");
    repo.commit(&fleet("", "Mars/Olympus", &back));
    let told = repo.json(&["--rehearse-from", "HEAD~2"], 7);
    assert_eq!((&told["end"], steps(&told)), (&"rejected".into(), vec!["begin", "write", "answer", "back"]));
}

#[test]
fn a_guard_stops_the_wave_that_is_too_large_for_it() {
    let repo = Repo::new(&fleet("maxChanged: 20%", "Europe/Oslo", &rollout(GATE, "")));
    repo.commit(&fleet("maxChanged: 20%", "Europe/Berlin", &rollout(GATE, "")));
    let args = ["--rehearse-from", "HEAD~1"];
    golden("stopped-by-a-guard.txt", &repo.run(&args, 4));
    let told = repo.json(&args, 4);
    assert_eq!((&told["end"], steps(&told)), (&"refused".into(), vec!["begin", "write", "answer", "wait"]));
    assert_eq!(told["guards"][0]["guard"], "maxChanged");
    let told = repo.json(&["--rehearse-from", "HEAD~1", "--allow", "maxChanged"], 0);
    assert_eq!(told["end"], "done");
}

#[test]
fn windows_are_waited_for_and_approvals_taken_as_given() {
    let more = "  window: { from: \"01:00\", to: \"05:00\" }\n";
    let waves = rollout("soak: 0s", more).replace("name: rest }", "name: rest, approval: required }");
    let repo = Repo::new(&fleet("", "Europe/Oslo", &waves));
    let told = repo.json(&[], 0);
    assert!(steps(&told).contains(&"approve"), "{told}");
    assert_eq!(told["end"], "done");
}

#[test]
fn twins_of_a_snapshot_play_as_they_were_and_those_out_of_reach_stay_silent() {
    let repo = Repo::new(&fleet("", "Europe/Oslo", ""));
    let twin = |id: &str, state: &str| {
        format!(
            "{{\"deviceId\":\"{id}\",\"etag\":\"x\",\"connectionState\":\"{state}\",\"tags\":{{\"role\":\"till\"}},\
             \"properties\":{{\"desired\":{{\"display\":{{\"brightness\":10}}}},\"reported\":{{}}}}}}\n"
        )
    };
    let snapshot = repo.0.path().join("twins.ndjson");
    fs::write(&snapshot, twin("till-00", "Connected") + &twin("other-1", "Disconnected")).unwrap();
    let told = repo.json(&["--snapshot", "twins.ndjson"], 0);
    let cast = serde_json::json!({ "devices": 21, "offline": 1, "from": "snapshot" });
    assert_eq!((&told["cast"], &told["end"]), (&cast, &"done".into()));
}

#[test]
fn a_fleet_without_devices_says_what_it_needs() {
    let repo = Repo::new("apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: empty }\n");
    repo.run(&[], 1);
}
