//! `twinops validate --watch` on real files: what it says after each save, and how it ends.
#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

const FLEET: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: shop }\n";
const WRONG: &str = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: shop }\nspec: { vers: {} }\n";

fn device(name: &str) -> String {
    format!("apiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {name} }}\n")
}

struct Watching {
    process: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_twinops"))
            .args(["validate", "--watch"])
            .args(words)
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap()).lines();
        let err = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, out, err }
    }

    /// The last line of the next result; it watches again when this returns.
    fn result(&mut self) -> String {
        let line = self.out.by_ref().map(Result::unwrap).find(|line| line.contains(" document")).unwrap();
        assert!(self.err.by_ref().map(Result::unwrap).any(|line| line.starts_with("watching")));
        line
    }

    /// Ctrl-C; the exit code, and what it has said since the last result.
    fn interrupt(mut self) -> (i32, Vec<String>) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let code = self.process.wait().unwrap().code().unwrap();
        (code, self.out.map(Result::unwrap).collect())
    }
}

#[test]
fn every_save_is_answered_and_the_end_says_how_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
    write("fleet.yaml", FLEET);
    write("a.yaml", &device("a"));
    let mut watching = Watching::start(folder.path(), &[]);
    assert_eq!(watching.result(), "No findings in 2 documents");
    write("fleet.yaml", WRONG);
    assert_eq!(watching.result(), "1 error in 2 documents");
    write("fleet.yaml", FLEET);
    assert_eq!(watching.result(), "No findings in 2 documents");
    // As editors save: the new text under another name, then in the place of the old one.
    write(".b.yaml.new", &device("a"));
    fs::rename(folder.path().join(".b.yaml.new"), folder.path().join("b.yaml")).unwrap();
    assert_eq!(watching.result(), "1 error in 3 documents");
    let (code, rest) = watching.interrupt();
    assert_eq!((code, rest), (3, Vec::<String>::new()));
}

#[test]
fn ctrl_c_on_a_sound_repository_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fleet.yaml"), FLEET).unwrap();
    let mut watching = Watching::start(folder.path(), &[]);
    watching.result();
    assert_eq!(watching.interrupt().0, 0);
}

#[test]
fn many_files_saved_at_once_are_one_change() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fleet.yaml"), FLEET).unwrap();
    let mut watching = Watching::start(folder.path(), &[]);
    watching.result();
    fs::create_dir(folder.path().join("devices")).unwrap();
    for at in 0..200 {
        fs::write(folder.path().join(format!("devices/{at}.yaml")), device(&format!("d-{at}"))).unwrap();
    }
    let mut results = 0;
    while watching.result() != "No findings in 201 documents" {
        results += 1;
        assert!(results < 10, "each file is answered by itself");
    }
    assert_eq!(watching.interrupt().0, 0);
}
