//! From a save to the answer.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    again::git,
    fleet,
    support::{Numbers, figure, heading, median},
};

const RUNS: u64 = 11;

pub(crate) fn measure(folder: &Path, files: u64) {
    git(folder, &["init", "--quiet"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "all"]);
    heading(&format!("twinops validate --watch in a repository of {files} files"));
    let mut process = Command::new(env!("CARGO_BIN_EXE_twinops"))
        .args(["validate", "--watch"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("twinops runs");
    let mut out = BufReader::new(process.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut err = BufReader::new(process.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let mut answered = || out.any(|line| line.contains(" document")) && err.any(|line| line.starts_with("watching"));
    assert!(answered(), "a first result");
    let mut numbers = Numbers::new(5);
    let mut saves = |path: &dyn Fn(u64) -> String, text: &dyn Fn(u64, &mut Numbers) -> String| {
        let mut times = Vec::new();
        for run in 1..=RUNS {
            let text = text(run, &mut numbers);
            let begun = Instant::now();
            fs::write(folder.join(path(run)), text).expect("room on the disk");
            assert!(answered(), "an answer");
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        median(&mut times)
    };
    let device = saves(&|run| fleet::path_of(files / 2 + run), &|run, numbers| fleet::device(files / 2 + run, numbers));
    figure("a device is saved", device, "ms", "100");
    let profile = saves(&|_| "profiles/profile-07.yaml".to_owned(), &|run, _| {
        fleet::profile(7) + &format!("# Saved {run} times.\n")
    });
    figure("a profile is saved, every device resolved again", profile, "ms", "-");
    process.kill().expect("it runs");
    process.wait().expect("it ends");
}
