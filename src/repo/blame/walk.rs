//! From commit to commit, newest first, until every line has the one that wrote it.

use std::{
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use git2::{Commit, Delta, DiffFindOptions, Oid, Repository};

use super::{
    lines::{self, Line},
    trail::{self, Trail},
};

/// Most files that come and go in one commit among which renamed ones are looked for by likeness.
const RENAMES: usize = 200;

/// Lines of one file that may come from the commit at hand, or from one before it.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    /// The file as it was asked for.
    pub(super) file: Arc<str>,
    /// What it is called at this commit, from the repository's root.
    pub(super) path: Arc<str>,
    pub(super) trail: Trail,
    pub(super) lines: Vec<Line>,
}

impl Suspect {
    /// The file's content.
    pub(super) fn blob(&self) -> Oid {
        self.trail.last().copied().unwrap_or(Oid::ZERO_SHA1)
    }
}

/// A line as it was asked for, and its commit.
type Found = ((Arc<str>, usize), Oid);

/// The walk, and what it has found so far.
pub(super) struct Walk<'r> {
    git: &'r Repository,
    /// Commits to look at, the newest first.
    queue: BinaryHeap<(i64, Oid)>,
    waiting: HashMap<Oid, Vec<Suspect>>,
    found: Vec<Found>,
}

impl<'r> Walk<'r> {
    pub(super) fn new(git: &'r Repository) -> Self {
        Self { git, queue: BinaryHeap::new(), waiting: HashMap::new(), found: Vec::new() }
    }

    /// The commit of every line of these suspects, beginning with the commit at which they are suspected.
    pub(super) fn run(mut self, newest: Oid, suspects: Vec<Suspect>) -> Result<Vec<Found>, git2::Error> {
        let newest = self.git.find_commit(newest)?;
        for suspect in suspects {
            self.hand(&newest, suspect);
        }
        while let Some((_, id)) = self.queue.pop() {
            let Some(suspects) = self.waiting.remove(&id) else { continue };
            let commit = self.git.find_commit(id)?;
            self.look(&commit, suspects)?;
        }
        Ok(self.found)
    }

    /// Suspects a commit.
    fn hand(&mut self, to: &Commit<'_>, suspect: Suspect) {
        if suspect.lines.is_empty() {
            return;
        }
        let waiting = self.waiting.entry(to.id()).or_default();
        if waiting.is_empty() {
            self.queue.push((to.time().seconds(), to.id()));
        }
        waiting.push(suspect);
    }

    /// Hands on what the commit's parents have as well; the rest is the commit's own.
    fn look(&mut self, commit: &Commit<'_>, suspects: Vec<Suspect>) -> Result<(), git2::Error> {
        // The parents that a shallow clone has cut off are not to be had.
        let parents: Vec<Commit<'_>> = commit.parents().collect();
        for suspect in suspects {
            let Some(suspect) = self.same(&parents, suspect)? else { continue };
            let (suspect, absent) = self.changed(&parents, suspect)?;
            let suspect = self.renamed(commit, &absent, suspect)?;
            let own = suspect.lines.iter().map(|line| ((suspect.file.clone(), line.asked), commit.id()));
            self.found.extend(own);
        }
        Ok(())
    }

    /// A parent with the same content takes all lines: so does git, which makes history of a merge short.
    fn same(&mut self, parents: &[Commit<'_>], suspect: Suspect) -> Result<Option<Suspect>, git2::Error> {
        for parent in parents {
            let root = parent.tree_id();
            if suspect.trail.first() == Some(&root) {
                self.hand(parent, suspect);
                return Ok(None);
            }
            if let Some(trail) = trail::of(self.git, root, &suspect.path, &suspect.trail)?
                && trail.last() == suspect.trail.last()
            {
                self.hand(parent, Suspect { trail, ..suspect });
                return Ok(None);
            }
        }
        Ok(Some(suspect))
    }

    /// Parents that have the file take the lines that they have too. What is left, and the parents without the file.
    fn changed<'p, 'c>(
        &mut self,
        parents: &'p [Commit<'c>],
        mut suspect: Suspect,
    ) -> Result<(Suspect, Vec<&'p Commit<'c>>), git2::Error> {
        let mut absent = Vec::new();
        for parent in parents {
            match trail::of(self.git, parent.tree_id(), &suspect.path, &suspect.trail)? {
                Some(trail) => {
                    let path = suspect.path.clone();
                    suspect = self.pass(parent, suspect, path, trail)?;
                }
                None => absent.push(parent),
            }
        }
        Ok((suspect, absent))
    }

    /// Parents that have the file under another name take their lines.
    fn renamed(
        &mut self,
        commit: &Commit<'_>,
        parents: &[&Commit<'_>],
        mut suspect: Suspect,
    ) -> Result<Suspect, git2::Error> {
        for parent in parents {
            if suspect.lines.is_empty() {
                break;
            }
            let Some(path) = self.former_path(commit, parent, &suspect.path)? else { continue };
            let Some(trail) = trail::of(self.git, parent.tree_id(), &path, &[])? else { continue };
            suspect = self.pass(parent, suspect, path.into(), trail)?;
        }
        Ok(suspect)
    }

    /// Hands a parent the lines that its version, which lies at that path, has as well. What is left.
    fn pass(
        &mut self,
        parent: &Commit<'_>,
        suspect: Suspect,
        path: Arc<str>,
        trail: Trail,
    ) -> Result<Suspect, git2::Error> {
        let Some(old) = trail.last().copied() else { return Ok(suspect) };
        let (passed, left) = match suspect.blob() {
            blob if blob == old => (suspect.lines, Vec::new()),
            blob => lines::shared(self.git, old, blob, suspect.lines)?,
        };
        self.hand(parent, Suspect { file: suspect.file.clone(), path, trail, lines: passed });
        Ok(Suspect { lines: left, ..suspect })
    }

    /// What a file that is new in a commit was called before.
    fn former_path(&self, commit: &Commit<'_>, parent: &Commit<'_>, path: &str) -> Result<Option<String>, git2::Error> {
        let (old, new) = (parent.tree()?, commit.tree()?);
        let mut diff = self.git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
        if !diff.deltas().any(|delta| delta.status() == Delta::Deleted) {
            return Ok(None);
        }
        diff.find_similar(Some(DiffFindOptions::new().renames(true).rename_limit(RENAMES)))?;
        let is_it = |file: &git2::DiffFile<'_>| file.path_bytes() == Some(path.as_bytes());
        let found = diff.deltas().find(|delta| delta.status() == Delta::Renamed && is_it(&delta.new_file()));
        let name = |delta: git2::DiffDelta<'_>| String::from_utf8(delta.old_file().path_bytes()?.to_vec()).ok();
        Ok(found.and_then(name))
    }
}
