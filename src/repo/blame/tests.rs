//! Histories made at random, told by us and by the user's own git.

use std::{collections::BTreeMap, path::Path, process::Command};

use git2::{Index, IndexEntry, IndexTime, Oid, Repository, Signature, Time};

use super::{LineOrigin, Lines};
use crate::repo::Repo;

type Files = BTreeMap<String, Vec<String>>;

/// A history in the making. No two lines that are ever written are equal: which of equal ones is the older is a matter
/// of taste.
struct History {
    git: Repository,
    random: fastrand::Rng,
    commits: Vec<(Oid, Files)>,
    written: usize,
}

impl History {
    fn new(folder: &Path, seed: u64) -> Self {
        let git = Repository::init_bare(folder).unwrap();
        Self { git, random: fastrand::Rng::with_seed(seed), commits: Vec::new(), written: 0 }
    }

    fn line(&mut self) -> String {
        self.written += 1;
        format!("line {} {}\n", self.written, self.random.u64(..))
    }

    fn file(&mut self) -> Vec<String> {
        (0..self.random.usize(8..20)).map(|_| self.line()).collect()
    }

    /// Changes a few files in a few places; now and then one moves, or a new one comes.
    fn edit(&mut self, files: &mut Files) {
        for _ in 0..self.random.usize(1..4) {
            let names: Vec<String> = files.keys().cloned().collect();
            let name = names[self.random.usize(..names.len())].clone();
            match self.random.usize(..10) {
                0 => {
                    let moved = files.remove(&name).unwrap();
                    files.insert(format!("moved/{}/{name}", self.random.u8(..)), moved);
                }
                1 => {
                    let new = (format!("sites/{}.yaml", self.random.u32(..)), self.file());
                    files.extend([new]);
                }
                _ => {
                    let new = self.line();
                    let lines = files.get_mut(&name).unwrap();
                    let at = self.random.usize(..lines.len());
                    match self.random.usize(..3) {
                        0 => lines.insert(at, new),
                        1 => lines[at] = new,
                        _ if lines.len() > 4 => _ = lines.remove(at),
                        _ => lines.push(new),
                    }
                }
            }
        }
    }

    fn commit(&mut self, parents: &[usize], files: Files) {
        let never = IndexTime::new(0, 0);
        let mut index = Index::new().unwrap();
        for (path, lines) in &files {
            let id = self.git.blob(lines.concat().as_bytes()).unwrap();
            let entry = IndexEntry {
                ctime: never,
                mtime: never,
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        let tree = self.git.find_tree(index.write_tree_to(&self.git).unwrap()).unwrap();
        let time = 1_700_000_000 + i64::try_from(self.commits.len()).unwrap() * 60;
        let who = Signature::new("Ada", "ada@example.com", &Time::new(time, 0)).unwrap();
        let parents: Vec<_> = parents.iter().map(|at| self.git.find_commit(self.commits[*at].0).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        let id = self.git.commit(None, &who, &who, "change", &tree, &parents).unwrap();
        self.git.reference("refs/heads/main", id, true, "").unwrap();
        self.commits.push((id, files));
    }

    fn grow(&mut self, commits: usize) {
        let first = (0..4).map(|at| (format!("file-{at}.yaml"), self.file())).collect();
        self.commit(&[], first);
        for _ in 0..commits {
            let last = self.commits.len() - 1;
            let mut files = self.commits[last].1.clone();
            let side = self.random.usize(last.saturating_sub(3)..=last);
            // A merge takes some files of the side branch.
            if side != last && self.random.bool() {
                for (name, lines) in self.commits[side].1.clone() {
                    if self.random.usize(..3) == 0 {
                        files.insert(name, lines);
                    }
                }
                self.edit(&mut files);
                self.commit(&[last, side], files);
            } else {
                self.edit(&mut files);
                self.commit(&[last], files);
            }
        }
        self.git.set_head("refs/heads/main").unwrap();
    }
}

/// The commit of every line, by the user's git.
fn by_git(folder: &Path, file: &str) -> Vec<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(["blame", "-s", "-l", "main", "--", file]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    // Of the first commit a `^` takes the place of a digit.
    lines.lines().map(|line| line.trim_start_matches('^')[..39].to_owned()).collect()
}

#[test]
fn lines_come_from_the_commits_that_git_names() {
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::new(folder.path(), seed);
        history.grow(25);
        let (_, files) = history.commits.last().unwrap();
        let lines: Lines =
            files.iter().map(|(file, lines)| (file.as_str().into(), (1..=lines.len()).collect())).collect();
        let repo = Repo::discover(folder.path()).unwrap();
        let origins = repo.blame(&repo.revision(None).unwrap(), &lines).unwrap();
        for (file, lines) in files {
            let ours = (1..=lines.len()).map(|line| match &origins[&(file.as_str().into(), line)] {
                LineOrigin::Commit { commit, cut_off: false } => commit.id[..39].to_owned(),
                other => panic!("{other:?}"),
            });
            assert_eq!(ours.collect::<Vec<_>>(), by_git(folder.path(), file), "seed {seed}, {file}");
        }
    }
}
