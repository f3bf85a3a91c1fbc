//! Real repositories in temporary folders.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use git2::{Repository, Signature, Time};
use tempfile::TempDir;

use super::{LineOrigin, Lines, Repo, RepoError, Revision};

/// A repository with a working tree and `commit`.
struct Yard {
    folder: TempDir,
    git: Repository,
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = Repository::init(folder.path()).unwrap();
        Self { folder, git }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        write(self.folder.path(), path, text);
    }

    fn commit(&self, message: &str) -> String {
        let mut index = self.git.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = self.git.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("Ada", "ada@example.com", &Time::new(1_700_000_000, 60)).unwrap();
        let parent = self.git.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        self.git.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap().to_string()
    }

    fn repo(&self, folder: &str) -> Repo {
        Repo::discover(&self.path(folder)).unwrap()
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Path and text of every file, schemas last.
fn read(repo: &Repo, revision: &Revision) -> Vec<(String, String)> {
    let source = repo.source(revision).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    source.files.iter().chain(&source.schemas).map(|file| (file.path.to_string(), text(&file.text))).collect()
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_revision_is_read_without_a_checkout() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    let first = yard.commit("first");
    yard.write("fleet.yaml", "two");
    yard.write("profiles/b.yml", "b");
    yard.write("components/c.schema.json", "{}");
    yard.write("README.md", "no document");
    yard.write(".github/workflow.yaml", "no document either");
    yard.commit("second");
    let repo = yard.repo("");
    fs::remove_file(yard.path("fleet.yaml")).unwrap();
    let head = repo.revision(None).unwrap();
    let now = [("fleet.yaml", "two"), ("profiles/b.yml", "b"), ("components/c.schema.json", "{}")];
    assert_eq!(read(&repo, &head), pairs(&now));
    let before = repo.revision(Some("HEAD~1")).unwrap();
    assert_eq!((before.id.as_str(), before.short.as_str()), (first.as_str(), &first[..10]));
    assert_eq!(read(&repo, &before), pairs(&[("fleet.yaml", "one")]));
    assert_eq!(repo.recorded(&first).unwrap(), before);
}

#[test]
fn a_tree_is_a_revision_too() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let tree = yard.git.head().unwrap().peel_to_tree().unwrap().id().to_string();
    let repo = yard.repo("");
    let revision = repo.recorded(&tree).unwrap();
    assert_eq!(revision.id, tree);
    assert_eq!(read(&repo, &revision), pairs(&[("fleet.yaml", "one")]));
    assert_eq!(repo.commit_info(&revision).unwrap(), None);
}

#[test]
fn a_fleet_may_live_in_a_subfolder() {
    let yard = Yard::new();
    yard.write("other.yaml", "not ours");
    let before = yard.commit("without the fleet");
    yard.write("deploy/fleet/fleet.yaml", "ours");
    yard.commit("with the fleet");
    let repo = yard.repo("deploy/fleet");
    assert_eq!(repo.prefix(), "deploy/fleet");
    assert_eq!(read(&repo, &repo.revision(None).unwrap()), pairs(&[("fleet.yaml", "ours")]));
    let gone = repo.source(&repo.recorded(&before).unwrap());
    assert!(matches!(gone, Err(RepoError::NoFolder { folder, .. }) if folder == "deploy/fleet"));
    yard.write("other.yaml", "changed, and still not ours");
    assert_eq!(repo.dirty_files().unwrap(), Vec::<String>::new());
    yard.write("deploy/fleet/new.yaml", "new");
    assert_eq!(repo.dirty_files().unwrap(), ["new.yaml"]);
    let recorded = repo.record_worktree().unwrap();
    assert_eq!(read(&repo, &recorded), pairs(&[("fleet.yaml", "ours"), ("new.yaml", "new")]));
}

#[cfg(unix)]
#[test]
fn links_are_passed_over() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    std::os::unix::fs::symlink("fleet.yaml", yard.path("link.yaml")).unwrap();
    yard.commit("first");
    let repo = yard.repo("");
    assert_eq!(read(&repo, &repo.revision(None).unwrap()), pairs(&[("fleet.yaml", "one")]));
}

#[test]
fn a_clean_working_tree_is_head() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    let head = yard.commit("first");
    yard.write("notes.txt", "no document");
    let repo = yard.repo("");
    assert_eq!(repo.record_worktree().unwrap().id, head);
    assert!(yard.git.find_reference("refs/twinops/worktree").is_err());
}

#[test]
fn recorded_working_trees_stay_readable_and_touch_nothing() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.write("old.yaml", "old");
    yard.write(".gitignore", "secret.yaml\n");
    let head = yard.commit("first");
    yard.write("fleet.yaml", "two");
    yard.write("secret.yaml", "ignored");
    fs::remove_file(yard.path("old.yaml")).unwrap();
    let repo = yard.repo("");
    assert_eq!(repo.dirty_files().unwrap(), ["fleet.yaml", "old.yaml"]);
    let second = repo.record_worktree().unwrap();
    assert_eq!(repo.record_worktree().unwrap(), second);
    yard.write("fleet.yaml", "three");
    let third = repo.record_worktree().unwrap();
    assert_eq!(read(&repo, &second), pairs(&[("fleet.yaml", "two")]));
    assert_eq!(read(&repo, &third), pairs(&[("fleet.yaml", "three")]));
    let kept = yard.git.find_reference("refs/twinops/worktree").unwrap().peel_to_commit().unwrap();
    assert_eq!(kept.id().to_string(), third.id);
    assert_eq!(kept.parent_id(0).unwrap().to_string(), second.id);
    assert_eq!(repo.revision(None).unwrap().id, head);
    assert_eq!(repo.dirty_files().unwrap(), ["fleet.yaml", "old.yaml"]);
}

#[test]
fn a_repository_without_a_commit_can_be_recorded() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    let repo = yard.repo("");
    assert!(matches!(repo.revision(None), Err(RepoError::NoCommit)));
    assert_eq!(read(&repo, &repo.record_worktree().unwrap()), pairs(&[("fleet.yaml", "one")]));
}

#[test]
fn a_folder_without_a_repository_gets_one_elsewhere() {
    let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(matches!(Repo::discover(folder.path()), Err(RepoError::NotARepository(_))));
    write(folder.path(), "fleet.yaml", "one");
    let repo = Repo::scratch(state.path(), folder.path()).unwrap();
    let first = repo.record_worktree().unwrap();
    write(folder.path(), "sites/oslo.yaml", "two");
    let repo = Repo::scratch(state.path(), folder.path()).unwrap();
    let second = repo.record_worktree().unwrap();
    assert_eq!(read(&repo, &repo.recorded(&first.id).unwrap()), pairs(&[("fleet.yaml", "one")]));
    assert_eq!(read(&repo, &second), pairs(&[("fleet.yaml", "one"), ("sites/oslo.yaml", "two")]));
    assert_eq!(repo.changed_files(&first, &second).unwrap(), ["sites/oslo.yaml"]);
    assert!(!folder.path().join(".git").exists());
}

#[test]
fn changed_files_are_named_whichever_way_they_changed() {
    let yard = Yard::new();
    yard.write("a.yaml", "same");
    yard.write("b.yaml", "before");
    yard.write("gone.yaml", "gone");
    yard.commit("first");
    yard.write("b.yaml", "after");
    yard.write("new.yaml", "new");
    yard.write("README.md", "no document");
    fs::remove_file(yard.path("gone.yaml")).unwrap();
    yard.commit("second");
    let repo = yard.repo("");
    let (old, new) = (repo.revision(Some("HEAD~1")).unwrap(), repo.revision(None).unwrap());
    assert_eq!(repo.changed_files(&old, &new).unwrap(), ["b.yaml", "gone.yaml", "new.yaml"]);
    assert!(repo.changed_files(&new, &new).unwrap().is_empty());
}

#[test]
fn commits_tell_who_and_when_and_lines_their_commit() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one\ntwo\n");
    let first = yard.commit("Add the fleet\n\nAnd more words.");
    yard.write("fleet.yaml", "one\nchanged\n");
    yard.commit("Change a line");
    let repo = yard.repo("");
    let head = repo.revision(None).unwrap();
    let info = repo.commit_info(&head).unwrap().unwrap();
    assert_eq!(
        (info.subject.as_str(), info.author.as_str(), info.email.as_str()),
        ("Change a line", "Ada", "ada@example.com")
    );
    assert_eq!(info.time.as_second(), 1_700_000_000);
    let lines = Lines::from([("fleet.yaml".into(), [1, 2].into()), ("none.yaml".into(), [1].into())]);
    let origins = repo.blame(&head, &lines).unwrap();
    let commits: Vec<_> = origins.values().map(commit_of).collect();
    assert_eq!(commits, [first.as_str(), &head.id]);
}

fn commit_of(origin: &LineOrigin) -> &str {
    match origin {
        LineOrigin::Commit { commit, .. } => &commit.id,
        LineOrigin::Uncommitted => "uncommitted",
    }
}

#[test]
fn lines_of_the_working_tree_come_from_commits_or_say_that_they_do_not() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one\ntwo\nthree\n");
    yard.write("same.yaml", "same\n");
    let first = yard.commit("first");
    let content = |file: &str| -> Option<Arc<[u8]>> { Some(fs::read(yard.path(file)).ok()?.into()) };
    yard.write("fleet.yaml", "zero\none\nthree\nfour\n");
    yard.write("new.yaml", "new\n");
    let repo = yard.repo("");
    let lines = Lines::from([
        ("fleet.yaml".into(), [1, 2, 3, 4].into()),
        ("same.yaml".into(), [1].into()),
        ("new.yaml".into(), [1].into()),
    ]);
    let origins = repo.blame_worktree(&lines, content).unwrap();
    let told: Vec<_> = origins.iter().map(|((file, line), origin)| (&**file, *line, commit_of(origin))).collect();
    assert_eq!(
        told,
        [
            ("fleet.yaml", 1, "uncommitted"),
            ("fleet.yaml", 2, first.as_str()),
            ("fleet.yaml", 3, first.as_str()),
            ("fleet.yaml", 4, "uncommitted"),
            ("new.yaml", 1, "uncommitted"),
            ("same.yaml", 1, first.as_str()),
        ]
    );
}

#[test]
fn history_that_is_cut_off_is_said_to_be() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    yard.write("other.yaml", "other");
    yard.commit("second");
    let clone = tempfile::tempdir().unwrap();
    shallow_clone(&yard, &clone);
    let repo = Repo::discover(clone.path()).unwrap();
    let head = repo.revision(None).unwrap();
    let origins = repo.blame(&head, &Lines::from([("fleet.yaml".into(), [1].into())])).unwrap();
    assert!(matches!(origins.values().next(), Some(LineOrigin::Commit { cut_off: true, .. })), "{origins:?}");
}

#[test]
fn names_that_git_does_not_know_are_told_from_objects_that_are_missing() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let repo = yard.repo("");
    assert!(matches!(repo.revision(Some("no-such-branch")), Err(RepoError::UnknownRevision(_))));
    let id = "1234567890123456789012345678901234567890";
    let missing = repo.recorded(id).unwrap_err();
    assert!(matches!(&missing, RepoError::Missing { shallow: false, .. }));
    assert!(missing.to_string().contains("git fetch"), "{missing}");
    for marker in ["HEAD", "", "--upload-pack=x", "12345678", &"é".repeat(20)] {
        assert!(matches!(repo.recorded(marker), Err(RepoError::UnknownRevision(_))), "{marker}");
    }
}

/// Runs the user's git; `protocol.file.allow` is on by default for clones.
fn git(arguments: &[&str]) {
    let output = Command::new("git").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn shallow_clone(yard: &Yard, to: &TempDir) {
    let url = format!("file://{}", yard.folder.path().display());
    git(&["clone", "--quiet", "--depth=1", &url, to.path().to_str().unwrap()]);
}

#[test]
fn what_a_shallow_clone_lacks_is_fetched() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    let first = yard.commit("first");
    yard.write("fleet.yaml", "two");
    yard.commit("second");
    let clone = tempfile::tempdir().unwrap();
    shallow_clone(&yard, &clone);
    let repo = Repo::discover(clone.path()).unwrap();
    let missing = repo.recorded(&first).unwrap_err();
    assert!(matches!(&missing, RepoError::Missing { shallow: true, .. }));
    assert!(missing.to_string().contains("git fetch --unshallow"), "{missing}");
    let fetched = repo.fetch(&first).unwrap();
    assert_eq!(read(&repo, &fetched), pairs(&[("fleet.yaml", "one")]));
}

#[test]
fn a_revision_that_nobody_has_is_asked_for_once() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let clone = tempfile::tempdir().unwrap();
    shallow_clone(&yard, &clone);
    let repo = Repo::discover(clone.path()).unwrap();
    let id = "1234567890123456789012345678901234567890";
    assert!(repo.fetch(id).is_err());
    fs::remove_dir_all(yard.folder.path()).unwrap();
    assert!(matches!(repo.fetch(id), Err(RepoError::Missing { .. })));
}

#[test]
fn a_repository_without_a_remote_says_what_is_missing() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let repo = yard.repo("");
    assert!(matches!(repo.fetch("1234567890123456789012345678901234567890"), Err(RepoError::Missing { .. })));
}

#[test]
fn a_proposal_is_a_commit_on_its_own_branch_and_touches_nothing_else() {
    let yard = Yard::new();
    yard.write("deploy/fleet/fleet.yaml", "one\n");
    yard.write("other.txt", "other\n");
    let head = yard.commit("first");
    yard.write("deploy/fleet/fleet.yaml", "not committed\n");
    let repo = yard.repo("deploy/fleet");
    let base = repo.revision(None).unwrap();
    let propose =
        |text: &str| repo.commit_to("adopt/x", &base, [("fleet.yaml", text), ("devices/d.yaml", "d\n")], "Adopt", None);
    let first = propose("two\n").unwrap();
    assert_eq!(propose("two\n").unwrap(), first, "the same is not made again");
    let second = propose("three\n").unwrap();
    assert_ne!(first, second);
    let proposed = repo.recorded(&second).unwrap();
    assert_eq!(read(&repo, &proposed), pairs(&[("devices/d.yaml", "d\n"), ("fleet.yaml", "three\n")]));
    let commit = yard.git.find_commit(second.parse().unwrap()).unwrap();
    assert_eq!(commit.parent_id(0).unwrap().to_string(), head);
    assert!(commit.tree().unwrap().get_name("other.txt").is_some());
    assert_eq!(fs::read_to_string(yard.path("deploy/fleet/fleet.yaml")).unwrap(), "not committed\n");
    assert_eq!(repo.revision(None).unwrap().id, head);
}

#[test]
fn a_branch_of_somebody_else_is_not_replaced() {
    let yard = Yard::new();
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let repo = yard.repo("");
    let base = repo.revision(None).unwrap();
    let own = yard.git.head().unwrap().shorthand().unwrap().to_owned();
    yard.git.branch("theirs", &yard.git.head().unwrap().peel_to_commit().unwrap(), false).unwrap();
    let propose = |branch: &str| repo.commit_to(branch, &base, [("fleet.yaml", "two")], "Adopt", None);
    assert!(matches!(propose(&own), Err(RepoError::CheckedOut(_))));
    assert!(matches!(propose("theirs"), Err(RepoError::ForeignBranch(_))));
    for name in ["", "a..b", "-x", "a b"] {
        assert!(matches!(propose(name), Err(RepoError::BadBranch(_))), "{name}");
    }
    assert!(matches!(repo.push("theirs"), Err(RepoError::NoRemote)));
}

#[test]
fn a_proposal_is_pushed_in_the_place_of_the_one_before() {
    let (yard, remote) = (Yard::new(), tempfile::tempdir().unwrap());
    yard.write("fleet.yaml", "one");
    yard.commit("first");
    let there = Repository::init_bare(remote.path()).unwrap();
    yard.git.remote("origin", remote.path().to_str().unwrap()).unwrap();
    let repo = yard.repo("");
    let base = repo.revision(None).unwrap();
    for text in ["two", "three"] {
        let commit = repo.commit_to("adopt", &base, [("fleet.yaml", text)], "Adopt", None).unwrap();
        assert_eq!(repo.push("adopt").unwrap(), "origin");
        assert_eq!(there.find_reference("refs/heads/adopt").unwrap().target().unwrap().to_string(), commit);
    }
    fs::remove_dir_all(remote.path()).unwrap();
    assert!(matches!(repo.push("adopt"), Err(RepoError::Push { .. })));
}
