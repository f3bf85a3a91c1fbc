//! Resources of the tests' own, run for real: programs of a shell that keep instances as files.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::*;
use crate::agent::port::System;

/// Keeps the text of an instance in a file beside it; its input comes as JSON on stdin.
const PANEL: &str = r#"#!/bin/sh
text() { sed -n 's/.*"text":"\([^"]*\)".*/\1/p'; }
state() { if [ -f store ]; then printf '{"text":"%s","seen":true}\n' "$(cat store)"; else echo '{"_exist":false}'; fi; }
echo "$*" >> calls
input=$(cat)
case "$1" in
  get) state ;;
  set) if [ "$2" = --dry ]; then printf '{"text":"%s"}\n' "$(printf '%s' "$input" | text)"; exit 0; fi
       [ "$(printf '%s' "$input" | text)" = broken ] && { echo '{"error":"the panel is broken"}' >&2; exit 3; }
       [ "$(printf '%s' "$input" | text)" = stubborn ] && exit 0
       printf '%s' "$input" | text > store ;;
  delete) rm -f store ;;
esac
"#;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A manifest beside a program.
    fn new(program: &str, manifest: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        put("panel", program);
        put("panel.dsc.resource.json", &manifest.to_string());
        Self { folder }
    }

    fn panel(more: Value) -> Self {
        let mut manifest = json!({
            "type": "Acme/Panel", "version": "0.1.0",
            "get": { "executable": "panel", "args": ["get"], "input": "stdin" },
            "set": { "executable": "panel", "args": ["set", { "whatIfArg": "--dry" }], "input": "stdin" },
            "delete": { "executable": "panel", "args": ["delete"], "input": "stdin" },
            "exitCodes": { "0": "Success", "3": "Hardware" },
            "schema": { "embedded": { "type": "object", "additionalProperties": false, "properties": {
                "text": { "type": "string" }, "_exist": { "type": "boolean" },
                "seen": { "type": "boolean", "readOnly": true } } } }
        });
        manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self::new(PANEL, manifest)
    }

    fn resource(&self) -> Dsc<System> {
        let folders = DscFolders { folders: vec![self.folder.path().to_owned()], names: Vec::new() };
        let found = find(&folders, &[]).remove("panel").unwrap();
        Dsc::new(Port::new(Path::new("/"), System), found)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The operations that were called since this was last asked.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.file("calls")).unwrap_or_default();
        let _none_so_far = fs::remove_file(self.file("calls"));
        calls.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn an_instance_is_made_read_and_put_back() {
    let bench = Bench::panel(json!({}));
    let panel = bench.resource();
    let wanted = json!({ "text": "hello" });
    assert_eq!((panel.lack(), panel.check("lobby", &wanted)), (None, Ok(())));
    assert_eq!(panel.read("lobby", &wanted).await.unwrap(), None);
    let before = panel.snapshot("lobby", &wanted).await.unwrap();
    panel.ensure("lobby", Some(&wanted)).await.unwrap();
    assert_eq!(panel.read("lobby", &wanted).await.unwrap(), Some(json!({ "text": "hello", "seen": true })));
    let held = panel.snapshot("lobby", &json!({ "text": "bye" })).await.unwrap();
    panel.ensure("lobby", Some(&json!({ "text": "bye" }))).await.unwrap();
    panel.restore("lobby", "lobby", held.as_ref()).await.unwrap();
    assert_eq!(fs::read_to_string(bench.file("store")).unwrap().trim(), "hello");
    bench.calls();
    panel.restore("lobby", "lobby", before.as_ref()).await.unwrap();
    assert!(!bench.file("store").exists(), "what was not there before is gone");
    assert_eq!(bench.calls(), ["delete"]);
}

#[tokio::test]
async fn an_instance_that_is_not_to_be_there_is_deleted() {
    let bench = Bench::panel(json!({}));
    let (panel, gone) = (bench.resource(), json!({ "_exist": false }));
    panel.ensure("lobby", Some(&json!({ "text": "hello" }))).await.unwrap();
    let found = panel.read("lobby", &gone).await.unwrap().unwrap();
    assert!(found.get("_exist").is_none(), "it is there: {found}");
    panel.ensure("lobby", Some(&gone)).await.unwrap();
    assert_eq!(panel.read("lobby", &gone).await.unwrap(), Some(gone));
    assert!(!bench.file("store").exists());
}

#[tokio::test]
async fn failures_are_told_in_the_words_of_the_resource() {
    let bench = Bench::panel(json!({}));
    let panel = bench.resource();
    let fault = panel.ensure("lobby", Some(&json!({ "text": "broken" }))).await.unwrap_err();
    assert_eq!(fault.to_string(), "Acme/Panel set: it ended with 3 (Hardware): the panel is broken");
    let fault = panel.ensure("lobby", Some(&json!({ "text": "stubborn" }))).await.unwrap_err();
    assert_eq!(fault.to_string(), "Acme/Panel was set, and still differs in `text`, `_exist`");
}

#[tokio::test]
async fn what_if_changes_nothing() {
    let bench = Bench::panel(json!({}));
    let wanted = json!({ "text": "hello" });
    let wanted = wanted.as_object().unwrap();
    let told = bench.resource().what_if(wanted).await.unwrap();
    assert_eq!(
        (&told["afterState"], &told["changedProperties"]),
        (&json!({ "text": "hello" }), &json!(["text", "_exist"]))
    );
    assert_eq!(bench.calls(), ["get", "set --dry"]);
    // Without an argument for that, the test says what would change.
    let bench = Bench::panel(json!({ "set": { "executable": "panel", "args": ["set"], "input": "stdin" } }));
    let told = bench.resource().what_if(wanted).await.unwrap();
    assert_eq!(told["changedProperties"], json!(["_exist", "text"]));
    assert!(!bench.calls().iter().any(|call| call.starts_with("set")));
}

#[tokio::test]
async fn the_word_of_a_test_outweighs_the_values() {
    // A version counts as `latest`; and the panel may say no, with or without saying of what.
    let program = r#"#!/bin/sh
case "$1" in
  get) echo '{"text":"1.2"}' ;;
  test) cat answer ;;
esac
"#;
    let operation = |word: &str| json!({ "executable": "panel", "args": [word, { "jsonInputArg": "--input" }] });
    let mut test = operation("test");
    test["return"] = "stateAndDiff".into();
    let manifest = json!({ "type": "Acme/Panel", "version": "0.1.0", "get": operation("get"), "set": operation("set"), "test": test });
    let bench = Bench::new(program, manifest);
    let (panel, wanted) = (bench.resource(), json!({ "text": "latest", "on": true }));
    let answer = |text: &str| fs::write(bench.file("answer"), text).unwrap();
    answer("{\"text\":\"1.2\",\"on\":true,\"_inDesiredState\":true}\n[]\n");
    assert_eq!(panel.read("lobby", &wanted).await.unwrap(), Some(wanted.clone()));
    answer("{\"text\":\"1.2\",\"on\":true,\"_inDesiredState\":false}\n[\"text\"]\n");
    assert_eq!(panel.read("lobby", &wanted).await.unwrap(), Some(json!({ "text": "1.2", "on": true })));
    let fault = panel.ensure("lobby", Some(&wanted)).await.unwrap_err();
    assert_eq!(fault.to_string(), "Acme/Panel was set, and still differs in `text`");
    // It says no, although all that was asked for is so.
    answer("{\"text\":\"latest\",\"on\":true,\"_inDesiredState\":false}\n");
    let read = panel.read("lobby", &wanted).await.unwrap().unwrap();
    assert_ne!(restrict(&read, &wanted), wanted);
}

#[tokio::test]
async fn variables_are_those_of_the_schema_alone() {
    let program = "#!/bin/sh\nprintf '{\"text\":\"%s\"}' \"$text\"\n";
    let operation = json!({ "executable": "panel", "input": "env" });
    let manifest = json!({
        "type": "Acme/Panel", "version": "0.1.0", "get": operation, "set": operation,
        "schema": { "embedded": { "properties": { "text": { "type": "string" } } } }
    });
    let bench = Bench::new(program, manifest);
    let panel = bench.resource();
    let wanted = json!({ "text": "a; $HOME" });
    assert_eq!(panel.read("lobby", &wanted).await.unwrap(), Some(wanted.clone()));
    assert_eq!(panel.check("lobby", &wanted), Ok(()));
    let refused = panel.check("lobby", &json!({ "LD_PRELOAD": "/tmp/x.so" })).unwrap_err();
    assert!(matches!(&refused, Refusal::Forbidden(why) if why.contains("`LD_PRELOAD`")), "{refused}");
}

#[tokio::test]
async fn a_resource_in_the_shell_may_chat_and_print_words_for_truth() {
    // As the project's own for apt does it.
    let program = r#"#!/bin/sh
case "$1" in
  get) if [ -f store ]; then echo '{ "_exist": "true", "name": "x" }'; else echo '{ "_exist": "false", "name": "x" }'; fi ;;
  set) echo 'Reading package lists...'; if [ "$_exist" = false ]; then rm -f store; else touch store; fi ;;
esac
"#;
    let operation = |word: &str| json!({ "executable": "panel", "args": [word], "input": "env", "handlesExist": true });
    let members = json!({ "name": { "type": "string" }, "_exist": { "type": "boolean" } });
    let manifest = json!({
        "type": "Acme/Panel", "version": "0.1.0", "get": operation("get"), "set": operation("set"),
        "schema": { "embedded": { "properties": members } }
    });
    let bench = Bench::new(program, manifest);
    let (panel, there) = (bench.resource(), json!({ "name": "x" }));
    let gone = json!({ "name": "x", "_exist": false });
    assert_eq!(panel.read("x", &there).await.unwrap(), None);
    let told = panel.tested(there.as_object().unwrap()).await.unwrap();
    assert_eq!((&told["inDesiredState"], &told["differingProperties"]), (&json!(false), &json!(["_exist"])));
    assert_eq!(panel.read("x", &gone).await.unwrap(), Some(gone.clone()));
    let before = panel.snapshot("x", &there).await.unwrap();
    panel.ensure("x", Some(&there)).await.unwrap();
    assert_eq!(restrict(&panel.read("x", &there).await.unwrap().unwrap(), &there), there);
    panel.restore("x", "x", before.as_ref()).await.unwrap();
    assert!(!bench.file("store").exists());
}

#[tokio::test]
async fn a_secret_is_no_argument() {
    let manifest = |input: Value| {
        json!({
            "type": "Acme/Panel", "version": "0.1.0", "get": { "executable": "panel", "args": ["get"] }, "set": input,
            "schema": { "embedded": { "properties": { "pin": { "type": "string", "writeOnly": true } } } }
        })
    };
    let as_argument = json!({ "executable": "panel", "args": ["set", { "jsonInputArg": "--input" }] });
    let bench = Bench::new(PANEL, manifest(as_argument));
    let refused = bench.resource().check("lobby", &json!({ "pin": "1234" })).unwrap_err();
    assert!(refused.to_string().contains("every user of the device can read") && !refused.to_string().contains("1234"));
    let bench = Bench::new(PANEL, manifest(json!({ "executable": "panel", "input": "stdin" })));
    assert_eq!(bench.resource().check("lobby", &json!({ "pin": "1234" })), Ok(()));
}

#[tokio::test]
async fn values_are_checked_by_the_schema_that_a_program_prints() {
    let program = "#!/bin/sh\n[ \"$1\" = schema ] && cat schema\n";
    let command = json!({ "command": { "executable": "panel", "args": ["schema"] } });
    let bench = Bench::new(
        program,
        json!({
            "type": "Acme/Panel", "version": "0.1.0", "schema": command, "set": { "executable": "panel" },
            "get": { "executable": "panel" }
        }),
    );
    let panel = bench.resource();
    panel.facts().await;
    assert!(panel.lack().is_some_and(|lack| lack.starts_with("Acme/Panel schema: it ended with 1")), "no schema yet");
    fs::write(bench.file("schema"), r#"{"properties":{"text":{"type":"string"}}}"#).unwrap();
    panel.facts().await;
    assert_eq!(panel.lack(), None);
    let refused = panel.check("lobby", &json!({ "text": 1 })).unwrap_err();
    assert_eq!(refused, Refusal::Invalid("`text`: it must be of the type string".to_owned()));
    assert!(matches!(panel.check("lobby", &json!("text")), Err(Refusal::Invalid(_))));
    assert!(matches!(panel.check("../lobby", &json!({})), Err(Refusal::Invalid(_))));
}
