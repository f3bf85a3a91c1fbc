//! Commits that have to be signed, with keys of `ssh-keygen` and of `gpg`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::stage::Stage;

/// Whether a program is here. In CI it has to be; elsewhere it is said loudly that it is not.
#[expect(clippy::print_stderr, reason = "it is to be heard")]
fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "{program} is not installed");
    if !found {
        eprintln!("NOT RUN: {program} is not installed");
    }
    found
}

fn ran(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ssh_key(folder: &Path, name: &str) -> PathBuf {
    let key = folder.join(name);
    ran(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key));
    key
}

/// What a run with this file of allowed signers comes to.
async fn outcome(stage: &Stage, signers: &Path, home: &Path) -> (i32, String) {
    let mut command = stage.command(&["reconcile", "--require-signed", signers.to_str().unwrap()]);
    let output = command.env("GNUPGHOME", home).output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_commit_that_an_allowed_ssh_key_has_signed_is_reconciled() {
    // `ssh-keygen` knows no way to ask for its version, and comes with `ssh`.
    if !have("ssh") {
        return;
    }
    let (stage, folder) = (Stage::new(31).await, tempfile::tempdir().unwrap());
    let (ours, theirs) = (ssh_key(folder.path(), "ours"), ssh_key(folder.path(), "theirs"));
    let signers = folder.path().join("allowed_signers");
    let public = fs::read_to_string(ours.with_extension("pub")).unwrap();
    fs::write(&signers, format!("test@example.org namespaces=\"git\" {public}")).unwrap();

    stage.commit(1).await;
    let (code, said) = outcome(&stage, &signers, folder.path()).await;
    assert!(code == 4 && said.contains("no signature"), "{code}: {said}");
    for (key, expected) in [(&theirs, 4), (&ours, 0)] {
        let signing = format!("user.signingKey={}", key.display());
        let words = ["-c", "gpg.format=ssh", "-c", &signing, "commit", "--quiet", "--amend", "--no-edit", "-S"];
        stage.git(&words).await;
        let (code, said) = outcome(&stage, &signers, folder.path()).await;
        assert_eq!(code, expected, "{said}");
    }
    stage.is_right(1).await;
    let (code, said) = outcome(&stage, &folder.path().join("none"), folder.path()).await;
    assert!(code == 1 && said.contains("cannot read the allowed signers"), "{code}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openpgp_key_of_the_keyring_is_allowed_by_its_fingerprint_alone() {
    if !have("gpg") {
        return;
    }
    let (stage, folder) = (Stage::new(32).await, tempfile::tempdir().unwrap());
    let home = folder.path();
    let gpg = |words: &[&str]| ran(Command::new("gpg").env("GNUPGHOME", home).args(["--batch", "--quiet"]).args(words));
    gpg(&["--passphrase", "", "--quick-gen-key", "test@example.org", "ed25519", "sign", "never"]);
    let listed = gpg(&["--with-colons", "--list-keys"]);
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap().trim_end_matches(':');
    let program = home.join("gpg");
    fs::write(&program, format!("#!/bin/sh\nGNUPGHOME='{}' exec gpg \"$@\"\n", home.display())).unwrap();
    ran(Command::new("chmod").arg("+x").arg(&program));

    stage.commit(1).await;
    let (with, key) = (format!("gpg.program={}", program.display()), format!("-S{fingerprint}"));
    stage.git(&["-c", &with, "commit", "--quiet", "--amend", "--no-edit", &key]).await;
    let signers = home.join("allowed_signers");
    fs::write(&signers, "# nobody\n").unwrap();
    let (code, said) = outcome(&stage, &signers, home).await;
    assert!(code == 4 && said.contains("not among the allowed signers"), "{code}: {said}");
    fs::write(&signers, format!("# gpg {fingerprint} Test\n")).unwrap();
    let (code, said) = outcome(&stage, &signers, home).await;
    assert_eq!(code, 0, "{said}");
    stage.is_right(1).await;
    // The agent that `gpg` has started would outlive the test.
    ran(Command::new("gpgconf").env("GNUPGHOME", home).args(["--kill", "all"]));
}
