//! The second look at a repository, most of which is as it was.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    fleet,
    support::{Numbers, figure, heading, median},
};

/// Files that the commit changes.
const CHANGED: u64 = 100;
/// The middle one of so many runs counts.
const RUNS: u64 = 5;

pub(crate) fn measure(folder: &Path, files: u64) {
    git(folder, &["init", "--quiet"]);
    commit(folder, "all");
    git(folder, &["repack", "-adq"]);
    heading(&format!("twinops validate in a repository of {files} files"));
    figure("first time, from git's objects", millis(folder, &["--revision", "HEAD"]), "ms", "-");
    let (mut objects, mut tree, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let mut numbers = Numbers::new(100 + run);
        for _ in 0..CHANGED {
            let index = 1000 + numbers.below(files - 1000);
            fs::write(folder.join(fleet::path_of(index)), fleet::device(index, &mut numbers)).expect("room");
        }
        commit(folder, "some");
        git(folder, &["repack", "-dq"]);
        objects.push(millis(folder, &["--revision", "HEAD"]));
        tree.push(millis(folder, &[]));
        peer.push(by_git(folder));
    }
    figure("again after a commit of 100 files, from git's objects", median(&mut objects), "ms", "200");
    figure("the same from the working tree", median(&mut tree), "ms", "-");
    figure("peer: git diff and the contents of those files", median(&mut peer), "ms", "-");
    let kept = fs::read_dir(folder.join(".git/twinops")).expect("results are kept");
    let bytes: u64 = kept.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "no figure needs sixteen digits")]
    figure("kept below .git/twinops", bytes as f64 / 1e6, "MB", "-");
}

fn millis(folder: &Path, words: &[&str]) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
    command.arg("validate").args(words).arg(folder).stdout(Stdio::null()).stderr(Stdio::inherit());
    let begun = Instant::now();
    assert!(command.status().expect("twinops runs").success(), "nothing is wrong");
    begun.elapsed().as_secs_f64() * 1e3
}

/// What changed, by git alone: the names, and what the files hold.
fn by_git(folder: &Path) -> f64 {
    let script = "git diff --raw --no-abbrev HEAD~1 HEAD | cut -d' ' -f4 | git cat-file --batch >/dev/null";
    let begun = Instant::now();
    let status = Command::new("sh").args(["-c", script]).current_dir(folder).status();
    assert!(status.expect("git runs").success(), "git shows what changed");
    begun.elapsed().as_secs_f64() * 1e3
}

fn commit(folder: &Path, message: &str) {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", message]);
}

pub(crate) fn git(folder: &Path, words: &[&str]) {
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"];
    let status = Command::new("git").arg("-C").arg(folder).args(who).args(words).status();
    assert!(status.expect("git runs").success(), "git {words:?}");
}
