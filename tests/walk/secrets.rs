//! Secrets that git holds sealed, or not at all: devices get them, and no output, file or log of a run shows one.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{
    stage::{Ran, Stage},
    vault::{TOKEN, vault},
};

const SECRET: &str = "hush-7f3a-of-the-wifi";
/// Of this test alone.
const RECIPIENT: &str = "age1q5edyn9kymyv4xpsk4pj8z79nskd4a5vu5x60chan0e56vkmyefqw7mjmd";
const IDENTITY: &str = "AGE-SECRET-KEY-1UVQ5G7G8TXZ2XRZMZDTQ9GA887H8ZU9R2SQZUF969987KQGHYL5SJDT9Z9";

fn fleet(kept: &str) -> String {
    format!(
        "\
apiVersion: twinops/v1
kind: Fleet
metadata: {{ name: walk }}
spec:
  secrets: [{kept}]
---
apiVersion: twinops/v1
kind: Device
metadata: {{ name: kiosk-1 }}
spec:
  identity: {{ type: sas }}
  desired:
    lobby: {{ network: guests, password: \"${{secret.wifi.key}}\" }}
"
    )
}

/// Reads all that a run says, the log at its most talkative among it.
fn holds_its_tongue(stage: &Stage, variables: &[(&str, &str)]) {
    let quiet = |ran: Ran| {
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{}\n{}", ran.out, ran.err);
        ran
    };
    let variables = [variables, &[("TWINOPS_LOG", "trace")]].concat();
    let run = |args: &[&str], code| quiet(stage.run_with(args, &variables).exits(code));
    for format in ["text", "json", "markdown"] {
        let planned = run(&["plan", "--detailed-exitcode", "--format", format], 2);
        assert!(planned.out.contains("lobby") && planned.out.contains("(secret)"), "{}", planned.out);
    }
    run(&["reconcile"], 0);
    let desired = stage.twin("kiosk-1").unwrap()["properties"]["desired"].clone();
    assert_eq!(desired["lobby"]["password"], json!(SECRET), "the device gets it");
    stage.patch("kiosk-1", &json!({"properties": {"desired": {"lobby": {"password": "rogue"}}}}));
    for format in ["text", "json", "markdown", "junit", "github"] {
        run(&["drift", "--detailed-exitcode", "--format", format], 2);
        run(&["status", "--format", format], 0);
    }
    run(&["explain", "kiosk-1"], 0);
    run(&["validate"], 0);
    run(&["reconcile"], 0);
}

/// `sops`, which `.ci/sdks` brings; nothing, said aloud, where it is not.
fn sops() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/sops/bin");
    if folder.join("sops").exists() {
        return Some(format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    }
    assert!(std::env::var_os("CI").is_none(), "there is no sops; `.ci/sdks` brings it");
    // Past the capture of a test that passes.
    let mut err = std::io::stderr();
    writeln!(err, "\n*** NOT RUN: there is no sops; `.ci/sdks` brings it\n").unwrap();
    None
}

fn sealed(path: &str, text: &str) -> String {
    let mut sops = Command::new("sops")
        .args(["--encrypt", "--age", RECIPIENT, "--input-type", "yaml", "--output-type", "yaml", "/dev/stdin"])
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sops.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = sops.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_file_that_sops_has_sealed_keeps_secrets() {
    let Some(path) = sops() else { return };
    let stage = Stage::new();
    stage.write("fleet.yaml", fleet("{ sops: secrets.sops.yaml }"));
    stage.commit("Not yet a secret");
    let missing = stage.run(&["plan"]).exits(1);
    assert!(missing.err.contains("secrets.sops.yaml is not in the fleet repository"), "{}", missing.err);
    let text = sealed(&path, &format!("wifi:\n  key: {SECRET}\n  channel: 7\n"));
    assert!(!text.contains(SECRET), "{text}");
    stage.write("secrets.sops.yaml", text);
    stage.commit("A secret");
    // What lies there uncommitted is not what is planned.
    stage.write("secrets.sops.yaml", "wifi: {}\n".to_owned());

    let refused = stage.run_with(&["plan"], &[("PATH", &path)]).exits(1);
    assert!(refused.err.contains("`sops` does not open secrets.sops.yaml"), "{}", refused.err);
    assert!(refused.err.contains("SOPS_AGE_KEY"), "{}", refused.err);
    let without = stage.run_with(&["plan"], &[("PATH", "/usr/bin:/bin"), ("SOPS_AGE_KEY", IDENTITY)]).exits(1);
    assert!(without.err.contains("getsops.io"), "{}", without.err);
    holds_its_tongue(&stage, &[("PATH", &path), ("SOPS_AGE_KEY", IDENTITY)]);
}

#[test]
fn a_key_vault_keeps_secrets_for_whoever_azure_vouches_for() {
    let stage = Stage::new();
    let vault = vault(&stage.path(""), "wifi-key", SECRET);
    stage.write("fleet.yaml", fleet(&format!("{{ keyVault: \"{}\" }}", vault.address)));
    stage.commit("A vault");
    let nobody = [("SSL_CERT_FILE", vault.ca.to_str().unwrap()), ("PATH", "/usr/bin:/bin"), ("NO_PROXY", "*")];
    let refused = stage.run_with(&["plan"], &nobody).exits(1);
    assert!(refused.err.contains("AZURE_FEDERATED_TOKEN_FILE"), "{}", refused.err);

    // Whoever has logged in.
    let az = stage.path("bin/az");
    stage.make_folder("bin");
    std::fs::write(&az, format!("#!/bin/sh\ncase \"$*\" in *https://vault.azure.net) echo {TOKEN};; esac\n")).unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", stage.path("bin").display());
    let planned = stage.run_with(&["plan"], &[nobody[0], ("PATH", &path), nobody[2]]).exits(0);
    assert!(planned.out.contains("(secret)") && !planned.out.contains(SECRET), "{}", planned.out);

    // A machine with an identity of its own.
    let machine = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", vault.address.as_str())];
    let planned = stage.run_with(&["plan"], &[&nobody[..], &machine].concat()).exits(0);
    assert!(planned.out.contains("(secret)") && !planned.out.contains(SECRET), "{}", planned.out);

    let proof = stage.path("federated.jwt");
    std::fs::write(&proof, "proof-of-the-workload\n").unwrap();
    let workload = [
        ("AZURE_AUTHORITY_HOST", vault.address.as_str()),
        ("AZURE_TENANT_ID", "tenant-1"),
        ("AZURE_CLIENT_ID", "client-1"),
        ("AZURE_FEDERATED_TOKEN_FILE", proof.to_str().unwrap()),
    ];
    holds_its_tongue(&stage, &[&nobody[..], &workload].concat());
    let heard = vault.heard().join("\n");
    assert!(heard.contains("client_assertion=proof-of-the-workload"), "{heard}");
    assert!(heard.contains("scope=https%3A%2F%2Fvault.azure.net%2F.default"), "{heard}");
    assert!(heard.contains("GET /secrets/wifi-key/?api-version=7.4"), "{heard}");
}
