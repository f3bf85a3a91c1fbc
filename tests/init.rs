//! `twinops init` as people run it: the built command, real folders, real git.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).current_dir(folder).env_remove("CI").output().unwrap();
    assert!(output.status.code().is_some(), "{program} {args:?} was not killed");
    output
}

fn twinops(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(folder, env!("CARGO_BIN_EXE_twinops"), args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn git(folder: &Path, args: &[&str]) {
    let output = run(folder, "git", args);
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Everything below a folder but git's own, as paths with `/`.
fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != ".git" {
                walk(&path, root, out);
            } else if path.is_file() {
                out.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut out = Vec::new();
    walk(folder, folder, &mut out);
    out.sort();
    out
}

#[test]
fn an_empty_folder_becomes_a_fleet_that_validates() {
    let place = tempfile::tempdir().unwrap();
    let (code, said, _) = twinops(place.path(), &["init", "kiosks"]);
    assert_eq!(code, 0);
    assert!(
        said.contains("wrote kiosks/fleet.yaml\n") && said.contains("\nNext:\n  cd kiosks\n  git init\n"),
        "{said}"
    );
    let root = place.path().join("kiosks");
    let (code, said, errors) = twinops(&root, &["validate"]);
    assert_eq!(code, 0, "{said}{errors}");
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(
        tree(&root),
        [
            ".editorconfig",
            ".githooks/pre-commit",
            ".github/actions/twinops/action.yaml",
            ".github/workflows/twinops.yaml",
            ".gitignore",
            ".vscode/extensions.json",
            ".vscode/settings.json",
            "devices/example.yaml",
            "fleet.yaml",
            "profiles/base.yaml",
            "schemas/fleet.schema.json",
        ]
    );
}

#[test]
fn a_file_that_is_there_is_named_and_nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join(".gitignore"), "mine\n").unwrap();
    fs::create_dir(place.path().join("profiles")).unwrap();
    fs::write(place.path().join("profiles/base.yaml"), "mine: too\n").unwrap();
    let (code, said, errors) = twinops(place.path(), &["init"]);
    assert_eq!((code, said.as_str()), (1, ""));
    assert!(
        errors.contains(".gitignore") && errors.contains("profiles/base.yaml") && errors.contains("--keep"),
        "{errors}"
    );
    assert_eq!(tree(place.path()), [".gitignore", "profiles/base.yaml"]);

    let (code, ..) = twinops(place.path(), &["init", "--keep", "--ci", "none"]);
    assert_eq!(code, 0);
    assert_eq!(fs::read_to_string(place.path().join(".gitignore")).unwrap(), "mine\n");
    assert!(place.path().join("fleet.yaml").is_file() && !place.path().join(".github").exists());
}

#[test]
fn a_subfolder_of_a_repository_keeps_its_workflows_at_the_top() {
    let place = tempfile::tempdir().unwrap();
    git(place.path(), &["init", "--quiet", "--initial-branch", "trunk"]);
    git(place.path(), &["remote", "add", "origin", "git@gitlab.contoso.example:iot/all.git"]);
    fs::write(place.path().join(".gitlab-ci.yml"), "include: []\n").unwrap();
    let (code, said, errors) = twinops(place.path(), &["init", "fleets/kiosks"]);
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains(".gitlab/twinops-fleets-kiosks.yml"), "{said}");
    assert_eq!(fs::read_to_string(place.path().join(".gitlab-ci.yml")).unwrap(), "include: []\n");
    let jobs = fs::read_to_string(place.path().join(".gitlab/twinops-fleets-kiosks.yml")).unwrap();
    assert!(jobs.contains("twinops reconcile --fleet fleets/kiosks --require-approved-plan --post\n"), "{jobs}");
    assert_eq!(twinops(place.path(), &["validate", "fleets/kiosks"]).0, 0);
}

#[cfg(unix)]
#[test]
fn the_hook_refuses_a_commit_with_findings() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    git(root, &["init", "--quiet"]);
    assert_eq!(twinops(root, &["init", "--ci", "none"]).0, 0);
    git(root, &["config", "core.hooksPath", ".githooks"]);
    let program = Path::new(env!("CARGO_BIN_EXE_twinops")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(program.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let commit = || {
        git(root, &["add", "--all"]);
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let mut commit = Command::new("git");
        commit.args(identity).args(["commit", "--quiet", "--message", "fleet"]);
        commit.current_dir(root).env("PATH", path.as_ref().unwrap()).output().unwrap().status.success()
    };
    assert!(commit());
    fs::write(root.join("profiles/base.yaml"), "kind: Profil\n").unwrap();
    assert!(!commit());
}

/// The checker with the schemas of all three services.
fn checker() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/workflows/bin/check-jsonschema");
    if installed.is_file() {
        return Some(installed);
    }
    let what = "check-jsonschema is not installed";
    assert!(std::env::var_os("CI").is_none(), "{what}; `.ci/sdks` brings it");
    // Past the capture of a test that passes.
    let mut err = std::io::stderr();
    writeln!(err, "\n*** NOT RUN: {what}; `.ci/sdks` brings it\n").unwrap();
    None
}

#[test]
fn workflows_satisfy_the_schemas_of_those_who_run_them() {
    let Some(checker) = checker() else { return };
    let places = [("contoso.azure-devices.net", "."), ("hub.contoso.example", "fleets/kiosks")];
    for ((host, fleet), ci) in places.into_iter().flat_map(|place| ["github", "gitlab", "azure"].map(|ci| (place, ci)))
    {
        let place = tempfile::tempdir().unwrap();
        git(place.path(), &["init", "--quiet"]);
        assert_eq!(twinops(place.path(), &["init", fleet, "--ci", ci, "--hostname", host, "--name", "k"]).0, 0);
        // As the checker's own hook for pre-commit has it: a pattern of Azure's schema is none with flag `u`.
        let checks: &[(&str, &str, &[&str])] = match ci {
            "github" => &[("github-workflows", ".github/workflows", &[]), ("github-actions", ".github/actions", &[])],
            "gitlab" => &[("gitlab-ci", ".gitlab", &["--data-transform", "gitlab-ci"])],
            _ => &[(
                "azure-pipelines",
                ".azure-pipelines",
                &["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"],
            )],
        };
        for (schema, at, how) in checks {
            let files: Vec<String> = tree(place.path()).into_iter().filter(|path| path.starts_with(at)).collect();
            assert!(!files.is_empty(), "{at}");
            satisfies(&checker, place.path(), schema, how, &files);
        }
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet");
    satisfies(&checker, &example, "github-workflows", &[], &[".github/workflows/fleet.yaml".to_owned()]);
}

fn satisfies(checker: &Path, folder: &Path, schema: &str, how: &[&str], files: &[String]) {
    let mut check = Command::new(checker);
    check.args(["--builtin-schema", &format!("vendor.{schema}")]).args(how).args(files);
    let output = check.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{files:?}: {}", String::from_utf8_lossy(&output.stdout));
}
