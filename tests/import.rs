//! `twinops import` as people run it: the built command, a snapshot on disk, git.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

fn run(folder: &Path, program: &str, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(program).args(args).current_dir(folder).env_remove("CI").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn twinops(folder: &Path, args: &[&str]) -> (i32, String, String) {
    run(folder, env!("CARGO_BIN_EXE_twinops"), args)
}

fn twins() -> Vec<Value> {
    let twin = |n: usize| {
        let site = ["oslo", "rome"][n % 2];
        let desired = json!({ "signage": { "brightness": if n == 3 { 15 } else { 70 }, "zone": site } });
        json!({ "deviceId": format!("d{n}"), "etag": "e", "tags": { "site": site }, "properties": { "desired": desired } })
    };
    (0..10).map(twin).collect()
}

#[test]
fn what_is_imported_and_committed_needs_no_plan() {
    let place = tempfile::tempdir().unwrap();
    let twins = twins();
    let lines: String = twins.iter().flat_map(|twin| [twin.to_string(), "\n".to_owned()]).collect();
    for (name, text) in [("twins.ndjson", lines), ("twins.json", format!("{:#}", Value::Array(twins)))] {
        let folder = format!("fleet-of-{}", name.len());
        fs::write(place.path().join(name), text).unwrap();
        let (code, said, errors) = twinops(place.path(), &["import", &folder, "--snapshot", name]);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(said.starts_with("10 devices: 3 profiles, 1 device with a document of their own"), "{said}");
        let root = place.path().join(&folder);
        assert_eq!(twinops(&root, &["validate"]).0, 0);
        for args in [
            ["init", "--quiet"].as_slice(),
            &["add", "."],
            &["-c", "user.name=t", "-c", "user.email=t@e", "commit", "-qm", "import"],
        ] {
            assert_eq!(run(&root, "git", args).0, 0, "{args:?}");
        }
        let (code, said, errors) =
            twinops(&root, &["plan", "--snapshot", &format!("../{name}"), "--detailed-exitcode"]);
        assert_eq!(code, 0, "{said}{errors}");
        // The workflows of `init` go beside what is there.
        assert_eq!(twinops(&root, &["init", "--keep"]).0, 0);
        assert_eq!(twinops(&root, &["validate"]).0, 0);
    }
}

#[test]
fn what_cannot_be_done_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let secret =
        json!({ "deviceId": "d", "etag": "e", "properties": { "desired": { "a": { "password": "hunter2" } } } });
    fs::write(place.path().join("secret.ndjson"), secret.to_string()).unwrap();
    fs::write(place.path().join("broken.ndjson"), "{\"deviceId\": 5}\n").unwrap();
    fs::write(place.path().join("empty.ndjson"), "\n").unwrap();
    for (name, words) in [
        ("secret.ndjson", "`properties.desired.a.password` of 1 device"),
        ("broken.ndjson", "twin"),
        ("empty.ndjson", "no device"),
        ("missing.ndjson", "missing.ndjson"),
    ] {
        let (code, said, errors) = twinops(place.path(), &["import", "fleet", "--snapshot", name]);
        assert_eq!((code, said.as_str()), (1, ""), "{errors}");
        assert!(errors.contains(words) && !errors.contains("hunter2"), "{errors}");
        assert!(!place.path().join("fleet").exists(), "{name}");
    }
    let (code, said, _) = twinops(place.path(), &["import", "fleet", "--snapshot", "secret.ndjson", "--placeholders"]);
    assert_eq!(code, 0);
    assert!(said.contains("secret A_PASSWORD is what stands at `properties.desired.a.password`"), "{said}");
    let (code, _, errors) = twinops(place.path(), &["import", "fleet", "--snapshot", "secret.ndjson"]);
    assert_eq!(code, 1);
    assert!(errors.contains("fleet.yaml"), "{errors}");
}

#[test]
fn a_condition_that_no_profile_could_have_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (code, _, errors) =
        twinops(place.path(), &["import", "--snapshot", "x", "--where", "connectionState = 'Connected'"]);
    assert_eq!(code, 64);
    assert!(errors.contains("connectionState"), "{errors}");
}
