//! Where a device's values come from, and who wrote them: `cargo bench --bench explain [-- FILES]`, in a repository of
//! 10,000 files unless told, and a tenth as many commits.
//!
//! `twinops explain` as a process, and of that the walk through history; beside it what else could tell who wrote the
//! same lines: the user's own `git blame`, file by file, and libgit2's.

#![expect(clippy::print_stdout, reason = "a benchmark prints rounded figures")]

mod support;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use support::{Folder, Numbers, figure, heading, median, size};
use twinops::repo::{Lines, Repo};

const FOLDERS: u64 = 40;
const PROFILES: u64 = 8;
/// The device that is asked about; its file is as old as the repository, and so are most lines of the profiles.
const DEVICE: u64 = 4321;
const RUNS: usize = 7;

fn main() {
    let files = size(10_000);
    let commits = files / 10;
    let folder = Folder::new("explain");
    write(folder.path(), files, commits);
    heading(&format!("twinops explain in a repository of {files} files and {commits} commits"));
    let whole = middle(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twinops"));
        command.env_remove("IOTHUB_CONNECTION_STRING").args(["explain", &name(DEVICE), "--fleet"]).arg(folder.path());
        let output = command.output().expect("twinops runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("change "), "{text}");
    });
    figure("twinops explain, one device", whole, "ms", "300");
    let lines = lines();
    let ours = middle(|| {
        let repo = Repo::discover(folder.path()).expect("a repository");
        let head = repo.revision(None).expect("a commit");
        assert_eq!(repo.blame(&head, &lines).expect("history").len(), lines.values().map(BTreeSet::len).sum::<usize>());
    });
    figure("  of that: the commits of the lines", ours, "ms", "-");
    figure("peer: git blame --porcelain of the same lines", middle(|| by_git(folder.path(), &lines)), "ms", "-");
    figure("peer: libgit2's blame of the same lines", middle(|| by_libgit2(folder.path(), &lines)), "ms", "-");
}

fn middle(mut work: impl FnMut()) -> f64 {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        work();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    median(&mut times)
}

/// The lines that an explanation shows: of the device's own file and of every profile.
fn lines() -> Lines {
    let profiles = (0..PROFILES).map(|at| (profile_path(at).into(), [9, 10, 11, 12].into()));
    profiles.chain([(device_path(DEVICE).into(), [6, 9].into())]).collect()
}

fn by_git(folder: &Path, lines: &Lines) {
    for (file, lines) in lines {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["blame", "--porcelain"]);
        for line in lines {
            command.arg(format!("-L{line},{line}"));
        }
        let output = command.args(["HEAD", "--", file]).output().expect("git runs");
        assert!(output.status.success() && !output.stdout.is_empty(), "git names the commits of {file}");
    }
}

fn by_libgit2(folder: &Path, lines: &Lines) {
    let git = git2::Repository::open(folder).expect("a repository");
    for (file, lines) in lines {
        let (first, last) = (lines.first().copied().unwrap_or(1), lines.last().copied().unwrap_or(1));
        let mut options = git2::BlameOptions::new();
        options.min_line(first).max_line(last);
        let blame = git.blame_file(Path::new(&**file), Some(&mut options)).expect("history");
        assert!(!blame.is_empty(), "libgit2 names the commits of {file}");
    }
}

fn name(index: u64) -> String {
    format!("kiosk-{index:05}")
}

fn device_path(index: u64) -> String {
    format!("devices/{:02}/{}.yaml", index % FOLDERS, name(index))
}

fn profile_path(index: u64) -> String {
    format!("profiles/profile-{index}.yaml")
}

fn device(index: u64, change: u64) -> String {
    format!(
        "apiVersion: twinops/v1\nkind: Device\nmetadata: {{ name: {} }}\nspec:\n  tags:\n    role: kiosk\n    \
         # Since change {change}.\n  desired:\n    time: {{ timeZone: Europe/Oslo }}\n",
        name(index)
    )
}

fn profile(index: u64, change: u64) -> String {
    format!(
        "apiVersion: twinops/v1\nkind: Profile\nmetadata: {{ name: profile-{index} }}\nspec:\n  where: tags.role = 'kiosk'\n  \
         # Since change {change}.\n  priority: {index}\n  desired:\n    time:\n      timeZone: UTC\n      ntp:\n        \
         servers: [a{index}.example]\n"
    )
}

/// A history: all files at once, then many small commits, one in ten of which touches a profile.
fn write(folder: &Path, files: u64, commits: u64) {
    let git = |words: &[&str]| {
        let status = Command::new("git").arg("-C").arg(folder).args(words).status().expect("git runs");
        assert!(status.success(), "git {words:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    let mut numbers = Numbers::new(3);
    let mut stream = String::new();
    let mut put = |change: u64, contents: &[(String, String)]| {
        let message = format!("change {change}\n");
        let time = 1_700_000_000 + change * 60;
        write!(
            stream,
            "commit refs/heads/main\ncommitter Ada <ada@example.com> {time} +0000\ndata {}\n{message}",
            message.len()
        )
        .expect("a text takes all");
        for (path, text) in contents {
            write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).expect("a text takes all");
        }
    };
    let fleet = "apiVersion: twinops/v1\nkind: Fleet\nmetadata: { name: bench }\n".to_owned();
    let mut all = vec![("fleet.yaml".to_owned(), fleet)];
    all.extend((0..PROFILES).map(|at| (profile_path(at), profile(at, 0))));
    all.extend((0..files - 1 - PROFILES).map(|at| (device_path(at), device(at, 0))));
    put(0, &all);
    for change in 1..commits {
        let mut changed = Vec::new();
        if change % 10 == 0 {
            let at = numbers.below(PROFILES);
            changed.push((profile_path(at), profile(at, change)));
        }
        for _ in 0..3 {
            let at = numbers.below(files - 1 - PROFILES);
            changed.push((device_path(at), device(at, change)));
        }
        put(change, &changed);
    }
    let mut import = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    import.stdin.take().expect("piped").write_all(stream.as_bytes()).expect("git reads");
    assert!(import.wait().expect("git runs").success(), "git takes the history");
    git(&["checkout", "--quiet", "main"]);
    git(&["repack", "-adq"]);
}
