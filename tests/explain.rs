//! `twinops explain` on a real repository: who set what, where, in which commit, and how it stands.
#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: shop }\n";
const BASE: &str = "apiVersion: twinops/v1\nkind: Profile\nmetadata: { name: base }\nspec:\n  desired:\n    time:\n      \
                    timeZone: UTC\n      ntp: { servers: [a.example] }\n";
const KIOSK: &str =
    "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: kiosk-1 }\nspec:\n  tags: { site: oslo }\n";
/// Of no interest to anybody who asks about another device.
const BROKEN: &str = "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: kiosk-2 }\nspec: { tag: {} }\n";

/// A repository, and the author of its next commit.
struct Yard(tempfile::TempDir);

impl Yard {
    fn new() -> Self {
        let yard = Self(tempfile::tempdir().unwrap());
        yard.git("Ada", &["init", "--quiet", "--initial-branch=main"]);
        for (file, text) in [("fleet.yaml", FLEET), ("base.yaml", BASE), ("kiosk.yaml", KIOSK), ("other.yaml", BROKEN)]
        {
            yard.write(file, text);
        }
        yard.commit("Ada", "Begin");
        yard.write("kiosk.yaml", &format!("{KIOSK}  desired:\n    time: {{ timeZone: Europe/Oslo }}\n"));
        yard.commit("Grace", "Oslo has a zone of its own");
        yard
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    fn git(&self, who: &str, words: &[&str]) {
        let mut command = Command::new("git");
        for (name, value) in [("NAME", who), ("EMAIL", "who@example.com"), ("DATE", "2026-09-02T08:00:00Z")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        let output = command.arg("-C").arg(self.path()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self, who: &str, subject: &str) {
        self.git(who, &["add", "--all"]);
        self.git(who, &["commit", "--quiet", "--message", subject]);
    }

    /// Exit code, stdout and stderr.
    fn explain(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command.env_remove("IOTHUB_CONNECTION_STRING").env_remove("IOTHUB_CONNECTION_STRING_FILE");
        let output = command.arg("explain").args(words).arg("--fleet").arg(self.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn json(&self, words: &[&str]) -> Value {
        let (code, out, err) = self.explain(&[words, &["--format", "json"]].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }
}

/// The value at a path, and of each say: role, source, value, subject of the commit and author.
fn value<'v>(explanation: &'v Value, path: &str) -> (&'v Value, Vec<[&'v Value; 5]>) {
    let value = explanation["values"].as_array().unwrap().iter().find(|value| value["path"] == path);
    let value = value.unwrap_or_else(|| panic!("no {path} in {explanation}"));
    let says = value["says"].as_array().unwrap().iter();
    let say = |say: &'v Value| {
        [&say["role"], &say["source"], &say["value"], &say["commit"]["subject"], &say["commit"]["author"]]
    };
    (value, says.map(say).collect())
}

#[test]
fn every_layer_is_told_with_its_line_and_commit() {
    let yard = Yard::new();
    let explanation = yard.json(&["kiosk-1"]);
    let (zone, says) = value(&explanation, "properties.desired.time.timeZone");
    assert_eq!(zone["value"], "Europe/Oslo");
    assert_eq!(zone.get("verdict"), None, "nobody has looked at the twin");
    let told = [
        ["sets", "Device/kiosk-1", "Europe/Oslo", "Oslo has a zone of its own", "Grace"],
        ["overridden", "Profile/base", "UTC", "Begin", "Ada"],
    ];
    assert_eq!(json!(says), json!(told));
    assert_eq!(zone["says"][0]["location"]["line"], 7);
    assert_eq!(zone["says"][1]["commit"]["time"], "2026-09-02T08:00:00Z");
    assert_eq!(value(&explanation, "tags.site").1[0][4], "Ada");
}

#[test]
fn a_path_narrows_it_down() {
    let yard = Yard::new();
    let paths = |path| {
        let explanation = yard.json(&["kiosk-1", path]);
        let values = explanation["values"].as_array().unwrap();
        values.iter().map(|value| value["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths("properties.desired.time.ntp"), ["properties.desired.time.ntp.servers"]);
    assert_eq!(paths("tags"), ["tags.site"]);
    let (code, _, err) = yard.explain(&["kiosk-1", "properties.desired.nothing"]);
    assert!(code == 0 && err.contains("no document says anything about it"), "{err}");
}

#[test]
fn lines_that_are_not_committed_say_so() {
    let yard = Yard::new();
    yard.write("kiosk.yaml", &format!("{KIOSK}  desired:\n    # Moved.\n    time: {{ timeZone: Europe/Paris }}\n"));
    let committed = yard.json(&["kiosk-1", "properties.desired.time.timeZone"]);
    assert_eq!(committed["values"][0]["value"], "Europe/Oslo");
    assert!(yard.explain(&["kiosk-1"]).2.contains("not committed and left out: kiosk.yaml"));
    let on_disk = yard.json(&["kiosk-1", "properties.desired.time.timeZone", "--worktree"]);
    let (zone, says) = value(&on_disk, "properties.desired.time.timeZone");
    assert_eq!(zone["value"], "Europe/Paris");
    assert_eq!((&zone["says"][0]["uncommitted"], zone["says"][0].get("commit")), (&json!(true), None));
    assert_eq!(says[1][3], "Begin");
    let (_, text, _) = yard.explain(&["kiosk-1", "--worktree"]);
    assert!(text.contains("as in the working tree") && text.contains("uncommitted"), "{text}");
}

#[test]
fn a_snapshot_tells_how_values_stand() {
    let yard = Yard::new();
    let desired = json!({ "time": { "__t": "c", "timeZone": "UTC", "ntp": { "servers": ["a.example"] } } });
    let twin = json!({
        "deviceId": "kiosk-1", "etag": "AAA=", "tags": { "site": "oslo" },
        "properties": { "desired": desired, "reported": {} },
    });
    let snapshot = yard.path().join("twins.ndjson");
    fs::write(&snapshot, format!("{twin}\n")).unwrap();
    let explanation = yard.json(&["kiosk-1", "--snapshot", snapshot.to_str().unwrap()]);
    let (zone, _) = value(&explanation, "properties.desired.time.timeZone");
    assert_eq!((&zone["verdict"], &zone["live"]), (&json!("pending"), &json!("UTC")));
    assert_eq!(value(&explanation, "tags.site").0["verdict"], "compliant");
    let (code, _, err) = yard.explain(&["kiosk-9", "--snapshot", snapshot.to_str().unwrap()]);
    assert!(code == 1 && err.contains("does not know the device `kiosk-9`"), "{err}");
}

#[test]
fn a_fault_in_its_own_document_is_told_instead() {
    let yard = Yard::new();
    let (code, out, _) = yard.explain(&["kiosk-2"]);
    assert!(code == 3 && out.contains("other.yaml"), "{out}");
}
